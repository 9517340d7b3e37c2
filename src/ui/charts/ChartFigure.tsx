/** What every chart has: a title with its meaning, a sentence for readers, the place it is drawn in. */
import { VisuallyHidden } from '@mantine/core'
import { useElementSize } from '@mantine/hooks'
import { useCallback, useState, type ReactNode, type RefObject } from 'react'
import { Explained } from '../widgets/Term'
import { useTurn } from './useTurn'
import classes from './charts.module.css'

interface ChartFigureProps {
  readonly title: string
  /** What the values are counted in. */
  readonly unit?: string
  readonly meaning?: string | undefined
  readonly summary: string
  readonly aside?: ReactNode
  readonly note?: ReactNode
  readonly height: number
  readonly testId?: string | undefined
  readonly empty: boolean
  /** Charts that redraw only while they are seen set it. */
  readonly place?: RefObject<HTMLElement | null>
  readonly emptyText?: string | undefined
  readonly children: (width: number) => ReactNode
}

export function ChartFigure({
  title,
  unit = '',
  meaning,
  summary,
  aside,
  note,
  height,
  testId,
  empty,
  emptyText,
  place,
  children,
}: ChartFigureProps) {
  const { ref: sizeRef, width: sizeNow } = useElementSize<HTMLDivElement>()
  // The width is known before the first paint. The observer answers a frame later, and not at all while the tab is in the background.
  const [firstWidth, setFirstWidth] = useState(0)
  const ref = useCallback(
    (node: HTMLDivElement | null) => {
      sizeRef(node)
      if (node) setFirstWidth(node.clientWidth)
    },
    [sizeRef],
  )
  const width = sizeNow > 0 ? sizeNow : firstWidth
  const turn = useTurn(!empty && width > 0)
  return (
    <figure ref={place ?? null} className={classes.figure} data-testid={testId} aria-label={title}>
      <figcaption className={classes.head}>
        <span className={classes.title}>
          <Explained text={meaning ?? ''}>{title}</Explained>
          {unit !== '' && <span className={classes.unit}> ({unit})</span>}
        </span>
        {aside}
        <VisuallyHidden>{summary}</VisuallyHidden>
      </figcaption>
      <div className={classes.plot} style={{ height }} ref={ref}>
        {empty ? <div className={classes.waiting}>{emptyText ?? 'No values yet'}</div> : width > 0 && turn && children(width)}
      </div>
      {note !== undefined && <div className={classes.note}>{note}</div>}
    </figure>
  )
}

interface TooltipRow {
  readonly name: string
  readonly colour: string
  readonly value: string
}
export function ChartTooltip({ head, rows }: { readonly head: string; readonly rows: readonly TooltipRow[] }) {
  return (
    <div className={classes.tooltip}>
      {head}
      <table>
        <tbody>
          {rows.map((row) => (
            <tr key={row.name}>
              <td>
                <span className={classes.swatch} style={{ background: row.colour }} />
                {row.name}
              </td>
              <td align="right">{row.value}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

export function Legend({ rows }: { readonly rows: readonly { readonly name: string; readonly colour: string }[] }) {
  return (
    <div className={classes.legend}>
      {rows.map((row) => (
        <span key={row.name}>
          <span className={classes.swatch} style={{ background: row.colour }} />
          {row.name}
        </span>
      ))}
    </div>
  )
}
