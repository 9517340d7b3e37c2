import { counted } from '../../format'
import { Slider, Text } from '@mantine/core'
import type { EvaluationRecord } from '../../../records/evaluation'
import classes from '../../evaluation/evaluation.module.css'

/** How many calls count: every number and curve of the page follows. */
export function BudgetSlider({
  records,
  value,
  onChange,
}: {
  readonly records: readonly EvaluationRecord[]
  readonly value: number
  readonly onChange: (budget: number) => void
}) {
  const most = Math.max(1, ...records.map((one) => one.call_budget))
  const shown = value === 0 ? most : Math.min(value, most)
  if (most === 1) return null
  return (
    <div className={classes.slider}>
      <Text size="xs" mb={4}>
        Count at most <strong>{shown}</strong> of {counted(most, 'call')}
      </Text>
      <Slider
        size="sm"
        min={1}
        max={most}
        step={1}
        value={shown}
        onChange={(budget) => {
          onChange(budget === most ? 0 : budget)
        }}
        thumbLabel="Calls counted"
        label={null}
      />
    </div>
  )
}
