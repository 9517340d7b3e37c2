import type { Opinion } from '../../records/annotation'
import { formatNumber, formatWhen } from '../format'
import classes from './trajectory.module.css'
import { VisibleText } from './VisibleText'

const KIND_WORDS: Readonly<Record<Opinion['annotator_kind'], string>> = { HUMAN: 'person', LLM: 'judge', CODE: 'rule' }

/** Every opinion as it was given, old ones struck through: nothing is overwritten. */
export function OpinionList({ opinions }: { readonly opinions: readonly Opinion[] }) {
  const replaced = new Set(opinions.map((one) => one.supersedes))
  return (
    <ul className={classes.tree}>
      {opinions.map((one) => {
        const old = replaced.has(one.opinion_id)
        return (
          <li key={one.opinion_id} style={old ? { textDecoration: 'line-through' } : undefined}>
            <span className={classes.quiet}>{one.annotator_id.startsWith('imported:') ? 'file' : KIND_WORDS[one.annotator_kind]} </span>
            <VisibleText text={one.annotator_id.replace(/^imported:/, '')} /> <span className={classes.quiet}>{one.name}</span>{' '}
            {one.value === null ? 'withdrawn' : formatNumber(one.value)}
            {one.repeat > 0 && <span className={classes.quiet}> repeat {one.repeat + 1}</span>}{' '}
            <span className={classes.quiet}>{formatWhen(one.created_at)}</span>
            {one.rationale !== '' && (
              <>
                {' '}
                — <VisibleText text={one.rationale} />
              </>
            )}
          </li>
        )
      })}
    </ul>
  )
}
