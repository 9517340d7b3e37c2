/** Puts a new run where its request says. */
import type { RunRecord } from '../../records/run'
import type { Store } from '../../storage/store'
import type { Reply } from '../../worker/protocol'
import { accept, attempt, refuse } from '../failure'

/** Refuses a folder where the host has no directories. */
export async function placeRun(
  { folders }: Pick<Store, 'folders'>,
  runId: string,
  kind: RunRecord['kind'],
  folder: string | undefined,
): Promise<Reply<null>> {
  if (folder === undefined) return accept(null)
  if (!folders) return refuse('no-folders', 'Runs are stored in the browser here, not in folders.')
  return attempt('folder', async () => {
    await folders.place(runId, kind, folder)
    return accept(null)
  })
}
