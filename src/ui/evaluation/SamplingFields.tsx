/** What narrows the draw of a token beside the temperature. The fields are folded, because greedy answers need only the penalty. */
import { NumberInput, SimpleGrid } from '@mantine/core'
import { filtersInWords, noFilters, type SamplingFilters } from '../../records/samplingFilters'

interface SamplingFieldsProps {
  readonly value: SamplingFilters
  readonly onChange: (value: SamplingFilters) => void
}

const FIELDS: readonly {
  readonly name: keyof SamplingFilters
  readonly description: string
  readonly least: number
  readonly most?: number
  readonly step: number
}[] = [
  { name: 'top_p', description: 'of the probability; 1 is all', least: 0.01, most: 1, step: 0.05 },
  { name: 'top_k', description: 'likeliest tokens; 0 is all', least: 0, step: 1 },
  { name: 'min_p', description: 'share of the likeliest’s; 0 is all', least: 0, most: 1, step: 0.05 },
  { name: 'repetition_penalty', description: '1 is none', least: 0.01, step: 0.05 },
]

export function SamplingFields({ value, onChange }: SamplingFieldsProps) {
  const set = filtersInWords(value)
  return (
    <details data-testid="sampling-filters">
      <summary style={{ cursor: 'pointer', fontSize: 'var(--mantine-font-size-xs)' }}>
        Sampling: {set.length === 0 ? 'among all tokens' : set.join(', ')}
      </summary>
      <SimpleGrid cols={2} spacing={8} mt={8}>
        {FIELDS.map(({ name, description, least, most, step }) => (
          <NumberInput
            key={name}
            label={name}
            description={description}
            min={least}
            {...(most === undefined ? {} : { max: most })}
            step={step}
            decimalScale={name === 'top_k' ? 0 : 3}
            value={value[name]}
            onChange={(given) => {
              // Kept within bounds once the field is left: "0." is on its way to 0.9.
              onChange({ ...value, [name]: given === '' ? noFilters[name] : Number(given) })
            }}
          />
        ))}
      </SimpleGrid>
    </details>
  )
}
