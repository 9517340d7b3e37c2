import { Button, Drawer, Group, Select, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import type { BenchmarkDescription, GivenWorld, JobRequest, ModelRow, StudioDescription } from '../../worker/protocol'
import { useActiveJob, useStartJob } from '../queries/jobs'
import { useModels } from '../queries/models'
import { useRunNames } from '../queries/runs'
import { useBenchmark } from '../queries/worlds'
import { CallFormatField } from '../models/CallFormatField'
import { useDescription } from '../stores/studio'
import { FieldProblems, useFieldProblems } from '../widgets/fieldProblems'
import { NumberField } from '../widgets/NumberField'
import { PrimaryButton } from '../widgets/Panel'
import { ErrorPanel } from '../widgets/ProblemList'
import { noFilters } from '../../records/samplingFilters'
import { SamplingFields } from './SamplingFields'
import { choices } from '../widgets/choices'
import { WorldFields } from '../worlds/WorldFields'

const CALLS = { minimum: 1, maximum: 200, isWhole: true }
const COUNT = { minimum: 1, isWhole: true }
const TEMPERATURE = { minimum: 0, maximum: 2 }
const SEED = { isWhole: true }

type EvaluateRequest = Extract<JobRequest, { kind: 'evaluate' }>

function firstRequest(description: StudioDescription): EvaluateRequest {
  const benchmark = description.benchmarks.find(({ name }) => name === description.defaults.benchmark)
  const splits = Object.keys(benchmark?.splits ?? {})
  return {
    kind: 'evaluate',
    model: '',
    adapterOf: null,
    benchmark: benchmark?.name ?? '',
    split: splits.find((split) => split === 'exam') ?? splits[0] ?? '',
    strategy: description.defaults.strategy,
    limit: 48,
    temperature: 0,
    seed: 1,
  }
}

/** What a link asks to evaluate. */
export interface EvaluationPreset {
  readonly model: string
  /** The run whose adapter is used; empty: none. */
  readonly adapterOf: string
}

interface EvaluationForm {
  readonly request: EvaluateRequest
  readonly change: (patch: Partial<EvaluateRequest>) => void
  /** Absent: as many calls as the benchmark allows. */
  readonly changeBudget: (maxCalls: number | null | undefined) => void
  /** Data and settings of the benchmark. */
  readonly give: (data: string | undefined, settings: Readonly<Record<string, unknown>>) => void
  readonly benchmark: BenchmarkDescription | undefined
  readonly given: GivenWorld
  /** Why the benchmark could not be made from what was given. */
  readonly benchmarkProblem: string | null
  readonly models: readonly ModelRow[]
}

function useEvaluationForm(preset: EvaluationPreset): EvaluationForm {
  const description = useDescription()
  const models = useModels().data ?? NO_MODELS
  const [changes, setChanges] = useState<Partial<EvaluateRequest>>({})
  const model = models.find((one) => one.model_id === preset.model) ?? models[0]
  const request: EvaluateRequest = {
    ...firstRequest(description),
    ...(model ? { model: model.model_id } : {}),
    ...(preset.adapterOf === '' ? {} : { adapterOf: preset.adapterOf }),
    ...changes,
  }
  const change = (patch: Partial<EvaluateRequest>): void => {
    setChanges((now) => ({ ...now, ...patch }))
  }
  const changeBudget: EvaluationForm['changeBudget'] = (maxCalls) => {
    setChanges(({ maxCalls: _, ...now }) => (typeof maxCalls === 'number' ? { ...now, maxCalls } : now))
  }
  const give: EvaluationForm['give'] = (data, settings) => {
    setChanges(({ benchmarkData: _, benchmarkSettings: __, maxCalls: ___, ...now }) => ({
      ...now,
      ...(data === undefined ? {} : { benchmarkData: data }),
      ...(Object.keys(settings).length === 0 ? {} : { benchmarkSettings: settings }),
    }))
  }
  const given: GivenWorld = {
    ...(request.benchmarkData === undefined ? {} : { data: request.benchmarkData }),
    ...(request.benchmarkSettings === undefined ? {} : { settings: request.benchmarkSettings }),
  }
  const known = description.benchmarks.find((one) => one.name === request.benchmark)
  const made = useBenchmark(known, given)
  const benchmark = made.data ?? known
  return { request: withSplit(request, benchmark), change, changeBudget, give, benchmark, given, benchmarkProblem: made.error, models }
}

/** Splits of a benchmark with data are known once it is made; until one is chosen, it is the first. */
function withSplit(request: EvaluateRequest, benchmark: BenchmarkDescription | undefined): EvaluateRequest {
  const splits = Object.keys(benchmark?.splits ?? {})
  if (splits.includes(request.split)) return request
  return { ...request, split: splits.find((split) => benchmark?.heldOut.includes(split)) ?? splits[0] ?? '' }
}
const NO_MODELS: readonly ModelRow[] = []

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
  const description = useDescription()
  return (
    <Stack gap={12}>
      <ModelFields form={form} />
      <BenchmarkFields form={form} />
      <WorldFields
        needs={benchmark?.needs ?? null}
        settingsSchema={benchmark?.settingsSchema ?? null}
        value={given}
        onChange={({ data, settings = {} }) => {
          form.give(data, settings)
        }}
        problem={form.benchmarkProblem}
      />
      <Group grow gap={8}>
        <Select
          label="Strategy"
          value={request.strategy}
          data={[...description.strategies]}
          onChange={(value) => {
            change({ strategy: value ?? '' })
          }}
        />
        <NumberField
          name="Call budget"
          rule={CALLS}
          value={request.maxCalls}
          placeholder={benchmark?.callBudget === null || benchmark === undefined ? 'as the benchmark says' : String(benchmark.callBudget)}
          onChange={form.changeBudget}
        />
      </Group>
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
      <StartEvaluation request={request} onClose={onClose} />
    </Stack>
  )
}

function StartEvaluation({ request, onClose }: { readonly request: EvaluateRequest; readonly onClose: () => void }) {
  const startJob = useStartJob()
  const active = useActiveJob()
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

function ModelFields({ form: { request, change, models } }: { readonly form: EvaluationForm }) {
  const model = models.find((one) => one.model_id === request.model)
  const runNames = useRunNames()
  return (
    <>
      <Select
        label="Model"
        value={request.model}
        data={choices(models.map((one) => ({ value: one.model_id, label: one.title })))}
        onChange={(value) => {
          change({ model: value ?? '', adapterOf: null, callFormat: null })
        }}
      />
      <Select
        label="Adapter"
        value={request.adapterOf ?? ''}
        data={choices([
          { value: '', label: 'none: the base model' },
          ...(model?.adapters ?? []).map((one) => ({ value: one.run_id, label: runNames.get(one.run_id) ?? one.title })),
        ])}
        onChange={(value) => {
          change({ adapterOf: value === '' ? null : value })
        }}
      />
      <CallFormatField
        model={request.model}
        value={request.callFormat ?? null}
        onChange={(callFormat) => {
          change({ callFormat })
        }}
      />
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
          give(undefined, {})
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
