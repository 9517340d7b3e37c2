/** When a run is kept, and which weights beside the last. */
import { Group, Select } from '@mantine/core'
import { counted } from '../format'
import { NumberField } from '../widgets/NumberField'
import type { NewRunUrl } from './newRunForm'

const USUAL = { saveSteps: 10, saveMinutes: 2 }
const WHOLE = { minimum: 1, isWhole: true }
const ABOVE_ZERO = { above: 0 }

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
        Checkpoints: every {value.saveSteps === 1 ? 'step' : counted(value.saveSteps, 'step')} and every {value.saveMinutes} min
      </summary>
      <Group gap={16} align="flex-start" mt={8} mb={8}>
        <NumberField
          name="Every so many steps"
          w={140}
          rule={WHOLE}
          value={value.saveSteps}
          fallback={USUAL.saveSteps}
          onChange={(saveSteps = USUAL.saveSteps) => {
            onChange({ saveSteps })
          }}
        />
        <NumberField
          name="Every so many minutes"
          w={160}
          rule={ABOVE_ZERO}
          value={value.saveMinutes}
          fallback={USUAL.saveMinutes}
          onChange={(saveMinutes = USUAL.saveMinutes) => {
            onChange({ saveMinutes })
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
