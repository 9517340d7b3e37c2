/** Rates or differences as points with their intervals, one row each; a reference line where the question is "more than this?". */
import { memo } from 'react'
import { CartesianGrid, ErrorBar, ReferenceLine, Scatter, ScatterChart as Plot, Tooltip, XAxis, YAxis } from 'recharts'
import { formatShare } from '../format'
import { seriesColour } from '../theme'
import { ChartFigure, ChartTooltip } from './ChartFigure'

interface IntervalRow {
  readonly name: string
  readonly value: number
  readonly interval: readonly [number, number]
  readonly note?: string
  readonly colour?: string
}
interface IntervalChartProps {
  readonly title: string
  readonly meaning?: string
  readonly rows: readonly IntervalRow[]
  readonly reference?: number
  readonly domain?: readonly [number, number]
  readonly format?: (value: number) => string
  readonly testId?: string
  readonly labelWidth?: number
}
const shareFormat = (value: number): string => formatShare(value)

function IntervalChartView({
  title,
  meaning,
  rows,
  reference,
  domain = [0, 1],
  format = shareFormat,
  testId,
  labelWidth = 120,
}: IntervalChartProps) {
  const height = 28 + rows.length * 26
  const points = rows.map((row, index) => ({
    name: row.name,
    value: row.value,
    range: [row.value - row.interval[0], row.interval[1] - row.value],
    index,
  }))
  return (
    <ChartFigure
      title={title}
      meaning={meaning}
      height={height}
      testId={testId}
      empty={rows.length === 0}
      summary={rows
        .map((row) => `${row.name}: ${format(row.value)}, interval ${format(row.interval[0])} to ${format(row.interval[1])}.`)
        .join(' ')}
    >
      {(width) => (
        <Plot width={width} height={height} margin={{ top: 4, right: 12, bottom: 0, left: 0 }} title={title}>
          <CartesianGrid stroke="var(--hone-line)" horizontal={false} />
          <XAxis
            type="number"
            dataKey="value"
            domain={[domain[0], domain[1]]}
            tickFormatter={format}
            tickLine={false}
            height={20}
            tickCount={5}
          />
          <YAxis
            type="category"
            dataKey="name"
            width={labelWidth}
            tickLine={false}
            axisLine={false}
            allowDuplicatedCategory={false}
            interval={0}
          />
          {reference !== undefined && <ReferenceLine x={reference} stroke="var(--hone-line-strong)" />}
          <Tooltip
            isAnimationActive={false}
            cursor={false}
            content={({ active, payload }) => {
              const found = active ? rows.find((row) => row.value === payload[0]?.value) : undefined
              return found ? (
                <ChartTooltip
                  head={found.name}
                  rows={[
                    {
                      name: found.note ?? '',
                      colour: found.colour ?? seriesColour(0),
                      value: `${format(found.value)} [${format(found.interval[0])}, ${format(found.interval[1])}]`,
                    },
                  ]}
                />
              ) : null
            }}
          />
          {rows.map((row, index) => (
            <Scatter key={row.name} data={points.slice(index, index + 1)} fill={row.colour ?? seriesColour(0)} isAnimationActive={false}>
              <ErrorBar dataKey="range" direction="x" width={4} stroke="var(--mantine-color-text)" isAnimationActive={false} />
            </Scatter>
          ))}
        </Plot>
      )}
    </ChartFigure>
  )
}
export const IntervalChart = memo(IntervalChartView)
