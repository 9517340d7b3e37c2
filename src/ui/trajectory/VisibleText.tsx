import { useState } from 'react'
import { formatCount } from '../format'
import { foldText, visibleParts } from './controlCharacters'
import classes from './trajectory.module.css'

/** Text from outside, as text nodes only, with every hidden character drawn. */
export function VisibleText({ text }: { readonly text: string }) {
  return visibleParts(text).map((part, index) =>
    part.control === null ? (
      part.text
    ) : (
      <span key={index} className={classes.control} title={part.control}>
        {part.text}
      </span>
    ),
  )
}

/** The first lines of a long text; the rest one click away. */
export function FoldedText({
  text,
  lines = 6,
  prose = false,
  testId,
}: {
  readonly text: string
  readonly lines?: number
  readonly prose?: boolean
  readonly testId?: string
}) {
  const [open, setOpen] = useState(false)
  const fold = foldText(text, lines, prose ? 60 : 40)
  const folded = fold.folds && !open
  const look = (prose ? classes.prose : classes.text) ?? ''
  return (
    <>
      <pre
        className={`${look} ${folded ? (classes.folded ?? '') : ''}`}
        style={folded ? { WebkitLineClamp: lines } : undefined}
        data-testid={testId}
      >
        <VisibleText text={folded ? fold.shown : text} />
      </pre>
      {fold.folds && (
        <button
          type="button"
          className={classes.linkButton}
          aria-expanded={open}
          onClick={() => {
            setOpen(!open)
          }}
        >
          {open ? 'Fold' : `Show all ${formatCount(text.length)} characters`}
        </button>
      )}
    </>
  )
}
