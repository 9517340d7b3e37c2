/** Everything that can be trained on, judged and exported by one id: imported data sets, and the practice of runs. */
import { sha256 } from '../../base/sha256'
import { practiceSourceId, runOfSource, type DataSourceRow } from '../../records/dataSource'
import type { RunRecord } from '../../records/run'
import { stepsOf, withoutTokens, type Trajectory } from '../../records/trajectory'
import type { Store } from '../../storage/store'
import type { Reply } from '../../worker/protocol'
import { accept, refuse } from '../failure'
import { datasetTrajectories } from './datasetOrder'
import { isHeldOut } from './heldOut'

export interface DataSource {
  readonly id: string
  readonly name: string
  readonly sha256: string
  /** In the order of the file, or in which they were practised. */
  readonly trajectories: readonly Trajectory[]
  /** Id of the model that sampled the stored tokens; null: of a file, which says so itself. */
  readonly sampledBy: string | null
}

/** Runs of these kinds leave attempts that may be trained on. An evaluation leaves none. */
const PRACTISING: readonly RunRecord['kind'][] = ['train', 'story', 'rollout']

/** Attempts at questions that no evaluation asks, in the order in which they were made. */
async function practiceOf(store: Store, runId: string): Promise<readonly Trajectory[]> {
  const { records } = await store.trajectories.listOf({ run_id: runId })
  return records.filter((record) => !isHeldOut(record)).sort((a, b) => inNumericOrder.compare(a.trajectory_id, b.trajectory_id))
}
const inNumericOrder = new Intl.Collator('en', { numeric: true })

/** Refuses an id of nothing, and a run without practice. */
export async function openDataSource(store: Store, id: string): Promise<Reply<DataSource>> {
  const runId = runOfSource(id)
  if (runId !== null) return openPractice(store, runId)
  const dataset = await store.datasets.get(id)
  if (!dataset) return refuse('unknown-dataset', `There is no data set ${id}; it may have been removed.`)
  return accept({ id, name: dataset.name, sha256: dataset.sha256, trajectories: await datasetTrajectories(store, id), sampledBy: null })
}

async function openPractice(store: Store, runId: string): Promise<Reply<DataSource>> {
  const run = await store.runs.get(runId)
  if (!run) return refuse('unknown-dataset', `There is no run ${runId}; it may have been removed, and its practice with it.`)
  const trajectories = await practiceOf(store, runId)
  if (trajectories.length === 0)
    return refuse(
      'no-practice',
      `${run.title} holds no practice to learn from: its attempts answer questions that evaluations ask, or it made none.`,
    )
  const content = trajectories.map((one) => [one.trajectory_id, one.task.query, stepsOf(one).map(({ completion }) => completion)])
  return accept({
    ...{ id: practiceSourceId(runId), name: `Practice of ${run.title}`, trajectories, sampledBy: run.model.id },
    sha256: sha256(JSON.stringify(content)),
  })
}

/** Token ids of another model's vocabulary mean nothing to this one: it reads the text. */
export const readableBy = ({ sampledBy }: DataSource, modelId: string, trajectory: Trajectory): Trajectory =>
  sampledBy === null || sampledBy === modelId ? trajectory : withoutTokens(trajectory)

/** How a source is called where it is shown; its id where it is not stored any more. */
export async function dataSourceName(store: Store, id: string): Promise<string> {
  // A run is named by the id, which the command line and a recipe on another day understand.
  return runOfSource(id) === null ? ((await store.datasets.get(id))?.name ?? id) : id
}

export interface DataSources {
  /** Data sets, and runs with practice; the newest of each first. */
  list(): Promise<readonly DataSourceRow[]>
}

export function createDataSources({ store }: { readonly store: Store }): DataSources {
  /** Of runs that are over: nothing is added to them any more. */
  const counted = new Map<string, DataSourceRow | null>()

  async function practiceRow(run: RunRecord): Promise<DataSourceRow | null> {
    const known = counted.get(run.run_id)
    if (known !== undefined) return known
    const trajectories = await practiceOf(store, run.run_id)
    const row: DataSourceRow | null =
      trajectories.length === 0
        ? null
        : {
            ...{ id: practiceSourceId(run.run_id), kind: 'practice', name: `Practice of ${run.title}`, created_at: run.created_at },
            trajectories: trajectories.length,
            steps: trajectories.reduce((sum, one) => sum + stepsOf(one).length, 0),
          }
    if (run.status === 'finished') counted.set(run.run_id, row)
    return row
  }

  return {
    async list() {
      const [{ records: datasets }, { records: runs }] = await Promise.all([store.datasets.list(), store.runs.list()])
      const files = datasets.map(({ dataset_id, name, trajectories, steps, created_at }): DataSourceRow => ({
        ...{ id: dataset_id, kind: 'dataset', name, trajectories, steps, created_at },
      }))
      const practice: DataSourceRow[] = []
      for (const run of runs) {
        const row = PRACTISING.includes(run.kind) ? await practiceRow(run) : null
        if (row) practice.push(row)
      }
      return [...newestFirst(files), ...newestFirst(practice)]
    },
  }
}

const newestFirst = (rows: readonly DataSourceRow[]): DataSourceRow[] =>
  [...rows].sort((a, b) => (a.created_at < b.created_at ? 1 : a.created_at > b.created_at ? -1 : 0))
