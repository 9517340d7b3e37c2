/** The run that a folder holds, when a request names one. */
import type { TrainRequest } from '../../records/requests'
import type { Store } from '../../storage/store'
import type { Reply } from '../../worker/protocol'
import { accept, attempt } from '../failure'
import { originOf, type ResumedRun } from './resume'

/** null: the request begins a new run. */
export async function runInFolder({ folder, resume }: TrainRequest, store: Store): Promise<Reply<ResumedRun | null>> {
  const { folders } = store
  if (folder === undefined || !folders || !resume) return accept(null)
  return attempt('folder', async () => {
    const runId = await folders.open(folder)
    const record = runId === null ? null : await store.runs.get(runId)
    if (!record) return accept(null)
    return accept({ record, origin: originOf(record), folder })
  })
}
