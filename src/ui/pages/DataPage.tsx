import { stepsOf } from '../../records/trajectory'
import { Button, Tabs } from '@mantine/core'
import { useCallback, useMemo, useState } from 'react'
import { Link } from 'wouter'
import { z } from 'zod'
import type { DatasetRow } from '../../worker/protocol'
import { DatasetCard, PendingCard } from '../dataset/DatasetCard'
import classes from '../dataset/dataset.module.css'
import { DatasetProfileView } from '../dataset/DatasetProfileView'
import { DropZone } from '../dataset/DropZone'
import { FirstBatch } from '../dataset/FirstBatch'
import { ProblemsTable } from '../dataset/ProblemsTable'
import { RowsTable } from '../dataset/RowsTable'
import { downloadFile, useImports } from '../dataset/useImports'
import { useLabelsOf } from '../labelling/labelStore'
import { useAnswer } from '../stores/answer'
import { hrefs } from '../stores/hrefs'
import { useUrlState } from '../stores/location'
import { usePageKeys } from '../stores/pageKeys'
import { useDescription, useStudio } from '../stores/studio'
import { TrajectoryReader } from '../trajectory/TrajectoryReader'
import { useTrajectoriesOf } from '../trajectory/useSources'
import { EmptyState, Loading, PageHead, Panel } from '../widgets/Panel'
import { ErrorPanel } from '../widgets/ProblemList'

const urlSchema = z.object({
  dataset: z.string().default(''),
  tab: z.enum(['rows', 'preview', 'batch', 'profile', 'problems']).catch('rows').default('rows'),
  id: z.string().default(''),
  step: z.coerce.number().int().nonnegative().catch(0).default(0),
})
type Url = z.output<typeof urlSchema>

export default function DataPage() {
  const [url, setUrl] = useUrlState(urlSchema)
  const studio = useStudio()
  const { formats } = useDescription()
  const datasets = useAnswer('datasets', (from) => from.datasets.list(), ['dataset'])
  const [failure, setFailure] = useState<string | null>(null)
  const { reload } = datasets
  const opened = useCallback(
    (dataset: DatasetRow) => {
      reload()
      setUrl({
        dataset: dataset.dataset_id,
        tab: dataset.trajectories === 0 && dataset.problems.length > 0 ? 'problems' : 'rows',
        id: '',
        step: 0,
      })
    },
    [reload, setUrl],
  )
  const { pending, add, dismiss } = useImports(opened)
  const list = useMemo(() => [...(datasets.value ?? [])].sort((a, b) => (a.created_at < b.created_at ? 1 : -1)), [datasets.value])
  const open = list.find((one) => one.dataset_id === url.dataset) ?? null

  const attempt = (work: () => Promise<void>): void => {
    setFailure(null)
    work().catch((reason: unknown) => {
      setFailure(reason instanceof Error ? reason.message : String(reason))
    })
  }
  const sample = (): void => {
    attempt(async () => {
      downloadFile('hone-sample.csv', await studio.datasets.sampleCsv(), 'text/csv')
    })
  }
  const exportAnnotations = (dataset: DatasetRow): void => {
    attempt(async () => {
      const reply = await studio.labels.exportCsv(dataset.dataset_id)
      if (!reply.ok) throw new Error(reply.message)
      downloadFile(`${dataset.name.replace(/\.\w+$/, '')}.labelled.csv`, reply.value, 'text/csv')
    })
  }
  const remove = (dataset: DatasetRow): void => {
    attempt(async () => {
      const reply = await studio.datasets.remove(dataset.dataset_id)
      if (!reply.ok) throw new Error(reply.message)
      if (url.dataset === dataset.dataset_id) setUrl({ dataset: '', id: '' })
      reload()
    })
  }
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
      <DropZone onFiles={add} onSample={sample} formats={formats.map((format) => format.title)} />
      {failure !== null && (
        <ErrorPanel title="That did not work." details={failure}>
          Nothing already stored was changed.
        </ErrorPanel>
      )}
      {datasets.loading && <Loading />}
      {datasets.value !== null && list.length === 0 && pending.length === 0 && (
        <EmptyState title="No files yet.">
          Open a CSV, JSON or JSONL file of trajectories. Without one, download the sample and open it: it shows what a file may hold.
        </EmptyState>
      )}
      {(list.length > 0 || pending.length > 0) && (
        <div className={classes.cards}>
          {pending.map((one) => (
            <PendingCard
              key={one.id}
              pending={one}
              onDismiss={() => {
                dismiss(one.id)
              }}
            />
          ))}
          {list.map((dataset) => (
            <DatasetCard
              key={dataset.dataset_id}
              dataset={dataset}
              title={formats.find((format) => format.name === dataset.format)?.title ?? dataset.format}
              open={dataset.dataset_id === url.dataset}
              onOpen={() => {
                setUrl(
                  dataset.dataset_id === url.dataset
                    ? { dataset: '', id: '' }
                    : { dataset: dataset.dataset_id, tab: 'rows', id: '', step: 0 },
                  { push: true },
                )
              }}
              onExport={() => {
                exportAnnotations(dataset)
              }}
              onRemove={() => {
                remove(dataset)
              }}
            />
          ))}
        </div>
      )}
      {open && <OpenDataset key={open.dataset_id} dataset={open} url={url} setUrl={setUrl} />}
    </>
  )
}

