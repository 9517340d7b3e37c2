/** How often each value occurs. Integers with few distinct values get a bar each, others equal bins. */
import { memo, useMemo } from 'react'
import { Bar, BarChart, CartesianGrid, Tooltip, XAxis, YAxis } from 'recharts'
import { counted, formatNumber } from '../format'
import { seriesColour } from '../theme'
import { ChartFigure, ChartTooltip, Legend } from './ChartFigure'

interface HistogramGroup {
  readonly name: string
  readonly values: readonly number[]
  readonly colour?: string
}
interface HistogramChartProps {
  readonly title: string
  readonly meaning?: string
  readonly groups: readonly HistogramGroup[]
  readonly bins?: number
  readonly height?: number
  readonly testId?: string
  readonly xLabel?: string
}

type Bin = Record<string, number | string>

export function histogramBins(groups: readonly HistogramGroup[], count: number): readonly Bin[] {
  const all = groups.flatMap((group) => group.values.filter((value) => Number.isFinite(value)))
  if (all.length === 0) return []
  const low = all.reduce((a, b) => Math.min(a, b))
  const high = all.reduce((a, b) => Math.max(a, b))
  const whole = all.every((value) => Number.isInteger(value)) && high - low < count * 2
  const width = whole ? 1 : (high - low) / count || 1
  const bins = whole ? high - low + 1 : high === low ? 1 : count
  return Array.from({ length: bins }, (_, bin): Bin => {
    const from = low + bin * width
    const label = whole ? String(from) : `${formatNumber(from, 2)}–${formatNumber(from + width, 2)}`
    const row: Bin = { label }
    groups.forEach((group, index) => {
      row[`g${index}`] = group.values.filter((value) => Math.min(bins - 1, Math.floor((value - low) / width)) === bin).length
    })
    return row
  })
}

function HistogramChartView({ title, meaning, groups, bins = 20, height = 150, testId, xLabel = '' }: HistogramChartProps) {
  const rows = useMemo(() => histogramBins(groups, bins), [groups, bins])
  const colours = groups.map((group, index) => group.colour ?? seriesColour(index))
  return (
    <ChartFigure
      title={title}
      meaning={meaning}
      height={height}
      testId={testId}
      empty={rows.length === 0}
      summary={groups.map((group) => `${group.name}: ${counted(group.values.length, 'value')}.`).join(' ')}
      aside={
        groups.length > 1 ? <Legend rows={groups.map((group, index) => ({ name: group.name, colour: colours[index] ?? '' }))} /> : undefined
      }
    >
      {(width) => (
        <BarChart
          width={width}
          height={height}
          data={[...rows]}
          margin={{ top: 6, right: 8, bottom: 0, left: 0 }}
          barCategoryGap={1}
          title={title}
        >
          <CartesianGrid stroke="var(--hone-line)" vertical={false} />
          <XAxis
            dataKey="label"
            tickLine={false}
            stroke="var(--hone-line-strong)"
            height={xLabel === '' ? 20 : 34}
            minTickGap={16}
            label={xLabel === '' ? '' : { value: xLabel, position: 'insideBottom', fontSize: 11, fill: 'var(--mantine-color-dimmed)' }}
          />
          <YAxis width={40} tickLine={false} axisLine={false} allowDecimals={false} tickCount={4} />
          <Tooltip
            isAnimationActive={false}
            cursor={{ fill: 'var(--hone-line)', fillOpacity: 0.4 }}
            content={({ active, label, payload }) =>
              active ? (
                <ChartTooltip
                  head={`${xLabel} ${String(label)}`}
                  rows={payload.map((entry) => {
                    const index = Number(String(entry.dataKey).slice(1))
                    return { name: groups[index]?.name ?? '', colour: colours[index] ?? '', value: String(entry.value) }
                  })}
                />
              ) : null
            }
          />
          {groups.map((group, index) => (
            <Bar key={group.name} dataKey={`g${index}`} fill={colours[index] ?? ''} isAnimationActive={false} />
          ))}
        </BarChart>
      )}
    </ChartFigure>
  )
}
export const HistogramChart = memo(HistogramChartView)
