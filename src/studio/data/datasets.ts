/** Imported files: read, kept with what was wrong in them, listed, removed. What was stored before is never touched by a bad file. */
import type { TrajectoryOwner } from '../../storage/store'
import { withoutTokens, type Trajectory } from '../../records/trajectory'
import type { DatasetRow, Reply } from '../../worker/protocol'
import { accept, refuse } from '../failure'
import type { Imports } from '../imports'
import { removeDatasetOrder } from './datasetOrder'
import { importFile, type ImportParts } from './importFile'

export interface Datasets {
  /** `suggestions`: whether the rules give an opinion on every step; when absent, they do. `importId` names it in events, and to stop it. */
  importFile(file: File, options?: { readonly suggestions: boolean; readonly importId?: string }): Promise<Reply<DatasetRow>>
  /** Stops an import that is under way; nothing of it stays. */
  cancelImport(importId: string): Promise<Reply<null>>
  list(): Promise<readonly DatasetRow[]>
  remove(datasetId: string): Promise<Reply<null>>
  /** Without token arrays. */
  trajectories(of: TrajectoryOwner): Promise<readonly Trajectory[]>
}

interface DatasetParts extends ImportParts {
  readonly imports: Imports
}

export function createDatasets({ imports, ...parts }: DatasetParts): Datasets {
  const { store } = parts
  return {
    importFile: (file, { suggestions, importId } = { suggestions: true }) =>
      imports.run('import', importId, (control) => importFile(file, suggestions, control, parts)),
    cancelImport: (importId) => imports.cancel(importId),

    list: async () => [...(await store.datasets.list()).records].sort((a, b) => (a.created_at < b.created_at ? 1 : -1)),

    async remove(datasetId) {
      if (!(await store.datasets.get(datasetId))) return refuse('unknown-dataset', `There is no data set ${datasetId}.`)
      await store.removeDataset(datasetId)
      await removeDatasetOrder(store, datasetId)
      return accept(null)
    },

    trajectories: async (of) => (await store.trajectories.listOf(of)).records.map(withoutTokens),
  }
}
