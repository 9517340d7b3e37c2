/** Where a run's adapter begins: anew, from what an earlier run on the same model left, or from an adapter in PEFT's files. */
import { Button, Group, Select, Text } from '@mantine/core'
import { useRef, useState } from 'react'
import type { RunRecord } from '../../records/run'
import type { ModelRow } from '../../worker/protocol'
import { useAnswer } from '../stores/answer'
import { useStudio } from '../stores/studio'
import { visibleText } from '../format'
import { NEW_ADAPTER, startChoices } from './startChoices'

interface StartFromProps {
  readonly model: ModelRow | null
  readonly runs: readonly RunRecord[]
  /** As the address holds it. */
  readonly value: string
  readonly onChange: (value: string) => void
}

export function StartFromField({ model, runs, value, onChange }: StartFromProps) {
  const studio = useStudio()
  const imported = useAnswer('imported adapters', (from) => from.adapters.list())
  const picker = useRef<HTMLInputElement>(null)
  const [problem, setProblem] = useState<string | null>(null)
  const choices = startChoices(model, runs, imported.value ?? [])
  const isGone = value !== NEW_ADAPTER && imported.value !== null && model !== null && !choices.some((one) => one.value === value)

  const importFiles = async (files: readonly File[]): Promise<void> => {
    if (!model || files.length === 0) return
    const reply = await studio.adapters.importFiles(model.model_id, '', files)
    setProblem(reply.ok ? null : reply.message)
    if (!reply.ok) return
    imported.reload()
    onChange(`imported:${reply.value.adapter_id}`)
  }
  return (
    <>
      <Group align="flex-end" gap={12} mt={12}>
        <Select
          label="Start from"
          description="An adapter that is there brings its rank, alpha and targets; methods with a reference hold the policy to it."
          data={choices.map((one) => ({ value: one.value, label: visibleText(one.label) }))}
          allowDeselect={false}
          value={isGone ? null : value}
          placeholder="Choose again"
          onChange={(next) => {
            setProblem(null)
            onChange(next ?? NEW_ADAPTER)
          }}
          data-testid="start-from"
          style={{ flex: '1 1 280px' }}
        />
        <Button
          disabled={model === null}
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
            importFiles(files).catch((reason: unknown) => {
              setProblem(reason instanceof Error ? reason.message : String(reason))
            })
          }}
        />
      </Group>
      {(isGone || problem !== null) && (
        <Text c="var(--hone-unsolved)" role="alert" mt={6}>
          {problem ?? 'The adapter that was chosen is not stored here any more, or is for another model.'}
        </Text>
      )}
    </>
  )
}
