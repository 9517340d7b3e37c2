/** When a run is kept, and which weights beside the last. */
import { Group, NumberInput, Select } from '@mantine/core'
import type { NewRunUrl } from './newRunForm'

type Kept = Pick<NewRunUrl, 'saveSteps' | 'saveMinutes' | 'bestMetric' | 'bestIs'>

export function CheckpointFields({
  value,
  metrics,
  onChange,
}: {
  readonly value: Kept
  readonly metrics: readonly string[]
  readonly onChange: (change: Partial<Kept>) => void
}) {
  return (
    <details>
      <summary>
        Checkpoints: every {value.saveSteps === 1 ? 'step' : `${value.saveSteps} steps`} and every {value.saveMinutes} min
      </summary>
      <Group gap={16} align="flex-start" mt={8} mb={8}>
        <NumberInput
          label="Every so many steps"
          w={140}
          hideControls
          min={1}
          value={value.saveSteps}
          onChange={(steps) => {
            if (Number(steps) >= 1) onChange({ saveSteps: Math.floor(Number(steps)) })
          }}
        />
        <NumberInput
          label="Every so many minutes"
          w={160}
          hideControls
          min={0.1}
          value={value.saveMinutes}
          onChange={(minutes) => {
            if (Number(minutes) > 0) onChange({ saveMinutes: Number(minutes) })
          }}
        />
        <Select
          label="Keep the best weights by"
          placeholder="only the last ones"
          clearable
          data={[...metrics]}
          value={value.bestMetric === '' ? null : value.bestMetric}
          onChange={(metric) => {
            onChange({ bestMetric: metric ?? '' })
          }}
        />
        {value.bestMetric !== '' && (
          <Select
            label="Better is"
            w={120}
            data={['larger', 'smaller']}
            value={value.bestIs}
            onChange={(is) => {
              onChange({ bestIs: is === 'smaller' ? 'smaller' : 'larger' })
            }}
          />
        )}
      </Group>
    </details>
  )
}