function OpenDataset({
  dataset,
  url,
  setUrl,
}: {
  readonly dataset: DatasetRow
  readonly url: Url
  readonly setUrl: (patch: Partial<Url>) => void
}) {
  const source = useMemo(
    () => ({ key: `dataset:${dataset.dataset_id}`, title: dataset.name, kind: 'dataset' as const, id: dataset.dataset_id }),
    [dataset.dataset_id, dataset.name],
  )
  const answer = useTrajectoriesOf(source)
  const trajectories = useMemo(() => answer.value ?? [], [answer.value])
  const labels = useLabelsOf(useMemo(() => trajectories.map((one) => one.trajectory_id), [trajectories]))
  const selected = trajectories.find((one) => one.trajectory_id === url.id) ?? trajectories[0] ?? null
  const batchIds = useMemo(() => trajectories.slice(0, 4).map((one) => one.trajectory_id), [trajectories])
  return (
    <Panel
      title={dataset.name}
      aside={
        <Button
          onClick={() => {
            setUrl({ dataset: '' })
          }}
        >
          Close
        </Button>
      }
    >
      <Tabs
        value={url.tab}
        onChange={(tab) => {
          setUrl({ tab: urlSchema.shape.tab.parse(tab) })
        }}
      >
        <Tabs.List mb={12}>
          <Tabs.Tab value="rows">Rows</Tabs.Tab>
          <Tabs.Tab value="preview">Trajectory</Tabs.Tab>
          <Tabs.Tab value="batch">First batch</Tabs.Tab>
          <Tabs.Tab value="profile">Profile</Tabs.Tab>
          <Tabs.Tab value="problems">Problems ({dataset.problems.length})</Tabs.Tab>
        </Tabs.List>
        {answer.error !== null && <ErrorPanel title="The rows could not be read." details={answer.error} />}
        {answer.loading && url.tab !== 'problems' && <Loading lines={5} />}
        <Tabs.Panel value="rows">
          <RowsTable
            trajectories={trajectories}
            labels={labels}
            selected={url.id}
            onSelect={(id) => {
              setUrl({ id, step: 0, tab: 'preview' })
            }}
          />
        </Tabs.Panel>
        <Tabs.Panel value="preview">
          {selected && (
            <>
              <Button component={Link} href={hrefs.label(selected.trajectory_id, { dataset: dataset.dataset_id, step: url.step })} mb={8}>
                Label this one
              </Button>
              <TrajectoryReader
                trajectory={selected}
                labels={labels.get(selected.trajectory_id) ?? null}
                step={Math.max(0, Math.min(url.step, stepsOf(selected).length - 1))}
                onStep={(step) => {
                  setUrl({ step })
                }}
              />
            </>
          )}
        </Tabs.Panel>
        <Tabs.Panel value="batch">{trajectories.length > 0 && <FirstBatch trajectoryIds={batchIds} />}</Tabs.Panel>
        <Tabs.Panel value="profile">
          {trajectories.length > 0 && <DatasetProfileView trajectories={trajectories} labels={labels} datasetId={dataset.dataset_id} />}
        </Tabs.Panel>
        <Tabs.Panel value="problems">
          <ProblemsTable name={dataset.name} problems={dataset.problems} />
        </Tabs.Panel>
      </Tabs>
    </Panel>
  )
}
