/** Runs: their records, metrics, evaluation grids and probes; and what becomes of a run whose tab was closed. */
import type { RunRecord } from '../../records/run'
import type { Store } from '../../storage/store'
import type { Reply, RunDetail, StudioEvent } from '../../worker/protocol'
import { accept, refuse } from '../failure'
import { isUnderWay, markInterruptedRuns } from './interruptedRuns'
import { metricMeaningsOf } from './metricMeanings'
import { readDetailFile, type DetailFile } from './runDetailFile'
import { createRunRecorder, type RunRecorder } from './runRecorder'
import { RunWriter } from './runWriter'
import { storyResultOf } from './storyResult'

export interface Runs {
  /** `onFull` is called when storage is full; the write is tried again at the next `settle`. */
  open(record: RunRecord, onFull?: () => void): Promise<RunRecorder>
  /** One sentence that says who is working on a run; null when nobody is, so that it may be resumed. */
  whyBusy(runId: string): Promise<string | null>
  list(): Promise<readonly RunRecord[]>
  detail(runId: string): Promise<Reply<RunDetail>>
  remove(runId: string): Promise<Reply<null>>
  /** Runs that were at work when their tab was closed become failed ones, with what was stored. Runs of other tabs are left alone. */
  recover(): Promise<void>
}

interface RunParts {
  readonly store: Store
  readonly emit: (event: StudioEvent) => void
  readonly now: () => string
  readonly clock: () => number
  readonly claim: (name: string) => Promise<(() => void) | null>
  readonly storeEveryMs?: number | undefined
}

const STORE_EVERY_MS = 1000

export function createRuns({ store, emit, now, clock, claim, storeEveryMs = STORE_EVERY_MS }: RunParts): Runs {
  const atWork = new Map<string, RunWriter>()
  const claimRun = (runId: string): Promise<(() => void) | null> => claim(`hone-run-${runId}`)

  const detailOf = async (runId: string): Promise<DetailFile> => atWork.get(runId)?.detail ?? readDetailFile(store, runId)

  /** Whether another tab is working on the run. */
  async function isElsewhere(runId: string): Promise<boolean> {
    if (atWork.has(runId)) return false
    const release = await claimRun(runId)
    release?.()
    return release === null
  }

  return {
    async open(record, onFull = () => undefined) {
      const runId = record.run_id
      const release = await claimRun(runId)
      try {
        await store.runs.put(record)
      } catch (error) {
        release?.()
        throw error
      }
      // A resumed run keeps what it had measured before.
      const writer = new RunWriter(record, await detailOf(runId), { store, clock, storeEveryMs, onFull })
      atWork.set(runId, writer)
      return createRunRecorder(writer, emit, () => {
        atWork.delete(runId)
        release?.()
      })
    },

    async whyBusy(runId) {
      if (atWork.has(runId)) return 'This run is at work.'
      return (await isElsewhere(runId)) ? 'This run is at work in another tab.' : null
    },

    list: async () => (await store.runs.list()).records,

    async detail(runId) {
      await atWork.get(runId)?.settle()
      const run = await store.runs.get(runId)
      if (!run) return refuse('unknown-run', `There is no run ${runId}; it may have been removed.`)
      const { exam, probe } = await detailOf(runId)
      const [metrics, story] = await Promise.all([store.metrics.of(runId), storyResultOf(run, store)])
      const elsewhere = isUnderWay(run) && (await isElsewhere(runId))
      return accept({ run, metrics, metricMeanings: metricMeaningsOf(run), exam, story, probe, ...(elsewhere ? { elsewhere } : {}) })
    },

    async remove(runId) {
      if (atWork.has(runId)) return refuse('at-work', 'This run is at work: cancel it first.')
      if (await isElsewhere(runId)) return refuse('at-work', 'This run is at work in another tab: cancel it there first.')
      const run = await store.runs.get(runId).catch(() => null)
      await store.removeRun(runId)
      if (run) await store.evaluations.remove(...run.evaluations)
      return accept(null)
    },

    recover: () => markInterruptedRuns({ store, now, isAtWork: (runId) => atWork.has(runId), claimRun }),
  }
}
