import { Button, Drawer, Group, Select, Stack, Text } from '@mantine/core'
import { useActiveJob, useStartJob } from '../queries/jobs'
import { useDescription } from '../stores/studio'
import { FieldProblems, useFieldProblems } from '../widgets/fieldProblems'
import { NumberField } from '../widgets/NumberField'
import { PrimaryButton } from '../widgets/Panel'
import { ErrorPanel } from '../widgets/ProblemList'
import { noFilters } from '../../records/samplingFilters'
import { SamplingFields } from './SamplingFields'
import { StrategyFields } from './StrategyFields'
import { WorldFields } from '../worlds/WorldFields'
import { EvaluatedModel, ServerCalls } from './EvaluatedModel'
import { useEvaluationForm, type EvaluateRequest, type EvaluationForm, type EvaluationPreset } from './useEvaluationForm'

const COUNT = { minimum: 1, isWhole: true }
const TEMPERATURE = { minimum: 0, maximum: 2 }
const SEED = { isWhole: true }

interface NewEvaluationProps {
  readonly opened: boolean
  readonly preset: EvaluationPreset
  readonly onClose: () => void
}

/** A new sitting of an exam. */
export function NewEvaluation({ opened, preset, onClose }: NewEvaluationProps) {
  return (
    <Drawer opened={opened} onClose={onClose} title="New evaluation" size="min(420px, 100%)" closeButtonProps={{ 'aria-label': 'Close' }}>
      <FieldProblems>
        <EvaluationFields key={`${preset.model} ${preset.adapterOf}`} preset={preset} onClose={onClose} />
      </FieldProblems>
    </Drawer>
  )
}

function EvaluationFields({ preset, onClose }: Pick<NewEvaluationProps, 'preset' | 'onClose'>) {
  const form = useEvaluationForm(preset)
  const { request, change, benchmark, given } = form
  return (
    <Stack gap={12}>
      <EvaluatedModel form={form} />
      <BenchmarkFields form={form} />
      <WorldFields
        key={request.benchmark}
        needs={benchmark?.needs ?? null}
        settingsSchema={benchmark?.settingsSchema ?? null}
        value={given}
        onChange={form.give}
        usesSimulator={benchmark?.usesSimulator ?? false}
        problem={form.benchmarkProblem}
      />
      <StrategyFields form={form} />
      <QuestionFields request={request} size={benchmark?.splits[request.split] ?? 0} onChange={change} />
      <SamplingFields
        value={request.sampling ?? noFilters}
        onChange={(sampling) => {
          change({ sampling })
        }}
      />
      <Text size="xs" c="dimmed">
        Results are compared only where benchmark, split, budget, judge and tool world agree.
      </Text>
      <ServerCalls form={form} />
      <StartEvaluation request={request} onClose={onClose} />
    </Stack>
  )
}

function StartEvaluation({ request, onClose }: { readonly request: EvaluateRequest; readonly onClose: () => void }) {
  const startJob = useStartJob()
  const running = useActiveJob()
  // A server's model needs no GPU, so nothing has to wait for it.
  const active = request.server === undefined ? running : null
  const problems = useFieldProblems()
  const isIncomplete = request.benchmark === '' || request.split === '' || request.model === '' || problems.length > 0
  return (
    <>
      {startJob.error !== null && <ErrorPanel title="The evaluation did not start." details={startJob.error} />}
      <Group gap={8}>
        <PrimaryButton
          onClick={() => {
            startJob.mutate(request, { onSuccess: onClose })
          }}
          disabled={active !== null || startJob.isPending || isIncomplete}
        >
          Evaluate
        </PrimaryButton>
        <Button onClick={onClose}>Close</Button>
      </Group>
      {problems.map(({ name, problem }) => (
        <Text key={name} size="xs">
          {name}: {problem}
        </Text>
      ))}
      {active !== null && <Text size="xs">Another job is running: {active.title}.</Text>}
    </>
  )
}

/** Another benchmark has splits and a budget of its own. */
function BenchmarkFields({ form: { request, change, give, benchmark } }: { readonly form: EvaluationForm }) {
  const { benchmarks } = useDescription()
  return (
    <Group grow gap={8}>
      <Select
        label="Benchmark"
        value={request.benchmark}
        data={benchmarks.map((one) => ({ value: one.name, label: one.title }))}
        onChange={(value) => {
          const chosen = benchmarks.find((one) => one.name === value)
          give({})
          change({ benchmark: value ?? '', split: Object.keys(chosen?.splits ?? {})[0] ?? '' })
        }}
      />
      <Select
        label="Split"
        value={request.split}
        data={Object.entries(benchmark?.splits ?? {}).map(([name, count]) => ({ value: name, label: `${name} (${count})` }))}
        onChange={(value) => {
          change({ split: value ?? '' })
        }}
      />
    </Group>
  )
}

interface QuestionFieldsProps {
  readonly request: EvaluateRequest
  /** Questions in the split. */
  readonly size: number
  readonly onChange: (patch: Partial<EvaluateRequest>) => void
}

function QuestionFields({ request, size, onChange }: QuestionFieldsProps) {
  return (
    <Group grow gap={8} align="flex-end">
      <NumberField
        name="Questions"
        description={`of ${size}; empty is all`}
        placeholder="all"
        rule={COUNT}
        value={request.limit ?? undefined}
        onChange={(limit) => {
          onChange({ limit: limit ?? null })
        }}
      />
      <NumberField
        name="Temperature"
        description="0 is greedy"
        rule={TEMPERATURE}
        value={request.temperature}
        fallback={0}
        onChange={(temperature = 0) => {
          onChange({ temperature })
        }}
      />
      <NumberField
        name="Seed"
        description="same seed, same bits"
        rule={SEED}
        value={request.seed}
        fallback={1}
        onChange={(seed = 1) => {
          onChange({ seed })
        }}
      />
    </Group>
  )
}
