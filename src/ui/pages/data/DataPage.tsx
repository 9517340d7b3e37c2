/** Data sets: files are dropped here, read and checked; one of them is open below its card. */
import { useCallback, useMemo } from 'react'
import type { DatasetRow } from '../../../worker/protocol'
import { DropZone } from '../../dataset/DropZone'
import { useSaveSource } from '../../dataset/useSaveSource'
import { useImports } from '../../dataset/useImports'
import { downloadFile } from '../../downloadFile'
import { usePageKeys } from '../../navigation/pageKeys'
import { useUrlState } from '../../navigation/location'
import { useDatasets, useRemoveDataset, useSampleCsv, type ExportRequest } from '../../queries/datasets'
import { useDescription } from '../../stores/studio'
import { EmptyState, Loading, PageHead } from '../../widgets/Panel'
import { ErrorPanel } from '../../widgets/ProblemList'
import { DatasetCards } from './DatasetCards'
import { dataUrl } from './dataUrl'
import { OpenDataset } from './OpenDataset'
import { PracticeSources } from './PracticeSources'

function useDataCommands(onRemoved: (datasetId: string) => void) {
  const sample = useSampleCsv()
  const saving = useSaveSource()
  const remove = useRemoveDataset()
  const forget = (): void => {
    for (const command of [sample, saving, remove]) command.reset()
  }
  return {
    failure: sample.error ?? saving.error ?? remove.error,
    remark: saving.remark,
    saveSample: () => {
      forget()
      sample.mutate(null, {
        onSuccess: (csv) => {
          downloadFile('hone-sample.csv', csv, 'text/csv')
        },
      })
    },
    saveLabels: (source: { readonly id: string; readonly name: string }, format: ExportRequest['format']) => {
      forget()
      saving.save(source, format)
    },
    remove: (dataset: DatasetRow) => {
      forget()
      remove.mutate(dataset.dataset_id, {
        onSuccess: () => {
          onRemoved(dataset.dataset_id)
        },
      })
    },
  }
}

export default function DataPage() {
  const [url, setUrl] = useUrlState(dataUrl)
  const { formats } = useDescription()
  const datasets = useDatasets()
  const list = useMemo(() => [...(datasets.data ?? [])].sort((a, b) => (a.created_at < b.created_at ? 1 : -1)), [datasets.data])
  const open = list.find((one) => one.dataset_id === url.dataset) ?? null
  const onImported = useCallback(
    (dataset: DatasetRow) => {
      const tab = dataset.trajectories === 0 && dataset.problems.length > 0 ? 'problems' : 'rows'
      setUrl({ dataset: dataset.dataset_id, tab, id: '', step: 0 })
    },
    [setUrl],
  )
  const { pending, add, dismiss, cancel } = useImports(onImported)
  const commands = useDataCommands((datasetId) => {
    if (url.dataset === datasetId) setUrl({ dataset: '', id: '' })
  })
  usePageKeys([
    {
      keys: 'o',
      does: 'open files',
      run: () => {
        document.querySelector<HTMLInputElement>('[data-testid="file-input"]')?.click()
      },
    },
  ])
  return (
    <>
      <PageHead title="Data" about="Trajectories from files: read, checked, and shown as the model will see them." />
      <DropZone onFiles={add} onSample={commands.saveSample} formats={formats.map((format) => format.title)} />
      {commands.failure !== null && (
        <ErrorPanel title="That did not work." details={commands.failure}>
          Nothing already stored was changed.
        </ErrorPanel>
      )}
      {commands.remark !== null && (
        <p role="status" data-testid="export-remark">
          {commands.remark}
        </p>
      )}
      {datasets.isLoading && <Loading />}
      {datasets.error !== null && <ErrorPanel title="The data sets could not be listed." details={datasets.error} />}
      {datasets.data && list.length === 0 && pending.length === 0 && (
        <EmptyState title="No files yet.">
          Open a CSV, JSON or JSONL file of trajectories. Without one, download the sample and open it: it shows what a file may hold.
        </EmptyState>
      )}
      <DatasetCards
        pending={pending}
        datasets={list}
        openId={url.dataset}
        onDismiss={dismiss}
        onCancel={cancel}
        onToggle={(id) => {
          setUrl(id === url.dataset ? { dataset: '', id: '' } : { dataset: id, tab: 'rows', id: '', step: 0 }, { push: true })
        }}
        onExport={commands.saveLabels}
        onRemove={commands.remove}
      />
      <PracticeSources onExport={commands.saveLabels} />
      {open && <OpenDataset key={open.dataset_id} dataset={open} url={url} setUrl={setUrl} />}
    </>
  )
}
