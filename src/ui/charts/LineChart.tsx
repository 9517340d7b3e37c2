/** Lines over steps: at most a thousand points, no animation, the raw line behind the smoothed one, zoom by dragging (shared when given). */
import { UnstyledButton } from '@mantine/core'
import { memo, useMemo, useRef, useState } from 'react'
import { counted, formatNumber } from '../format'
import { seriesColour } from '../theme'
import { ChartFigure, Legend } from './ChartFigure'
import { LinePlot } from './LinePlot'
import { chartRows, seriesSummary } from './series'
import type { Series } from './series'
import { useCalm } from './useCalm'
import classes from './charts.module.css'

export interface Zoom {
  readonly range: readonly [number, number] | null
  readonly setRange: (range: readonly [number, number] | null) => void
}

interface LineChartProps {
  readonly title: string
  readonly meaning?: string
  readonly series: readonly Series[]
  readonly xLabel?: string
  /** What the values are counted in. */
  readonly unit?: string
  readonly height?: number
  readonly smoothing?: number
  readonly marks?: readonly { readonly step: number; readonly label: string }[]
  /** The charts of one run share it, so that all show the same steps. */
  readonly zoom?: Zoom
  readonly testId?: string
  /** Log-scale switch in the head. */
  readonly scales?: boolean
  readonly emptyText?: string
  readonly format?: (value: number) => string
  /** Ends of the value axis; by default as the data has them. */
  readonly domain?: readonly [number | 'auto', number | 'auto']
}

/** Redraws of a live chart; numbers beside it may be newer by as much. */
const REDRAW_MS = 1000
const NO_MARKS: NonNullable<LineChartProps['marks']> = []
const plainFormat = (value: number): string => formatNumber(value, 3)

function Toggle({
  label,
  name,
  pressed,
  onClick,
}: {
  readonly label: string
  readonly name?: string
  readonly pressed?: boolean
  readonly onClick: () => void
}) {
  return (
    <UnstyledButton
      className={classes.toggle ?? ''}
      onClick={onClick}
      {...(name === undefined ? {} : { 'aria-label': name })}
      {...(pressed === undefined ? {} : { 'aria-pressed': pressed })}
    >
      {label}
    </UnstyledButton>
  )
}

function LineChartView(props: LineChartProps) {
  const {
    title,
    meaning,
    xLabel = 'step',
    unit = '',
    height = 180,
    smoothing = 0,
    marks = NO_MARKS,
    zoom,
    testId,
    scales = false,
    emptyText,
    format = plainFormat,
  } = props
  const [from, to] = props.domain ?? ['auto', 'auto']
  const place = useRef<HTMLElement>(null)
  const series = useCalm(props.series, place, REDRAW_MS)
  const [log, setLog] = useState(false)
  const [ownRange, setOwnRange] = useState<readonly [number, number] | null>(null)
  const range = zoom ? zoom.range : ownRange
  const setRange = zoom ? zoom.setRange : setOwnRange
  // A small multiple has few pixels; the hero chart takes the thousand Recharts redraws in time.
  const limit = height < 150 ? 300 : 1000
  const { drawn, thinnedFrom } = useMemo(() => {
    const { rows, thinnedFrom: all } = chartRows(series, { limit, smoothing, log })
    return {
      drawn: {
        rows: [...rows],
        names: series.map((line) => line.name),
        colours: series.map((line, index) => line.colour ?? seriesColour(index)),
      },
      thinnedFrom: all,
    }
  }, [series, limit, smoothing, log])
  const only = series.length === 1 ? series[0] : undefined
  const last = only?.y.findLast((value) => value !== null)
  return (
    <ChartFigure
      title={title}
      unit={unit}
      meaning={meaning}
      summary={seriesSummary(series, format)}
      height={height}
      testId={testId}
      place={place}
      empty={drawn.rows.length === 0}
      emptyText={emptyText}
      aside={
        <span style={{ display: 'inline-flex', gap: 10, alignItems: 'baseline' }}>
          {only && last !== undefined && <span className={classes.last}>{format(last)}</span>}
          {!only && <Legend rows={drawn.names.map((name, index) => ({ name, colour: drawn.colours[index] ?? '' }))} />}
          {scales && (
            <Toggle
              label="log"
              name={`log scale for ${title}`}
              pressed={log}
              onClick={() => {
                setLog(!log)
              }}
            />
          )}
          {range && (
            <Toggle
              label="whole range"
              onClick={() => {
                setRange(null)
              }}
            />
          )}
        </span>
      }
      note={
        (smoothing > 0 || thinnedFrom !== null) && drawn.rows.length > 0 ? (
          <>
            {smoothing > 0 && <span>smoothed {smoothing.toFixed(2)}, raw behind</span>}
            {thinnedFrom !== null && (
              <span>
                {counted(thinnedFrom, 'point')} thinned to {drawn.rows.length}
              </span>
            )}
          </>
        ) : undefined
      }
    >
      {(width) => (
        <LinePlot
          drawn={drawn}
          title={title}
          xLabel={xLabel}
          width={width}
          height={height}
          log={log}
          smoothing={smoothing}
          range={range}
          setRange={setRange}
          marks={marks}
          from={from}
          to={to}
          format={format}
        />
      )}
    </ChartFigure>
  )
}
export const LineChart = memo(LineChartView)
