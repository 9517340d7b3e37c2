import { Group, NumberInput } from '@mantine/core'
import { useMemo } from 'react'
import { CheckpointFields } from '../../train/CheckpointFields'
import { configOf, configText } from '../../train/newRunForm'
import { Panel } from '../../widgets/Panel'
import { SchemaForm } from '../../widgets/SchemaForm'
import type { NewRunForm } from './useNewRun'

/** Steps, seed, checkpoints and the method's own settings. */
export function SettingsPanel({ form: { url, setUrl, algorithm } }: { readonly form: NewRunForm }) {
  const config = useMemo(() => configOf(url), [url])
  if (!algorithm) return null
  return (
    <Panel title="5 · Settings">
      <Group gap={16} align="flex-start" mb={8}>
        <NumberInput
          label="Steps"
          description="Empty: the method’s."
          w={140}
          hideControls
          min={1}
          value={url.steps ?? ''}
          onChange={(value) => {
            setUrl({ steps: value === '' ? null : Number(value) })
          }}
        />
        <NumberInput
          label="Seed"
          description="Same seed, same bits."
          w={140}
          hideControls
          value={url.seed}
          onChange={(value) => {
            setUrl({ seed: Number(value) })
          }}
        />
      </Group>
      <CheckpointFields value={url} metrics={Object.keys(algorithm.metrics)} onChange={setUrl} />
      <SchemaForm
        schema={algorithm.configSchema}
        value={config}
        onChange={(next) => {
          setUrl({ config: configText(next) })
        }}
      />
    </Panel>
  )
}
