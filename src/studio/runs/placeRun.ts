/** Puts a new run where its request says. */
import type { RunRecord } from '../../records/run'
import type { Store } from '../../storage/store'
import type { Reply } from '../../worker/protocol'
import { accept, attempt, refuse } from '../failure'
import type { Runs } from './runs'

/** Refuses a folder where the host has no directories, one that another process writes in, and one that holds an unfinished run. */
export async function placeRun(
  { folders, runs }: Pick<Store, 'folders' | 'runs'>,
  { whyBusy }: Pick<Runs, 'whyBusy'>,
  runId: string,
  kind: RunRecord['kind'],
  folder: string | undefined,
): Promise<Reply<null>> {
  if (folder === undefined) return accept(null)
  if (!folders) return refuse('no-folders', 'Runs are stored in the browser here, not in folders.')
  return attempt('folder', async () => {
    // Exams and rollouts leave a run's record alone.
    const before = kind === 'train' || kind === 'story' ? await folders.open(folder) : null
    const busy = before === null ? null : await whyBusy(before)
    if (busy !== null) return refuse('at-work', `${folder} is in use. ${busy}`)
    const status = before === null ? null : (await runs.get(before))?.status
    if (status && status !== 'finished')
      return refuse('unfinished', `${folder} holds an unfinished run: resume it with --resume, or start a new run with another --out.`)
    await folders.place(runId, kind, folder)
    return accept(null)
  })
}
