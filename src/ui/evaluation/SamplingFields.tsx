/** What narrows the draw of a token beside the temperature. The fields are folded, because greedy answers need only the penalty. */
import { SimpleGrid } from '@mantine/core'
import { filtersInWords, noFilters, type SamplingFilters } from '../../records/samplingFilters'
import { NumberField } from '../widgets/NumberField'
import type { NumberRule } from '../widgets/numberText'

interface SamplingFieldsProps {
  readonly value: SamplingFilters
  readonly onChange: (value: SamplingFilters) => void
}

const FIELDS: readonly {
  readonly name: keyof SamplingFilters
  readonly description: string
  readonly rule: NumberRule
}[] = [
  { name: 'top_p', description: 'of the probability; 1 is all', rule: { above: 0, maximum: 1, bounds: 'above 0, up to 1' } },
  { name: 'top_k', description: 'likeliest tokens; 0 is all', rule: { minimum: 0, isWhole: true } },
  { name: 'min_p', description: 'share of the likeliest’s; 0 is all', rule: { minimum: 0, maximum: 1 } },
  { name: 'repetition_penalty', description: '1 is none', rule: { above: 0 } },
]

export function SamplingFields({ value, onChange }: SamplingFieldsProps) {
  const set = filtersInWords(value)
  return (
    <details data-testid="sampling-filters">
      <summary style={{ cursor: 'pointer', fontSize: 'var(--mantine-font-size-xs)' }}>
        Sampling: {set.length === 0 ? 'among all tokens' : set.join(', ')}
      </summary>
      <SimpleGrid cols={2} spacing={8} mt={8}>
        {FIELDS.map(({ name, description, rule }) => (
          <NumberField
            key={name}
            name={name}
            description={description}
            rule={rule}
            value={value[name]}
            fallback={noFilters[name]}
            onChange={(given) => {
              onChange({ ...value, [name]: given ?? noFilters[name] })
            }}
          />
        ))}
      </SimpleGrid>
    </details>
  )
}
