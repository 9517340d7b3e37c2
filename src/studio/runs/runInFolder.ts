/** The run that a folder holds, when a request names one. */
import type { TrainRequest } from '../../records/requests'
import type { Store } from '../../storage/store'
import type { Reply } from '../../worker/protocol'
import { accept, attempt, refuse } from '../failure'
import { beginningOfRun, type ResumedRun } from './resume'

/** null: the request begins a new run. An unfinished run is refused unless it is to be resumed. */
export async function runInFolder({ folder, resume }: TrainRequest, store: Store): Promise<Reply<ResumedRun | null>> {
  const { folders } = store
  if (folder === undefined || !folders) return accept(null)
  return attempt('folder', async () => {
    const runId = await folders.open(folder)
    const record = runId === null ? null : await store.runs.get(runId)
    if (!record) return accept(null)
    if (resume) return accept({ record, began: beginningOfRun(record), folder })
    return record.status === 'finished'
      ? accept(null)
      : refuse('unfinished', `${folder} holds an unfinished run: --resume goes on with it, another --out starts a new one.`)
  })
}
