/** A metric's curve, and beneath it the answer to what people ask when they see it. */
import type { ComponentProps } from 'react'
import { LineChart } from '../charts/LineChart'
import { questionAbout } from './metricQuestions'
import classes from './train.module.css'

interface MetricChartProps extends ComponentProps<typeof LineChart> {
  readonly metric: string
  readonly algorithm: string | null
}

export function MetricChart({ metric, algorithm, ...chart }: MetricChartProps) {
  const asked = questionAbout(metric, algorithm)
  return (
    <div>
      <LineChart {...chart} />
      {asked && (
        <details className={classes.asked}>
          <summary>{asked.question}</summary>
          {asked.answer}
        </details>
      )}
    </div>
  )
}
