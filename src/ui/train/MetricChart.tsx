/** A metric's curve, and beneath it the answer to what people ask when they see it. */
import type { ComponentProps } from 'react'
import type { AlgorithmDescription } from '../../worker/protocol'
import { LineChart } from '../charts/LineChart'
import { unitOf } from './metricGroups'
import classes from './train.module.css'

interface MetricChartProps extends ComponentProps<typeof LineChart> {
  readonly metric: string
  readonly algorithm: AlgorithmDescription | null
}

export function MetricChart({ metric, algorithm, ...chart }: MetricChartProps) {
  const asked = algorithm?.metricQuestions[metric]
  return (
    <div>
      <LineChart unit={unitOf(metric)} {...chart} />
      {asked && (
        <details className={classes.asked}>
          <summary>{asked.question}</summary>
          {asked.answer}
        </details>
      )}
    </div>
  )
}
