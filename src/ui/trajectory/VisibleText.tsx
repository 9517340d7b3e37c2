import { useState } from 'react'
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
export function FoldedText({ text, lines = 6, prose = false, testId }: { readonly text: string; readonly lines?: number; readonly prose?: boolean; readonly testId?: string }) {
  const [open, setOpen] = useState(false)
  const fold = foldText(text, lines)
  const folds = fold.hiddenCharacters > 0
  const rest = fold.hiddenLines > 0 ? `${fold.hiddenLines} more lines` : `${fold.hiddenCharacters.toLocaleString('en')} more characters`
  return (
    <>
      <pre className={prose ? classes.prose : classes.text} data-testid={testId}>
        <VisibleText text={open ? text : fold.shown} />
        {folds && !open && '…'}
      </pre>
      {folds && (
        <button
          type="button"
          className={classes.linkButton}
          aria-expanded={open}
          onClick={() => {
            setOpen(!open)
          }}
        >
          {open ? 'Fold' : `Show ${rest}`}
        </button>
      )}
    </>
  )
}
