/** Runs that were at work when their tab was closed: they become failed ones, with what was stored. */
import type { RunRecord } from '../../records/run'
import { isStorageFull } from '../../storage/storageFull'
import type { Store } from '../../storage/store'

interface InterruptedParts {
  readonly store: Store
  /** ISO time. */
  readonly now: () => string
  readonly isAtWork: (runId: string) => boolean
  /** null when another tab is working on the run. */
  readonly claimRun: (runId: string) => Promise<(() => void) | null>
}

/** Leaves runs of other tabs alone. */
export async function markInterruptedRuns({ store, now, isAtWork, claimRun }: InterruptedParts): Promise<void> {
  for (const run of (await store.runs.list()).records) {
    if (!isUnderWay(run) || isAtWork(run.run_id)) continue
    const release = await claimRun(run.run_id)
    if (!release) continue
    try {
      await store.runs.put(interrupted(run, now()))
    } catch (error) {
      // Hone opens nevertheless, so that a person can make space; the next start writes the record.
      if (!isStorageFull(error)) throw error
    } finally {
      release()
    }
  }
}

export const isUnderWay = ({ status }: RunRecord): boolean => status === 'running' || status === 'paused'

function interrupted(run: RunRecord, finished_at: string): RunRecord {
  const { steps_done, checkpoint } = run
  const kept =
    steps_done > 0
      ? `${steps_done} ${steps_done === 1 ? 'step, its' : 'steps, their'} metrics and every trajectory are kept.`
      : 'What it had measured is kept.'
  const resumable = checkpoint ? ` It can go on after step ${checkpoint.step} of ${checkpoint.of}.` : ''
  return { ...run, status: 'failed', finished_at, error: `The tab was closed or reloaded while this run was at work. ${kept}${resumable}` }
}
