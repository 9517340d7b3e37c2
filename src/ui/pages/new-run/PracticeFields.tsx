import { Group, Select, Text } from '@mantine/core'
import { counted } from '../../format'
import { useDescription } from '../../stores/studio'
import { NumberField } from '../../widgets/NumberField'
import { WorldFields } from '../../worlds/WorldFields'
import type { NewRunForm } from './useNewRun'

const CALLS = { minimum: 1, maximum: 200, isWhole: true }

/** What the model practises on, and how it acts there. */
export function PracticeFields({ form }: { readonly form: NewRunForm }) {
  const { url, setUrl, practice } = form
  const { benchmark, given, give, problem } = practice
  const { benchmarks, strategies, defaults } = useDescription()
  const strategy = strategies.find(({ name }) => name === (url.strategy === '' ? defaults.strategy : url.strategy))
  return (
    <>
      <Select
        label="Practise on"
        allowDeselect={false}
        value={benchmark?.name ?? null}
        data={benchmarks.map(({ name, title, practises }) => ({
          value: name,
          label: practises === false ? `${title} (only for exams)` : title,
        }))}
        onChange={(name) => {
          setUrl({ benchmark: name === defaults.benchmark ? '' : (name ?? ''), benchmarkData: '', benchmarkSettings: '' })
        }}
        data-testid="practice-benchmark"
      />
      {benchmark && (
        <WorldFields
          key={benchmark.name}
          needs={benchmark.needs}
          settingsSchema={benchmark.settingsSchema}
          usesSimulator={benchmark.usesSimulator}
          value={given}
          onChange={give}
          problem={problem}
        />
      )}
      {benchmark && <PracticeFit benchmark={benchmark} />}
      <Group gap={12} align="flex-end">
        <Select
          label="Strategy"
          description={strategy?.help}
          allowDeselect={false}
          value={strategy?.name ?? null}
          data={strategies.map(({ name, title }) => ({ value: name, label: title }))}
          onChange={(name) => {
            setUrl({ strategy: name === defaults.strategy ? '' : (name ?? '') })
          }}
          style={{ flex: '1 1 240px' }}
        />
        <NumberField
          name="Call budget"
          rule={CALLS}
          w={150}
          value={url.maxCalls ?? undefined}
          placeholder={String(benchmark?.callBudget ?? 'as the benchmark says')}
          onChange={(maxCalls) => {
            setUrl({ maxCalls: maxCalls ?? null })
          }}
        />
      </Group>
    </>
  )
}

/** Whether a model can practise on it, and why not. */
function PracticeFit({ benchmark }: { readonly benchmark: NonNullable<NewRunForm['practice']['benchmark']> }) {
  const { practises, practiceQueries, title } = benchmark
  if (practises === null) return null
  return (
    <Text size="xs" {...(practises ? { c: 'dimmed' } : { c: 'var(--hone-unsolved)', role: 'alert' })} data-testid="practice-fit">
      {practises
        ? `${title} has ${counted(practiceQueries, 'question')} for practice; its exam is never trained on.`
        : `${title} has questions for exams only, and a model must not be trained on its exam. Choose another benchmark, or data below.`}
    </Text>
  )
}
