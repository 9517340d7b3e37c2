import { useState } from 'react'
import { bounded, moreText } from '../../base/visibleText'
import { formatCount } from '../format'
import { foldText, visibleParts } from './controlCharacters'
import classes from './trajectory.module.css'

/** More than any name or sentence has. Whole texts are shown folded. */
const SHOWN = 2000

/** Text from outside, as text nodes only, with every hidden character drawn; of a longer text the first `most` characters. */
export function VisibleText({ text, most = SHOWN }: { readonly text: string; readonly most?: number }) {
  const { shown, more } = bounded(text, most)
  return (
    <>
      {visibleParts(shown).map((part, index) =>
        part.control === null ? (
          part.text
        ) : (
          <span key={index} className={classes.control} title={part.control}>
            {part.text}
          </span>
        ),
      )}
      {moreText(more)}
    </>
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
        <VisibleText text={folded ? fold.shown : text} most={Number.POSITIVE_INFINITY} />
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
