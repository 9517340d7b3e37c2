/** Imports files, stores them with their faults, lists and removes them. A bad file never changes what was stored before. */
import { annotateByRules } from '../../annotation/rules'
import type { RowParts } from '../../annotation/opinions'
import { importDataset } from '../../data/importDataset'
import type { Store, TrajectoryOwner } from '../../storage/store'
import type { Opinion } from '../../records/annotation'
import { withoutTokens, type Trajectory } from '../../records/trajectory'
import type { DatasetRow, Reply, StudioEvent } from '../../worker/protocol'
import { accept, attempt, refuse } from '../failure'
import { datasetTrajectories, removeDatasetOrder, writeDatasetOrder } from './datasetOrder'

export interface Datasets {
  /** `suggestions`: whether the rules give an opinion on every step; when absent, they do. */
  importFile(file: File, options?: { readonly suggestions: boolean }): Promise<Reply<DatasetRow>>
  list(): Promise<readonly DatasetRow[]>
  remove(datasetId: string): Promise<Reply<null>>
  /** Without token arrays. */
  trajectories(of: TrajectoryOwner): Promise<readonly Trajectory[]>
}

interface DatasetParts {
  readonly store: Store
  readonly rows: RowParts
  readonly emit: (event: StudioEvent) => void
}

export function createDatasets({ store, rows, emit }: DatasetParts): Datasets {
  return {
    importFile: (file, { suggestions } = { suggestions: true }) =>
      attempt('import', async () => {
        const read = await importDataset({ name: file.name, bytes: file.stream() }, { now: rows.now })
        const { dataset, trajectories, opinions, settings } = read
        const fault = dataset.problems[0]
        // A file of which not one row could be met is no data set; one with bad rows is, and says which.
        if (dataset.rows === 0 && settings === null) return refuse('nothing-imported', fault?.message ?? `${file.name} holds no data.`)
        const row: DatasetRow = settings
          ? { ...dataset, problems: [...dataset.problems, ...settingsNotes(file.name, settings.ignored)] }
          : dataset
        const owner = { dataset_id: dataset.dataset_id }
        await store.trajectories.put(owner, trajectories)
        await writeDatasetOrder(
          store,
          dataset.dataset_id,
          trajectories.map(({ trajectory_id }) => trajectory_id),
        )
        const given = new Map<string, Opinion[]>()
        for (const opinion of opinions) given.set(opinion.trajectory_id, [...(given.get(opinion.trajectory_id) ?? []), opinion])
        const suggested: Opinion[] = []
        for (const trajectory of suggestions ? trajectories : []) {
          const stored = (await store.opinions.listOf(trajectory.trajectory_id)).records
          // When a file is imported again, its steps have the rules' opinions already.
          if (!stored.some((opinion) => opinion.annotator_id.startsWith('rules:')))
            suggested.push(...annotateByRules(trajectory, [...stored, ...(given.get(trajectory.trajectory_id) ?? [])], rows))
        }
        await store.opinions.add([...opinions, ...suggested])
        await store.datasets.put({ ...row, problems: [...row.problems] })
        emit({ type: 'dataset', dataset: row })
        return accept(row)
      }),

    list: async () => [...(await store.datasets.list()).records].sort((a, b) => (a.created_at < b.created_at ? 1 : -1)),

    async remove(datasetId) {
      if (!(await store.datasets.get(datasetId))) return refuse('unknown-dataset', `There is no data set ${datasetId}.`)
      await store.removeDataset(datasetId)
      await removeDatasetOrder(store, datasetId)
      return accept(null)
    },

    trajectories: async (of) => {
      const records = 'dataset_id' in of ? await datasetTrajectories(store, of.dataset_id) : (await store.trajectories.listOf(of)).records
      return records.map(withoutTokens)
    },
  }
}

/** What a configuration file holds that will not change a run, as notes beside its card. */
function settingsNotes(file: string, ignored: readonly { readonly field: string; readonly reason: string }[]): DatasetRow['problems'] {
  return ignored.map(({ field, reason }) => ({
    file,
    row: null,
    column: field,
    expected: 'a setting Hone uses',
    found: field,
    message: `${file}, ${field}: ${reason}`,
  }))
}
