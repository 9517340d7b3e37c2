import { Anchor, Group, Select } from '@mantine/core'
import { Link } from 'wouter'
import { CACHE_DTYPES, WEIGHT_DTYPES } from '../../../worker/protocol'
import { counted, nameText } from '../../format'
import { hrefs } from '../../navigation/hrefs'
import { CallFormatField } from '../../models/CallFormatField'
import { NEW_ADAPTER } from '../../train/startChoices'
import { StartFromField } from '../../train/StartFromField'
import { Panel } from '../../widgets/Panel'
import { Term } from '../../widgets/Term'
import type { NewRunForm } from './useNewRun'
import { choices } from '../../widgets/choices'

/** The base model, how its weights are stored on the GPU, and the adapter the run starts from. */
export function ModelPanel({ form: { url, setUrl, models, model, runs } }: { readonly form: NewRunForm }) {
  return (
    <Panel title="2 · Model">
      <Group align="flex-end" gap={12}>
        <Select
          label="Base model"
          data={choices(
            models.map((one) => ({ value: one.model_id, label: `${nameText(one.title)} · ${counted(one.parameters, 'parameter')}` })),
          )}
          value={model?.model_id ?? null}
          onChange={(value) => {
            setUrl({ model: value ?? '', start: NEW_ADAPTER })
          }}
          style={{ flex: '1 1 280px' }}
        />
        <Select
          label={<Term of="dtype">Weights as</Term>}
          data={[...WEIGHT_DTYPES]}
          allowDeselect={false}
          w={110}
          value={url.dtype}
          onChange={(value) => {
            setUrl({ dtype: WEIGHT_DTYPES.find((one) => one === value) ?? 'f32' })
          }}
        />
        <Select
          label={<Term of="kv dtype">Cache as</Term>}
          data={[...CACHE_DTYPES]}
          allowDeselect={false}
          w={100}
          value={url.kv}
          onChange={(value) => {
            setUrl({ kv: CACHE_DTYPES.find((one) => one === value) ?? 'f32' })
          }}
        />
        <Anchor component={Link} href={hrefs.models()}>
          Open another
        </Anchor>
      </Group>
      <CallFormatField
        model={model?.model_id ?? ''}
        value={url.format === '' ? null : url.format}
        onChange={(format) => {
          setUrl({ format: format ?? '' })
        }}
      />
      <StartFromField
        model={model}
        runs={runs}
        value={url.start}
        onChange={(start) => {
          setUrl({ start })
        }}
      />
    </Panel>
  )
}
