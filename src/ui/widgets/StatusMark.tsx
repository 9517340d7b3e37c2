import type { AnswerStatus } from '../../records/trajectory'
import classes from './widgets.module.css'

export const STATUS_WORDS: Readonly<Record<AnswerStatus, string>> = { solved: 'Solved', unsure: 'Unsure', unsolved: 'Unsolved' }

/** The shape alone (● ◐ ○, a dot while unknown), in the current text colour. */
export function StatusShape({ status, size = 12 }: { readonly status: AnswerStatus | null; readonly size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 12 12" aria-hidden="true" focusable="false">
      {status === 'solved' && <circle cx="6" cy="6" r="5" fill="currentColor" />}
      {status === 'unsure' && (
        <>
          <circle cx="6" cy="6" r="4.25" fill="none" stroke="currentColor" strokeWidth="1.5" />
          <path d="M6 1.75a4.25 4.25 0 0 0 0 8.5Z" fill="currentColor" />
        </>
      )}
      {status === 'unsolved' && <circle cx="6" cy="6" r="4.25" fill="none" stroke="currentColor" strokeWidth="1.5" />}
      {status === null && <circle cx="6" cy="6" r="1.25" fill="currentColor" />}
    </svg>
  )
}

/** Status by colour and shape, with its word (hidden from sight, not from readers, when `quiet`). */
export function StatusMark({ status, quiet = false }: { readonly status: AnswerStatus | null; readonly quiet?: boolean }) {
  const word = status === null ? 'Not yet known' : STATUS_WORDS[status]
  return (
    <span
      className={`${classes.mark ?? ''} ${classes[status ?? 'pending'] ?? ''}`}
      {...(quiet ? { role: 'img', 'aria-label': word, title: word } : {})}
    >
      <StatusShape status={status} />
      {!quiet && word}
    </span>
  )
}
