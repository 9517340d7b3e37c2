/** `studio.runs`: records of runs, what they left, and resuming them. */
import { folderFromMap } from '../../models/weights/byteSource'
import type { Store } from '../../storage/store'
import type { RunsApi } from '../../worker/studioApi'
import { accept, attempt, refuse } from '../failure'
import type { JobContext } from '../jobs/jobContext'
import type { JobStarter } from '../jobs/jobStarter'
import { rewrittenAdapter, storedAdapterFiles, storedAdapterNames } from '../models/adapterFiles'
import type { Merges } from '../models/mergeJob'
import type { StudioServices } from '../services'
import { resumedWork } from './resumeJob'
import type { Runs } from './runs'
import { createWandb } from './wandb'

interface RunModules {
  readonly runs: Runs
  readonly context: JobContext
  readonly merges: Pick<Merges, 'merged'>
  readonly starter: JobStarter
}

export function createRunsApi(services: StudioServices, { runs, context, merges, starter }: RunModules): RunsApi {
  const { store } = services
  return {
    list: () => runs.list(),
    get: (id) => runs.detail(id),
    resume: (id) => starter.start(true, () => resumedWork(id, { store, runs, context })),
    remove: (id) => runs.remove(id),
    ...adapterFilesApi(store),
    openFolder: (folder) =>
      attempt('folder', async () => {
        if (!store.folders) return refuse('no-folders', 'Runs are stored in the browser here, not in folders.')
        const runId = await store.folders.open(folder)
        return runId === null ? refuse('no-run', `${folder} holds no run.json: it is no directory of a run.`) : runs.detail(runId)
      }),
    mergedModel: (runId) => Promise.resolve(merges.merged(runId)),
    ...createWandb({ ...services, detail: (id) => runs.detail(id) }),
  }
}

const adapterFilesApi = (store: Store): Pick<RunsApi, 'exportAdapter' | 'adapterFiles'> => ({
  exportAdapter: (runId, which, baseModel) =>
    attempt('adapter', async () => {
      const files = await storedAdapterFiles(store, runId, which)
      if (files.size === 0) return refuse('no-adapter', 'This run left no adapter.')
      return accept(Object.fromEntries(baseModel === undefined ? files : await rewrittenAdapter(folderFromMap(runId, files), baseModel)))
    }),
  adapterFiles: async (runId, which) => accept(await storedAdapterNames(store, runId, which)),
})
