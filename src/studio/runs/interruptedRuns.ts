/** Runs that were at work when their studio ended: they become failed ones, with what was stored. */
import type { RunRecord } from '../../records/run'
import { isStorageFull } from '../../storage/storageFull'
import type { Store } from '../../storage/store'
import type { RunClaims } from './runClaims'

interface InterruptedParts {
  readonly store: Store
  /** ISO time. */
  readonly now: () => string
  /** Runs that this studio works on. */
  readonly atWork: { has(runId: string): boolean }
  readonly claims: Pick<RunClaims, 'claim'>
  /** Why they ended, as a sentence; when absent, the tab was closed. */
  readonly reason: string | undefined
}

const TAB_CLOSED = 'The tab was closed or reloaded while this run was at work.'

/** Leaves runs alone that other studios work on. */
export async function markInterruptedRuns({ store, now, atWork, claims, reason = TAB_CLOSED }: InterruptedParts): Promise<void> {
  for (const run of (await store.runs.list()).records) {
    if (!isUnderWay(run) || atWork.has(run.run_id)) continue
    const claimed = await claims.claim(run.run_id)
    if (!claimed.ok) continue
    try {
      await store.runs.put(interrupted(run, reason, now()))
    } catch (error) {
      // Hone opens nevertheless, so that a person can make space; the next start writes the record.
      if (!isStorageFull(error)) throw error
    } finally {
      claimed.release()
    }
  }
}

export const isUnderWay = ({ status }: RunRecord): boolean => status === 'running' || status === 'paused'

function interrupted(run: RunRecord, reason: string, finished_at: string): RunRecord {
  const { steps_done, checkpoint, pause_reason } = run
  const kept =
    steps_done > 0
      ? `${steps_done} ${steps_done === 1 ? 'step, its' : 'steps, their'} metrics and every trajectory are kept.`
      : 'What it had measured is kept.'
  const resumable = checkpoint ? ` It can go on after step ${checkpoint.step} of ${checkpoint.of}.` : ''
  const paused = pause_reason ? ` It was paused before: ${pause_reason}` : ''
  return { ...run, status: 'failed', finished_at, pause_reason: null, error: `${reason} ${kept}${resumable}${paused}` }
}
