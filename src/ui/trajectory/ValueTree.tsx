import { useMemo, useState } from 'react'
import { formatCount, nameText } from '../format'
import classes from './trajectory.module.css'
import { initiallyOpen, valueRows } from './valueRows'
import { VisibleText } from './VisibleText'

/** Rows drawn at once; the rest on request, so that one huge reply cannot stall the page. */
const PAGE = 200
/** Characters of one value drawn before it is asked for in full. */
const LONG = 240

/** A JSON value from outside as a tree that opens and closes. */
export function ValueTree({ value, label }: { readonly value: unknown; readonly label: string }) {
  const [open, setOpen] = useState(() => initiallyOpen(value))
  const [shown, setShown] = useState(PAGE)
  const rows = useMemo(() => valueRows(value, open), [value, open])
  const toggle = (path: string): void => {
    const next = new Set(open)
    if (!next.delete(path)) next.add(path)
    setOpen(next)
  }
  return (
    <>
      <ul className={classes.tree} aria-label={label}>
        {rows.slice(0, shown).map((row) => (
          <li key={row.path} className={classes.treeRow} style={{ paddingLeft: Math.min(row.depth, 20) * 12 }}>
            {row.expandable ? (
              <button
                type="button"
                className={classes.treeToggle}
                aria-expanded={row.open}
                aria-label={`${row.open ? 'Close' : 'Open'} ${nameText(row.label ?? label)}`}
                onClick={() => {
                  toggle(row.path)
                }}
              >
                {row.open ? '▼' : '▶'}
              </button>
            ) : (
              <span className={classes.treeLeaf} />
            )}
            {row.label !== null && (
              <span className={classes.treeKey}>
                <VisibleText text={row.label} most={200} />
              </span>
            )}
            <span
              className={`${classes.treeValue ?? ''} ${row.kind === 'string' ? (classes.string ?? '') : row.expandable ? (classes.quiet ?? '') : ''}`}
            >
              <VisibleText
                text={row.text.length > LONG && !open.has(row.path) ? `${row.text.slice(0, LONG)}…` : row.text}
                most={Number.POSITIVE_INFINITY}
              />
              {row.text.length > LONG && (
                <button
                  type="button"
                  className={classes.linkButton}
                  aria-expanded={open.has(row.path)}
                  onClick={() => {
                    toggle(row.path)
                  }}
                >
                  {open.has(row.path) ? 'Fold' : `Show all ${formatCount(row.text.length)} characters`}
                </button>
              )}
            </span>
          </li>
        ))}
      </ul>
      {rows.length > shown && (
        <button
          type="button"
          className={classes.linkButton}
          onClick={() => {
            setShown(shown + 5 * PAGE)
          }}
        >
          Show {Math.min(rows.length - shown, 5 * PAGE)} of {rows.length - shown} more rows
        </button>
      )}
    </>
  )
}
