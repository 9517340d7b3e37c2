/** Models: from a folder, from the Hub or with the page, each with the adapters trained on it. */
import { Text } from '@mantine/core'
import { useState } from 'react'
import { z } from 'zod'
import { downloadFile } from '../../downloadFile'
import { ArchitectureClaims } from '../../models/ArchitectureMarks'
import { FolderImport } from '../../models/FolderImport'
import { checkpointFiles } from '../../models/folderFiles'
import { ModelCard } from '../../models/ModelCard'
import classes from '../../models/models.module.css'
import { RemoteModelPanel } from '../../models/RemoteModelPanel'
import { useUrlState } from '../../navigation/location'
import { useAdapters, useImportModel, useModels, useRemoveAdapter, useRemoveModel } from '../../queries/models'
import { useExportAdapter } from '../../queries/runs'
import { newImportId } from '../../stores/imports'
import { useDescription } from '../../stores/studio'
import { EmptyState, Loading, PageHead } from '../../widgets/Panel'
import { ErrorPanel } from '../../widgets/ProblemList'
import { RecordBoundary } from '../../widgets/RecordBoundary'
import { FolderButton } from './FolderButton'

const urlSchema = z.object({ model: z.string().default('') })

function useModelCommands() {
  const importModel = useImportModel()
  const exportAdapter = useExportAdapter()
  const removeModel = useRemoveModel()
  const removeAdapter = useRemoveAdapter()
  const [empty, setEmpty] = useState<string | null>(null)
  const forget = (): void => {
    setEmpty(null)
    for (const command of [importModel, exportAdapter, removeModel, removeAdapter]) command.reset()
  }
  return {
    importing: importModel.isPending ? (importModel.variables ?? null) : null,
    /** A person stopped the import, which is no failure. */
    stopped: importModel.errorCode === 'cancelled' ? importModel.error : null,
    error:
      (importModel.errorCode === 'cancelled' ? null : importModel.error) ??
      exportAdapter.error ??
      removeModel.error ??
      removeAdapter.error ??
      empty,
    importFolder: (files: readonly File[]) => {
      forget()
      const name = files[0]?.webkitRelativePath.split('/')[0] ?? files[0]?.name ?? 'model'
      importModel.mutate({ name, files: checkpointFiles(files), importId: newImportId() })
    },
    saveAdapter: (runId: string, title: string) => {
      forget()
      exportAdapter.mutate(
        { runId },
        {
          onSuccess: (files) => {
            for (const [name, bytes] of Object.entries(files)) downloadFile(name, bytes, 'application/octet-stream')
            if (Object.keys(files).length === 0) setEmpty(`${title} holds no adapter files.`)
          },
        },
      )
    },
    removeModel: (modelId: string) => {
      forget()
      removeModel.mutate(modelId)
    },
    removeAdapter: (adapterId: string) => {
      forget()
      removeAdapter.mutate(adapterId)
    },
  }
}

export default function ModelsPage() {
  const [url] = useUrlState(urlSchema)
  const { claims } = useDescription()
  const models = useModels()
  const imported = useAdapters().data ?? []
  const commands = useModelCommands()
  return (
    <>
      <PageHead
        title="Models"
        about="Checkpoints in Hugging Face layout, and the adapters trained on them here."
        actions={<FolderButton isReading={commands.importing !== null} onFiles={commands.importFolder} />}
      />
      <Text size="xs" c="dimmed" mb={12}>
        A folder needs config.json, tokenizer.json or tokenizer.model, and *.safetensors. Llama 2 and 3, Qwen 2, 2.5 and 3 are read; pickled
        weights (.bin, .pt) are refused because opening them can run code.
      </Text>
      {commands.importing !== null && <FolderImport of="models" name={commands.importing.name} importId={commands.importing.importId} />}
      {commands.stopped !== null && (
        <Text role="status" mb={12} data-testid="import-stopped">
          {commands.stopped}
        </Text>
      )}
      {commands.error !== null && (
        <ErrorPanel title="That did not work." details={commands.error}>
          Models already here were not touched.
        </ErrorPanel>
      )}
      {models.isLoading && <Loading lines={4} />}
      {models.error !== null && <ErrorPanel title="The models could not be listed." details={models.error} />}
      {models.data?.length === 0 && <EmptyState title="No models.">Import a folder that holds a checkpoint.</EmptyState>}
      <div className={classes.stack}>
        <div className={classes.models}>
          {models.data?.map((model) => (
            <RecordBoundary key={model.model_id} kind="Model" name={model.title} id={model.model_id}>
              <ModelCard
                model={model}
                current={model.model_id === url.model}
                claims={claims}
                imported={imported.filter(({ model_id }) => model_id === model.model_id)}
                onRemoveAdapter={commands.removeAdapter}
                onExport={commands.saveAdapter}
                onRemove={() => {
                  commands.removeModel(model.model_id)
                }}
              />
            </RecordBoundary>
          ))}
        </div>
        <RemoteModelPanel />
        <ArchitectureClaims claims={claims} />
      </div>
    </>
  )
}
