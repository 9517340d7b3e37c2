/** The run that a folder holds, when a request names one. */
import type { TrainRequest } from '../../records/requests'
import type { Reply } from '../../worker/protocol'
import { accept, attempt, refuse } from '../failure'
import type { JobContext } from '../jobs/jobContext'
import { originOf, type ResumedRun } from './resume'

/** null: the request begins a new run. Refuses a run that another process works on. */
export async function runInFolder(
  { folder, resume }: TrainRequest,
  { store, whyBusy }: Pick<JobContext, 'store' | 'whyBusy'>,
): Promise<Reply<ResumedRun | null>> {
  const { folders } = store
  if (folder === undefined || !folders || !resume) return accept(null)
  return attempt('folder', async () => {
    const runId = await folders.open(folder)
    const record = runId === null ? null : await store.runs.get(runId)
    if (!record) return accept(null)
    const busy = await whyBusy(record.run_id)
    if (busy !== null) return refuse('at-work', busy)
    return accept({ record, origin: originOf(record), folder })
  })
}
