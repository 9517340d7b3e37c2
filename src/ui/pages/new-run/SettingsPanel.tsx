import { useMemo } from 'react'
import { CheckpointFields } from '../../train/CheckpointFields'
import { configOf, configText } from '../../train/newRunForm'
import { NumberField } from '../../widgets/NumberField'
import { Panel } from '../../widgets/Panel'
import { SchemaForm } from '../../widgets/SchemaForm'
import { SmallModelNote } from './SmallModelNote'
import type { NewRunForm } from './useNewRun'

const SEED = { isWhole: true }

/** Seed, checkpoints and the method's own settings. */
export function SettingsPanel({ form }: { readonly form: NewRunForm }) {
  const { url, setUrl, algorithm } = form
  const config = useMemo(() => configOf(url), [url])
  if (!algorithm) return null
  return (
    <Panel title="5 · Settings">
      <NumberField
        name="Seed"
        description="Same seed, same bits."
        w={140}
        mb={8}
        rule={SEED}
        value={url.seed}
        fallback={1}
        onChange={(seed = 1) => {
          setUrl({ seed })
        }}
      />
      <CheckpointFields value={url} metrics={Object.keys(algorithm.metrics)} onChange={setUrl} />
      <SmallModelNote
        form={form}
        config={config}
        onUse={(settings) => {
          setUrl({ config: configText({ ...config, ...settings }), steps: null })
        }}
      />
      <SchemaForm
        key={algorithm.name}
        schema={algorithm.configSchema}
        value={config}
        onChange={(next) => {
          setUrl({ config: configText(next), steps: null })
        }}
      />
    </Panel>
  )
}
