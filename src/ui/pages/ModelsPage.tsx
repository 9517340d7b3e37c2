import { Text } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import { z } from 'zod'
import { downloadFile } from '../dataset/useImports'
import { ArchitectureClaims } from '../models/ArchitectureMarks'
import { ModelCard } from '../models/ModelCard'
import { checkpointFiles } from '../models/folderFiles'
import { RemoteModelPanel } from '../models/RemoteModelPanel'
import classes from '../models/models.module.css'
import { useAnswer } from '../stores/answer'
import { useStudioEvents } from '../stores/events'
import { isActive } from '../stores/jobs'
import { useUrlState } from '../stores/location'
import { useDescription, useStudio } from '../stores/studio'
import { EmptyState, Loading, PageHead, PrimaryButton } from '../widgets/Panel'
import { ErrorPanel } from '../widgets/ProblemList'

const urlSchema = z.object({ model: z.string().default('') })

export default function ModelsPage() {
  const [url] = useUrlState(urlSchema)
  const studio = useStudio()
  const { claims } = useDescription()
  const models = useAnswer('models', (from) => from.models.list())
  const imported = useAnswer('imported adapters', (from) => from.adapters.list())
  // While a job runs nothing here changes.
  useStudioEvents(['job'], (events) => {
    if (events.some((event) => event.type === 'job' && !isActive(event.job))) models.reload()
  })
  const picker = useRef<HTMLInputElement>(null)
  const [importing, setImporting] = useState<string | null>(null)
  const [error, setError] = useState<string | null>(null)
  useEffect(() => {
    // React has no name for this attribute.
    picker.current?.setAttribute('webkitdirectory', '')
  }, [])

  const importFolder = async (files: readonly File[]): Promise<void> => {
    const folder = files[0]?.webkitRelativePath.split('/')[0] ?? files[0]?.name ?? 'model'
    setImporting(folder)
    setError(null)
    const reply = await studio.models.importFiles(folder, checkpointFiles(files))
    if (reply.ok) models.reload()
    else setError(reply.message)
  }
  const exportAdapter = async (runId: string, title: string): Promise<void> => {
    setError(null)
    const reply = await studio.runs.exportAdapter(runId)
    if (!reply.ok) {
      setError(reply.message)
      return
    }
    for (const [name, bytes] of Object.entries(reply.value)) downloadFile(name, bytes, 'application/octet-stream')
    setImporting(null)
    setError(Object.keys(reply.value).length === 0 ? `${title} holds no adapter files.` : null)
  }
  const removeModel = async (modelId: string): Promise<void> => {
    setError(null)
    const reply = await studio.models.remove(modelId)
    if (!reply.ok) setError(reply.message)
    models.reload()
  }
  const removeAdapter = async (adapterId: string): Promise<void> => {
    setError(null)
    const reply = await studio.adapters.remove(adapterId)
    if (!reply.ok) setError(reply.message)
    imported.reload()
  }
  const attempt = (work: Promise<void>): void => {
    work
      .catch((reason: unknown) => {
        setError(reason instanceof Error ? reason.message : String(reason))
      })
      .finally(() => {
        setImporting(null)
      })
  }
  return (
    <>
      <PageHead
        title="Models"
        about="Checkpoints in Hugging Face layout, and the adapters trained on them here."
        actions={
          <>
            <PrimaryButton onClick={() => picker.current?.click()} loading={importing !== null}>
              Import a folder
            </PrimaryButton>
            <input
              ref={picker}
              type="file"
              multiple
              className={classes.hidden}
              aria-label="Model folder"
              data-testid="model-folder"
              tabIndex={-1}
              onChange={(event) => {
                const files = [...(event.currentTarget.files ?? [])]
                event.currentTarget.value = ''
                if (files.length > 0) attempt(importFolder(files))
              }}
            />
          </>
        }
      />
      <Text size="xs" c="dimmed" mb={12}>
        A folder needs config.json, tokenizer.json or tokenizer.model, and *.safetensors. Llama 2 and 3, Qwen 2, 2.5 and 3 are read; pickled
        weights (.bin, .pt) are refused because opening them can run code.
      </Text>
      {importing !== null && (
        <Text role="status" mb={12}>
          Reading {importing}
        </Text>
      )}
      {error !== null && (
        <ErrorPanel title="That did not work." details={error}>
          Models already here were not touched.
        </ErrorPanel>
      )}
      {models.loading && <Loading lines={4} />}
      {models.error !== null && <ErrorPanel title="The models could not be listed." details={models.error} />}
      {models.value?.length === 0 && <EmptyState title="No models.">Import a folder that holds a checkpoint.</EmptyState>}
      <div className={classes.stack}>
        <div className={classes.models}>
          {models.value?.map((model) => (
            <ModelCard
              key={model.model_id}
              model={model}
              current={model.model_id === url.model}
              claims={claims}
              imported={(imported.value ?? []).filter(({ model_id }) => model_id === model.model_id)}
              onRemoveAdapter={(id) => {
                attempt(removeAdapter(id))
              }}
              onExport={(runId, title) => {
                attempt(exportAdapter(runId, title))
              }}
              onRemove={() => {
                attempt(removeModel(model.model_id))
              }}
            />
          ))}
        </div>
        <RemoteModelPanel />
        <ArchitectureClaims claims={claims} />
      </div>
    </>
  )
}
