/** Where a run's adapter begins: anew, from what an earlier run on the same model left, or from an adapter in PEFT's files. */
import { Button, Group, Select, Text } from '@mantine/core'
import { useRef } from 'react'
import type { RunRecord } from '../../records/run'
import type { ModelRow } from '../../worker/protocol'
import { FolderImport } from '../models/FolderImport'
import { useAdapters, useImportAdapter } from '../queries/models'
import { newImportId } from '../stores/imports'
import { choices } from '../widgets/choices'
import { NEW_ADAPTER, startChoices } from './startChoices'

interface StartFromProps {
  readonly model: ModelRow | null
  readonly runs: readonly RunRecord[]
  /** As the address holds it. */
  readonly value: string
  readonly onChange: (value: string) => void
}

export function StartFromField({ model, runs, value, onChange }: StartFromProps) {
  const imported = useAdapters().data
  const importAdapter = useImportAdapter()
  const importing = importAdapter.isPending ? (importAdapter.variables ?? null) : null
  const isStopped = importAdapter.errorCode === 'cancelled'
  const picker = useRef<HTMLInputElement>(null)
  const starts = choices(startChoices(model, runs, imported ?? []))
  const isGone = value !== NEW_ADAPTER && imported !== undefined && model !== null && !starts.some((one) => one.value === value)
  const importFiles = (files: readonly File[]): void => {
    if (!model || files.length === 0) return
    importAdapter.mutate(
      { modelId: model.model_id, files, importId: newImportId() },
      {
        onSuccess: (adapter) => {
          onChange(`imported:${adapter.adapter_id}`)
        },
      },
    )
  }
  return (
    <>
      <Group align="flex-end" gap={12} mt={12}>
        <Select
          label="Start from"
          description="An existing adapter sets the rank, alpha and targets. Methods with a KL reference use a frozen copy of it."
          data={starts}
          allowDeselect={false}
          value={isGone ? null : value}
          placeholder="Choose again"
          onChange={(next) => {
            importAdapter.reset()
            onChange(next ?? NEW_ADAPTER)
          }}
          data-testid="start-from"
          style={{ flex: '1 1 280px' }}
        />
        <Button
          disabled={model === null || importing !== null}
          title="adapter_config.json and adapter_model.safetensors, as peft and Hone write them; v_head.safetensors too where there is one"
          onClick={() => picker.current?.click()}
        >
          Import an adapter
        </Button>
        <input
          ref={picker}
          type="file"
          multiple
          hidden
          accept=".json,.safetensors"
          aria-label="Adapter files"
          data-testid="adapter-files"
          onChange={(event) => {
            const files = [...(event.currentTarget.files ?? [])]
            event.currentTarget.value = ''
            importFiles(files)
          }}
        />
      </Group>
      {importing !== null && <FolderImport of="adapters" name="Adapter" importId={importing.importId} />}
      {(isGone || importAdapter.error !== null) && (
        <Text {...(isStopped ? {} : { c: 'var(--hone-unsolved)' })} role={isStopped ? 'status' : 'alert'} mt={6}>
          {importAdapter.error ?? 'The adapter that was chosen is not stored here any more, or is for another model.'}
        </Text>
      )}
    </>
  )
}
