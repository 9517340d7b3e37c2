/** Runs: their records, metrics, evaluation grids and probes; and what becomes of a run whose tab was closed. */
import type { RunRecord } from '../../records/run'
import { isStorageFull } from '../../storage/storageFull'
import type { Store } from '../../storage/store'
import type { Reply, RunDetail, StudioEvent } from '../../worker/protocol'
import { accept, refuse } from '../failure'
import { isUnderWay, markInterruptedRuns } from './interruptedRuns'
import type { StudioParts } from '../parts'
import { metricMeaningsOf } from './metricMeanings'
import { createRunClaims } from './runClaims'
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
  readonly claim: StudioParts['claim']
  readonly interrupted?: string | undefined
  readonly storeEveryMs?: number | undefined
}

const STORE_EVERY_MS = 1000

export function createRuns({ store, emit, now, clock, claim, storeEveryMs = STORE_EVERY_MS, interrupted }: RunParts): Runs {
  const atWork = new Map<string, RunWriter>()
  const claims = createRunClaims(claim, store)

  const detailOf = async (runId: string): Promise<DetailFile> => atWork.get(runId)?.detail ?? readDetailFile(store, runId)
  const ownerElsewhere = async (runId: string): Promise<string | null> => (atWork.has(runId) ? null : claims.ownerElsewhere(runId))

  return {
    async open(first, onFull = () => undefined) {
      const runId = first.run_id
      const claimed = await claims.claim(runId)
      if (!claimed.ok) throw new Error(`This run is at work ${claimed.owner}.`)
      try {
        const record = { ...first, notes: [...new Set([...first.notes, ...(await claims.newsOf(runId))])] }
        await store.runs.put(record)
        // A resumed run keeps what it had measured before.
        const writer = new RunWriter(record, await detailOf(runId), { store, clock, storeEveryMs, onFull })
        atWork.set(runId, writer)
        return createRunRecorder(writer, emit, () => {
          atWork.delete(runId)
          claimed.release()
        })
      } catch (error) {
        claimed.release()
        throw error
      }
    },

    async whyBusy(runId) {
      if (atWork.has(runId)) return 'This run is at work.'
      const owner = await ownerElsewhere(runId)
      return owner === null ? null : `This run is at work ${owner}.`
    },

    list: async () => (await store.runs.list()).records,

    async detail(runId) {
      const writer = atWork.get(runId)
      // In a full storage the record cannot be written, but it can be shown.
      await writer?.settle().catch((error: unknown) => {
        if (!isStorageFull(error)) throw error
      })
      const run = writer?.record ?? (await withDamage(store, runId))
      if (!run) return refuse('unknown-run', `There is no run ${runId}; it may have been removed.`)
      const { exam, probe } = await detailOf(runId)
      const [metrics, story] = await Promise.all([store.metrics.of(runId), storyResultOf(run, store)])
      const elsewhere = isUnderWay(run) ? await ownerElsewhere(runId) : null
      return accept({
        run,
        metrics,
        metricMeanings: metricMeaningsOf(run),
        exam,
        story,
        probe,
        ...(elsewhere === null ? {} : { elsewhere }),
      })
    },

    async remove(runId) {
      if (atWork.has(runId)) return refuse('at-work', 'This run is at work: cancel it first.')
      const owner = await ownerElsewhere(runId)
      if (owner !== null) return refuse('at-work', `This run is at work ${owner}: cancel it there first.`)
      const run = await store.runs.get(runId).catch(() => null)
      await store.removeRun(runId)
      if (run) await store.evaluations.remove(...run.evaluations)
      return accept(null)
    },

    recover: () => markInterruptedRuns({ store, now, reason: interrupted, atWork, claims }),
  }
}

/** The record, with a note for each file of the run's folder that is damaged. */
async function withDamage({ runs, folders }: Store, runId: string): Promise<RunRecord | null> {
  const stored = await runs.get(runId)
  const damage = (await folders?.damage(runId)) ?? []
  return stored && { ...stored, notes: [...new Set([...stored.notes, ...damage])] }
}
