/** Two numbers against each other, one dot per item. */
import { memo } from 'react'
import { CartesianGrid, Scatter, ScatterChart as Plot, Tooltip, XAxis, YAxis } from 'recharts'
import { formatNumber } from '../format'
import { seriesColour } from '../theme'
import { ChartFigure, ChartTooltip, Legend } from './ChartFigure'

interface DotGroup {
  readonly name: string
  readonly points: readonly { readonly x: number; readonly y: number; readonly label: string }[]
  readonly colour?: string
}
interface ScatterChartProps {
  readonly title: string
  readonly meaning?: string
  readonly groups: readonly DotGroup[]
  readonly xLabel: string
  readonly yLabel: string
  readonly height?: number
  readonly testId?: string
}

function ScatterChartView({ title, meaning, groups, xLabel, yLabel, height = 220, testId }: ScatterChartProps) {
  const colours = groups.map((group, index) => group.colour ?? seriesColour(index))
  return (
    <ChartFigure
      title={title}
      meaning={meaning}
      height={height}
      testId={testId}
      empty={groups.every((group) => group.points.length === 0)}
      summary={groups.map((group) => `${group.name}: ${group.points.length} points, ${xLabel} against ${yLabel}.`).join(' ')}
      aside={<Legend rows={groups.map((group, index) => ({ name: group.name, colour: colours[index] ?? '' }))} />}
    >
      {(width) => (
        <Plot width={width} height={height} margin={{ top: 6, right: 12, bottom: 14, left: 0 }} title={title}>
          <CartesianGrid stroke="var(--hone-line)" />
          <XAxis
            type="number"
            dataKey="x"
            name={xLabel}
            tickLine={false}
            tickCount={5}
            label={{ value: xLabel, position: 'insideBottom', offset: -8, fontSize: 12 }}
          />
          <YAxis
            type="number"
            dataKey="y"
            name={yLabel}
            tickLine={false}
            width={56}
            tickCount={5}
            label={{ value: yLabel, angle: -90, position: 'insideLeft', fontSize: 12 }}
          />
          <Tooltip
            isAnimationActive={false}
            content={({ active, payload }) => {
              const [x, y] = payload
              return active && x && y ? (
                <ChartTooltip
                  head={title}
                  rows={[
                    { name: xLabel, colour: 'transparent', value: formatNumber(Number(x.value)) },
                    { name: yLabel, colour: 'transparent', value: formatNumber(Number(y.value)) },
                  ]}
                />
              ) : null
            }}
          />
          {groups.map((group, index) => (
            <Scatter key={group.name} name={group.name} data={[...group.points]} fill={colours[index] ?? ''} isAnimationActive={false} />
          ))}
        </Plot>
      )}
    </ChartFigure>
  )
}
export const ScatterChart = memo(ScatterChartView)
