import { Button, Drawer, Group, NumberInput, Select, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import type { JobRequest, StudioDescription } from '../../worker/protocol'
import { useAnswer } from '../stores/answer'
import { rememberJob, useActiveJob } from '../stores/jobs'
import { useDescription, useStudio } from '../stores/studio'
import { PrimaryButton } from '../widgets/Panel'
import { ErrorPanel } from '../widgets/ProblemList'
import { noFilters } from '../../records/samplingFilters'
import { SamplingFields } from './SamplingFields'

type EvaluateRequest = Extract<JobRequest, { kind: 'evaluate' }>

function firstRequest(description: StudioDescription): EvaluateRequest {
  const benchmark = description.benchmarks[0]
  const splits = Object.keys(benchmark?.splits ?? {})
  return {
    kind: 'evaluate',
    model: 'starter',
    adapterOf: null,
    benchmark: benchmark?.name ?? '',
    split: splits.find((split) => split === 'exam') ?? splits[0] ?? '',
    strategy: description.strategies[0] ?? '',
    maxCalls: 5,
    limit: 48,
    temperature: 0,
    seed: 1,
  }
}

/** A new sitting of an exam. */
export function NewEvaluation({ opened, onClose }: { readonly opened: boolean; readonly onClose: () => void }) {
  const studio = useStudio()
  const description = useDescription()
  const models = useAnswer('models', (from) => from.models.list())
  const [changes, setChanges] = useState<Partial<EvaluateRequest>>({})
  const [error, setError] = useState<string | null>(null)
  const active = useActiveJob()
  const request: EvaluateRequest = {
    ...firstRequest(description),
    ...(models.value?.[0] ? { model: models.value[0].model_id } : {}),
    ...changes,
  }
  const benchmark = description.benchmarks.find((one) => one.name === request.benchmark)
  const splits = Object.entries(benchmark?.splits ?? {})
  const size = benchmark?.splits[request.split] ?? 0
  const model = models.value?.find((one) => one.model_id === request.model)
  const change = (patch: Partial<EvaluateRequest>): void => {
    setChanges({ ...changes, ...patch })
  }
  const start = (): void => {
    setError(null)
    studio.jobs.start(request).then(
      (reply) => {
        if (reply.ok) {
          rememberJob(reply.value)
          onClose()
        } else setError(reply.message)
      },
      (reason: unknown) => {
        setError(String(reason))
      },
    )
  }
  return (
    <Drawer opened={opened} onClose={onClose} title="New evaluation" size="min(420px, 100%)" closeButtonProps={{ 'aria-label': 'Close' }}>
      <Stack gap={12}>
        <Select
          label="Model"
          value={request.model}
          data={(models.value ?? []).map((one) => ({ value: one.model_id, label: one.title }))}
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
        <Group grow gap={8} align="flex-end">
          <NumberInput
            label="Questions"
            description={`of ${size}; empty is all`}
            min={1}
            value={request.limit ?? ''}
            onChange={(value) => {
              change({ limit: value === '' ? null : Math.max(1, Math.round(Number(value))) })
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
              change({ temperature: Number(value) || 0 })
            }}
          />
          <NumberInput
            label="Seed"
            description="same seed, same bits"
            value={request.seed}
            onChange={(value) => {
              change({ seed: Math.round(Number(value) || 0) })
            }}
          />
        </Group>
        <SamplingFields
          value={request.sampling ?? noFilters}
          onChange={(sampling) => {
            change({ sampling })
          }}
        />
        <Text size="xs" c="dimmed">
          Results are compared only where benchmark, split, budget, judge and tool world agree.
        </Text>
        {error !== null && <ErrorPanel title="The evaluation did not start." details={error} />}
        <Group gap={8}>
          <PrimaryButton onClick={start} disabled={active !== null || request.benchmark === ''}>
            Evaluate
          </PrimaryButton>
          <Button onClick={onClose}>Close</Button>
        </Group>
        {active !== null && <Text size="xs">Another job is running: {active.title}.</Text>}
      </Stack>
    </Drawer>
  )
}
