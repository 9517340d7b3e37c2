/** The Recharts part of LineChart. Every prop it hands on is a constant or memoised: Recharts recomputes for each new object it is given. */
import { memo, useCallback, useMemo, useState } from 'react'
import { CartesianGrid, Line, LineChart, ReferenceArea, ReferenceLine, Tooltip, XAxis, YAxis } from 'recharts'
import type { TooltipContentProps } from 'recharts'
import { formatNumber } from '../format'
import { ChartTooltip } from './ChartFigure'
import { tickDigits, valueDomain, type Row } from './series'

export interface Drawn {
  readonly rows: Row[]
  readonly names: readonly string[]
  readonly colours: readonly string[]
}

interface LinePlotProps {
  readonly drawn: Drawn
  readonly title: string
  readonly xLabel: string
  readonly width: number
  readonly height: number
  readonly log: boolean
  readonly smoothing: number
  readonly range: readonly [number, number] | null
  readonly setRange: (range: readonly [number, number] | null) => void
  readonly marks: readonly { readonly step: number; readonly label: string }[]
  readonly format: (value: number) => string
  readonly from: number | 'auto'
  readonly to: number | 'auto'
}

const MARGIN = { top: 6, right: 8, bottom: 0, left: 0 }
const CURSOR = { stroke: 'var(--hone-line-strong)' }
const WHOLE: ['dataMin', 'dataMax'] = ['dataMin', 'dataMax']
const LABEL = { fontSize: 11, fill: 'var(--mantine-color-dimmed)' }
const DOT = { r: 2.5 }
const ACTIVE_DOT = { r: 3 }

const position = (value: unknown): number | null => {
  const number = typeof value === 'string' || typeof value === 'number' ? Number(value) : NaN
  return Number.isFinite(number) ? number : null
}

interface PointerState {
  readonly activeLabel?: unknown
}

/** The span being dragged, and what to do when it ends. */
function useDrag(setRange: LinePlotProps['setRange']) {
  const [drag, setDrag] = useState<readonly [number, number] | null>(null)
  const onMouseDown = useCallback((state: PointerState) => {
    const at = position(state.activeLabel)
    setDrag(at === null ? null : [at, at])
  }, [])
  const onMouseMove = useCallback((state: PointerState) => {
    const at = position(state.activeLabel)
    setDrag((now) => (now === null || at === null || now[1] === at ? now : [now[0], at]))
  }, [])
  const onMouseLeave = useCallback(() => {
    setDrag(null)
  }, [])
  const onMouseUp = useCallback(() => {
    if (drag !== null && drag[0] !== drag[1]) setRange([Math.min(...drag), Math.max(...drag)])
    setDrag(null)
  }, [drag, setRange])
  return { drag: drag !== null && drag[0] !== drag[1] ? drag : null, handlers: { onMouseDown, onMouseMove, onMouseLeave, onMouseUp } }
}

function LinePlotView({ drawn, title, xLabel, width, height, log, smoothing, range, setRange, marks, format, from, to }: LinePlotProps) {
  const { rows, names, colours } = drawn
  const { drag, handlers } = useDrag(setRange)
  const xDomain = useMemo((): [number, number] | ['dataMin', 'dataMax'] => (range ? [range[0], range[1]] : WHOLE), [range])
  const yDomain = useMemo((): [number | 'auto', number | 'auto'] => {
    const own = from === 'auto' && to === 'auto' ? valueDomain(rows) : null
    return own ? [own[0], own[1]] : [from, to]
  }, [rows, from, to])
  const namesText = names.join('\n')
  const coloursText = colours.join('\n')
  const content = useMemo(() => {
    const shownNames = namesText.split('\n')
    const shownColours = coloursText.split('\n')
    return ({ active, label, payload }: TooltipContentProps) =>
      active ? (
        <ChartTooltip
          head={`${xLabel} ${String(label)}`}
          rows={payload.flatMap((entry) => {
            const key = String(entry.dataKey)
            const index = Number(key.slice(1))
            const name = shownNames[index] ?? key
            return typeof entry.value === 'number'
              ? [{ name: key.startsWith('r') ? `${name}, raw` : name, colour: shownColours[index] ?? '', value: format(entry.value) }]
              : []
          })}
        />
      ) : null
  }, [namesText, coloursText, xLabel, format])
  const digits = useMemo(() => tickDigits(rows), [rows])
  const tick = useCallback((value: number): string => formatNumber(value, digits), [digits])
  const xAxisLabel = useMemo(() => ({ value: xLabel, position: 'insideBottom' as const, ...LABEL }), [xLabel])
  const few = rows.length < 3
  return (
    <LineChart width={width} height={height} data={rows} margin={MARGIN} title={title} {...handlers}>
      <CartesianGrid stroke="var(--hone-line)" vertical={false} />
      <XAxis
        dataKey="x"
        type="number"
        domain={xDomain}
        allowDataOverflow
        allowDecimals={false}
        tickLine={false}
        stroke="var(--hone-line-strong)"
        height={34}
        label={xAxisLabel}
        tickCount={5}
        minTickGap={24}
      />
      <YAxis
        width={72}
        tickLine={false}
        axisLine={false}
        stroke="var(--hone-line-strong)"
        tickFormatter={tick}
        scale={log ? 'log' : 'auto'}
        domain={yDomain}
        tickCount={4}
        allowDataOverflow={log}
      />
      {marks.map((mark, index) => (
        <ReferenceLine key={index} x={mark.step} stroke="var(--hone-line-strong)" strokeDasharray="2 3" label={mark.label} />
      ))}
      {drag && <ReferenceArea x1={drag[0]} x2={drag[1]} fill="var(--hone-line-strong)" fillOpacity={0.2} />}
      <Tooltip isAnimationActive={false} cursor={CURSOR} content={content} />
      {smoothing > 0 &&
        names.map((name, index) => (
          <Line
            key={`r${name}`}
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
      {names.map((name, index) => (
        <Line
          key={name}
          dataKey={`y${index}`}
          stroke={colours[index] ?? ''}
          strokeWidth={1.6}
          dot={few ? DOT : false}
          activeDot={ACTIVE_DOT}
          isAnimationActive={false}
          connectNulls
        />
      ))}
    </LineChart>
  )
}
export const LinePlot = memo(LinePlotView)
