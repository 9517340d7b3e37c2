/** When nothing more can be stored, a job waits, with all it has in memory, until there is space again. */
import { isStorageFull } from '../../storage/storageFull'
import type { JobControl } from '../jobs/jobControl'

export const STORAGE_FULL_REASON =
  'Storage is full, so the run is paused. Nothing stored was lost: make space (in a browser under Settings, Storage), then resume.'

/** Repeats `work` after each pause until its result fits. Other failures, and cancelling, end the loop. */
export async function retryWhenStorageFull<T>(control: Pick<JobControl, 'gate' | 'hold'>, work: () => Promise<T>): Promise<T> {
  for (;;)
    try {
      return await work()
    } catch (error) {
      if (!isStorageFull(error)) throw error
      control.hold(STORAGE_FULL_REASON)
      await control.gate()
    }
}
