import { useMemo } from 'react'
import type { EvaluationRecord } from '../../../records/evaluation'
import { LineChart } from '../../charts/LineChart'
import { successVersusBudget } from '../../evaluation/leaderboardRows'
import { formatShare } from '../../format'

/** Pass rate by the number of calls that count, one curve for each result. */
export function BudgetCurves({ records }: { readonly records: readonly EvaluationRecord[] }) {
  const curves = useMemo(
    () =>
      records.map((record) => {
        const points = successVersusBudget(record)
        return { name: record.title, x: points.map((point) => point.budget), y: points.map((point) => point.rate.rate) }
      }),
    [records],
  )
  return (
    <LineChart
      title="Pass rate by calls counted"
      meaning="A question counts as passed at a budget when it was solved with at most that many calls."
      series={curves}
      xLabel="calls"
      height={240}
      domain={[0, 1]}
      format={(value) => formatShare(value)}
      testId="budget-chart"
    />
  )
}
