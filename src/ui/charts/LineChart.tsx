/** Lines over steps: at most a thousand points, no animation, raw line kept behind the smoothed one, zoom by dragging (shared when given). */
import { UnstyledButton } from '@mantine/core'
import { memo, useDeferredValue, useMemo, useState } from 'react'
import { CartesianGrid, Line, LineChart as Plot, ReferenceArea, ReferenceLine, Tooltip, XAxis, YAxis } from 'recharts'
import { formatNumber } from '../format'
import { seriesColour } from '../theme'
import { ChartFigure, ChartTooltip, Legend } from './ChartFigure'
import { chartRows, seriesSummary } from './series'
import type { Series } from './series'
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
  readonly height?: number
  readonly smoothing?: number
  readonly marks?: readonly { readonly step: number; readonly label: string }[]
  /** Shared by the charts of one run, so that all show the same steps. */
  readonly zoom?: Zoom
  readonly testId?: string
  /** Log-scale switch in the head. */
  readonly scales?: boolean
  readonly emptyText?: string
  readonly domain?: readonly [number | 'auto', number | 'auto']
  readonly format?: (value: number) => string
}

const plainFormat = (value: number): string => formatNumber(value, 3)
const label = (value: unknown): number | null => {
  const number = typeof value === 'string' || typeof value === 'number' ? Number(value) : NaN
  return Number.isFinite(number) ? number : null
}

function LineChartView({
  title,
  meaning,
  series,
  xLabel = 'step',
  height = 180,
  smoothing = 0,
  marks = [],
  zoom,
  testId,
  scales = false,
  emptyText,
  domain,
  format = plainFormat,
}: LineChartProps) {
  const [log, setLog] = useState(false)
  const [ownRange, setOwnRange] = useState<readonly [number, number] | null>(null)
  const [drag, setDrag] = useState<readonly [number, number] | null>(null)
  const deferred = useDeferredValue(series)
  // A small multiple has few pixels; the hero chart takes the thousand Recharts redraws in time.
  const limit = height < 150 ? 300 : 1000
  const { rows, thinnedFrom } = useMemo(() => chartRows(deferred, { limit, smoothing, log }), [deferred, limit, smoothing, log])
  const range = zoom ? zoom.range : ownRange
  const setRange = zoom ? zoom.setRange : setOwnRange
  const colours = deferred.map((line, index) => line.colour ?? seriesColour(index))
  const only = deferred.length === 1 ? deferred[0] : undefined
  const last = only?.y.findLast((value) => value !== null)
  const few = rows.length < 3
  const finishDrag = (): void => {
    if (drag && drag[0] !== drag[1]) setRange(drag[0] < drag[1] ? drag : [drag[1], drag[0]])
    setDrag(null)
  }
  return (
    <ChartFigure
      title={title}
      meaning={meaning}
      summary={seriesSummary(deferred, format)}
      height={height}
      testId={testId}
      empty={rows.length === 0}
      emptyText={emptyText}
      aside={
        <span style={{ display: 'inline-flex', gap: 10, alignItems: 'baseline' }}>
          {only && last !== null && last !== undefined && <span className={classes.last}>{format(last)}</span>}
          {!only && <Legend rows={deferred.map((line, index) => ({ name: line.name, colour: colours[index] ?? '' }))} />}
          {scales && (
            <UnstyledButton
              className={classes.toggle ?? ''}
              aria-pressed={log}
              aria-label={`Log scale for ${title}`}
              onClick={() => {
                setLog(!log)
              }}
            >
              log
            </UnstyledButton>
          )}
          {range && (
            <UnstyledButton
              className={classes.toggle ?? ''}
              onClick={() => {
                setRange(null)
              }}
            >
              whole range
            </UnstyledButton>
          )}
        </span>
      }
      note={
        (smoothing > 0 || thinnedFrom !== null) && rows.length > 0 ? (
          <>
            {smoothing > 0 && <span>smoothed {smoothing.toFixed(2)}, raw behind</span>}
            {thinnedFrom !== null && (
              <span>
                {thinnedFrom} points thinned to {rows.length}
              </span>
            )}
          </>
        ) : undefined
      }
    >
      {(width) => (
        <Plot
          width={width}
          height={height}
          data={[...rows]}
          margin={{ top: 6, right: 8, bottom: 0, left: 0 }}
          onMouseDown={(state) => {
            const x = label(state.activeLabel)
            if (x !== null) setDrag([x, x])
          }}
          onMouseMove={(state) => {
            const x = label(state.activeLabel)
            if (x !== null && drag) setDrag([drag[0], x])
          }}
          onMouseUp={finishDrag}
          onMouseLeave={() => {
            setDrag(null)
          }}
          title={title}
        >
          <CartesianGrid stroke="var(--hone-line)" vertical={false} />
          <XAxis
            dataKey="x"
            type="number"
            domain={range ? [range[0], range[1]] : ['dataMin', 'dataMax']}
            allowDataOverflow
            tickLine={false}
            stroke="var(--hone-line-strong)"
            height={20}
            tickCount={5}
            minTickGap={24}
          />
          <YAxis
            width={48}
            tickLine={false}
            axisLine={false}
            stroke="var(--hone-line-strong)"
            tickFormatter={(value: number) => formatNumber(value, 2)}
            scale={log ? 'log' : 'auto'}
            domain={domain ? [...domain] : log ? ['auto', 'auto'] : ['auto', 'auto']}
            tickCount={4}
            allowDataOverflow={log}
          />
          {marks.map((mark, index) => (
            <ReferenceLine
              key={index}
              x={mark.step}
              stroke="var(--hone-line-strong)"
              strokeDasharray="2 3"
              label={{ value: mark.label, position: 'insideTopLeft', fontSize: 12 }}
            />
          ))}
          {drag && drag[0] !== drag[1] && <ReferenceArea x1={drag[0]} x2={drag[1]} fill="var(--hone-line-strong)" fillOpacity={0.2} />}
          <Tooltip
            isAnimationActive={false}
            cursor={{ stroke: 'var(--hone-line-strong)' }}
            content={({ active, label: at, payload }) =>
              active ? (
                <ChartTooltip
                  head={`${xLabel} ${String(at)}`}
                  rows={payload.flatMap((entry) => {
                    const key = String(entry.dataKey)
                    const index = Number(key.slice(1))
                    const name = deferred[index]?.name ?? key
                    return typeof entry.value === 'number'
                      ? [{ name: key.startsWith('r') ? `${name}, raw` : name, colour: colours[index] ?? '', value: format(entry.value) }]
                      : []
                  })}
                />
              ) : null
            }
          />
          {smoothing > 0 &&
            deferred.map((line, index) => (
              <Line
                key={`r${line.name}`}
                dataKey={`r${index}`}
                stroke={colours[index] ?? ''}
                strokeOpacity={0.3}
                strokeWidth={1}
                dot={false}
                activeDot={false}
                isAnimationActive={false}
                connectNulls
              />
            ))}
          {deferred.map((line, index) => (
            <Line
              key={line.name}
              dataKey={`y${index}`}
              stroke={colours[index] ?? ''}
              strokeWidth={1.6}
              dot={few ? { r: 2.5 } : false}
              activeDot={{ r: 3 }}
              isAnimationActive={false}
              connectNulls
            />
          ))}
        </Plot>
      )}
    </ChartFigure>
  )
}
export const LineChart = memo(LineChartView)
