/** A data set in full: its rows, one trajectory, the first batch, its profile and its problems. */
import { Button, Tabs } from '@mantine/core'
import { useMemo } from 'react'
import { Link } from 'wouter'
import type { DatasetRow } from '../../../worker/protocol'
import { DatasetProfileView } from '../../dataset/DatasetProfileView'
import { FirstBatch } from '../../dataset/FirstBatch'
import { ProblemsTable } from '../../dataset/ProblemsTable'
import { RowsTable } from '../../dataset/RowsTable'
import { nameText } from '../../format'
import { hrefs } from '../../navigation/hrefs'
import { useTrajectories } from '../../queries/trajectories'
import { useLabels } from '../../queries/useLabels'
import { TrajectoryReader } from '../../trajectory/TrajectoryReader'
import { Loading, Panel } from '../../widgets/Panel'
import { RecordBoundary } from '../../widgets/RecordBoundary'
import { ErrorPanel } from '../../widgets/ProblemList'
import { dataUrl, type DataUrl } from './dataUrl'

export function OpenDataset({
  dataset,
  url,
  setUrl,
}: {
  readonly dataset: DatasetRow
  readonly url: DataUrl
  readonly setUrl: (patch: Partial<DataUrl>) => void
}) {
  const list = useTrajectories({ kind: 'dataset', id: dataset.dataset_id })
  const trajectories = useMemo(() => list.data ?? [], [list.data])
  const labels = useLabels(useMemo(() => trajectories.map((one) => one.trajectory_id), [trajectories]))
  const selected = trajectories.find((one) => one.trajectory_id === url.id) ?? trajectories[0] ?? null
  const batchIds = useMemo(() => trajectories.slice(0, 4).map((one) => one.trajectory_id), [trajectories])
  return (
    <Panel
      title={nameText(dataset.name)}
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
          setUrl({ tab: dataUrl.shape.tab.parse(tab) })
        }}
      >
        <Tabs.List mb={12}>
          <Tabs.Tab value="rows">Rows</Tabs.Tab>
          <Tabs.Tab value="preview">Trajectory</Tabs.Tab>
          <Tabs.Tab value="batch">First batch</Tabs.Tab>
          <Tabs.Tab value="profile">Profile</Tabs.Tab>
          <Tabs.Tab value="problems">Problems ({dataset.problems.length})</Tabs.Tab>
        </Tabs.List>
        {list.error !== null && <ErrorPanel title="The rows could not be read." details={list.error} />}
        {list.isLoading && url.tab !== 'problems' && <Loading lines={5} />}
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
              <RecordBoundary key={selected.trajectory_id} kind="Trajectory" name={selected.trajectory_id}>
                <TrajectoryReader
                  trajectory={selected}
                  labels={labels.get(selected.trajectory_id) ?? null}
                  step={url.step}
                  onStep={(step) => {
                    setUrl({ step })
                  }}
                />
              </RecordBoundary>
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
