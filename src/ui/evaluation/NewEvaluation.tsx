import { Button, Drawer, Group, NumberInput, Select, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import type { JobRequest, StudioDescription } from '../../worker/protocol'
import { useActiveJob, useStartJob } from '../queries/jobs'
import { useModels } from '../queries/models'
import { useDescription } from '../stores/studio'
import { PrimaryButton } from '../widgets/Panel'
import { ErrorPanel } from '../widgets/ProblemList'
import { noFilters } from '../../records/samplingFilters'
import { SamplingFields } from './SamplingFields'

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
    maxCalls: 5,
    limit: 48,
    temperature: 0,
    seed: 1,
  }
}

/** A new sitting of an exam. */
export function NewEvaluation({ opened, onClose }: { readonly opened: boolean; readonly onClose: () => void }) {
  const description = useDescription()
  const models = useModels()
  const startJob = useStartJob()
  const [changes, setChanges] = useState<Partial<EvaluateRequest>>({})
  const active = useActiveJob()
  const request: EvaluateRequest = {
    ...firstRequest(description),
    ...(models.data?.[0] ? { model: models.data[0].model_id } : {}),
    ...changes,
  }
  const benchmark = description.benchmarks.find((one) => one.name === request.benchmark)
  const splits = Object.entries(benchmark?.splits ?? {})
  const size = benchmark?.splits[request.split] ?? 0
  const model = models.data?.find((one) => one.model_id === request.model)
  const change = (patch: Partial<EvaluateRequest>): void => {
    setChanges({ ...changes, ...patch })
  }
  const start = (): void => {
    startJob.mutate(request, { onSuccess: onClose })
  }
  return (
    <Drawer opened={opened} onClose={onClose} title="New evaluation" size="min(420px, 100%)" closeButtonProps={{ 'aria-label': 'Close' }}>
      <Stack gap={12}>
        <Select
          label="Model"
          value={request.model}
          data={(models.data ?? []).map((one) => ({ value: one.model_id, label: one.title }))}
          onChange={(value) => {
            change({ model: value ?? '', adapterOf: null })
          }}
        />
        <Select
          label="Adapter"
          value={request.adapterOf ?? ''}
          data={[
            { value: '', label: 'none: the base model' },
            ...(model?.adapters ?? []).map((one) => ({ value: one.run_id, label: one.title })),
          ]}
          onChange={(value) => {
            change({ adapterOf: value === '' ? null : value })
          }}
        />
        <Group grow gap={8}>
          <Select
            label="Benchmark"
            value={request.benchmark}
            data={description.benchmarks.map((one) => one.name)}
            onChange={(value) => {
              change({
                benchmark: value ?? '',
                split: Object.keys(description.benchmarks.find((one) => one.name === value)?.splits ?? {})[0] ?? '',
              })
            }}
          />
          <Select
            label="Split"
            value={request.split}
            data={splits.map(([name, count]) => ({ value: name, label: `${name} (${count})` }))}
            onChange={(value) => {
              change({ split: value ?? '' })
            }}
          />
        </Group>
        <Group grow gap={8}>
          <Select
            label="Strategy"
            value={request.strategy}
            data={[...description.strategies]}
            onChange={(value) => {
              change({ strategy: value ?? '' })
            }}
          />
          <NumberInput
            label="Call budget"
            min={1}
            max={200}
            value={request.maxCalls}
            onChange={(value) => {
              change({ maxCalls: Math.max(1, Math.round(Number(value) || 1)) })
            }}
          />
        </Group>
        <QuestionFields request={request} size={size} onChange={change} />
        <SamplingFields
          value={request.sampling ?? noFilters}
          onChange={(sampling) => {
            change({ sampling })
          }}
        />
        <Text size="xs" c="dimmed">
          Results are compared only where benchmark, split, budget, judge and tool world agree.
        </Text>
        {startJob.error !== null && <ErrorPanel title="The evaluation did not start." details={startJob.error} />}
        <Group gap={8}>
          <PrimaryButton
            onClick={start}
            disabled={active !== null || startJob.isPending || request.benchmark === '' || request.model === ''}
          >
            Evaluate
          </PrimaryButton>
          <Button onClick={onClose}>Close</Button>
        </Group>
        {active !== null && <Text size="xs">Another job is running: {active.title}.</Text>}
      </Stack>
    </Drawer>
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
      <NumberInput
        label="Questions"
        description={`of ${size}; empty is all`}
        min={1}
        value={request.limit ?? ''}
        onChange={(value) => {
          onChange({ limit: value === '' ? null : Math.max(1, Math.round(Number(value))) })
        }}
      />
      <NumberInput
        label="Temperature"
        description="0 is greedy"
        min={0}
        max={2}
        step={0.1}
        decimalScale={2}
        value={request.temperature}
        onChange={(value) => {
          onChange({ temperature: Number(value) || 0 })
        }}
      />
      <NumberInput
        label="Seed"
        description="same seed, same bits"
        value={request.seed}
        onChange={(value) => {
          onChange({ seed: Math.round(Number(value) || 0) })
        }}
      />
    </Group>
  )
}
