/** Runs: the record, its metrics as they come, its exam grids and probe; and what became of runs whose tab died. */
import { z } from 'zod'
import type { MetricTable, RunRecord } from '../../records/run'
import { answerStatus } from '../../records/trajectory'
import { isStorageFull } from '../../storage/storageFull'
import { joinMetrics, type Store } from '../../storage/store'
import type { ExamCell, Reply, RunDetail, StoryResult, StudioEvent } from '../../worker/protocol'
import { accept, refuse } from '../failure'

const cells = z.array(
  z.object({
    query_id: z.string(),
    group: z.string(),
    text: z.string(),
    status: answerStatus.nullable(),
    calls: z.int(),
    trajectory_id: z.string().nullable(),
  }),
)
/** What a run keeps beside its record, in one small file. */
const sideSchema = z.object({
  exam: z.object({ before: cells, after: cells }),
  probe: z.object({ before: z.array(z.number()), after: z.array(z.number()).nullable() }).nullable(),
})
interface Side {
  readonly exam: { readonly before: readonly ExamCell[]; readonly after: readonly ExamCell[] }
  readonly probe: RunDetail['probe']
}
const NO_SIDE: Side = { exam: { before: [], after: [] }, probe: null }
const sideName = (runId: string): string => `runs/${runId}/detail.json`

/** A run at work, and what it leaves. Everything given is told to the page at once and stored within a second. */
export interface RunRecorder {
  readonly record: RunRecord
  change(fields: Partial<RunRecord>): Promise<void>
  note(sentence: string): void
  /** The tab was frozen, or the machine slept, for so long: marked after the steps reported so far. */
  slept(ms: number): void
  report(step: number, metrics: Readonly<Record<string, number>>): void
  exam(phase: 'before' | 'after', total: number, cells: readonly ExamCell[]): void
  probe(probe: NonNullable<RunDetail['probe']>): void
  /** Resolves when all of it is stored; rejects when it could not be. */
  settle(): Promise<void>
  close(): Promise<void>
}

export interface Runs {
  /** `onFull` is called when storage is full; the write is tried again at the next `settle`. */
  open(record: RunRecord, onFull?: () => void): Promise<RunRecorder>
  /** Why a run may not be taken up now; null when it may. */
  heldBy(runId: string): Promise<string | null>
  list(): Promise<readonly RunRecord[]>
  detail(runId: string): Promise<Reply<RunDetail>>
  remove(runId: string): Promise<Reply<null>>
  /** Runs that were at work when their tab ended become failed ones, with what was kept. Runs of other tabs are left alone. */
  recover(): Promise<void>
}

interface RunParts {
  readonly store: Store
  readonly emit: (event: StudioEvent) => void
  readonly now: () => string
  readonly clock: () => number
  readonly claim: (name: string) => Promise<(() => void) | null>
  readonly meaningsOf: (run: RunRecord) => Readonly<Record<string, string>>
  readonly storyOf: (run: RunRecord) => Promise<StoryResult | null>
  readonly storeEveryMs?: number | undefined
}

const STORE_EVERY_MS = 1000

const goesOn = ({ checkpoint }: RunRecord): string => (checkpoint ? ` It can go on after step ${checkpoint.step} of ${checkpoint.of}.` : '')

export function createRuns(parts: RunParts): Runs {
  const { store, emit, now, clock, storeEveryMs = STORE_EVERY_MS } = parts
  const atWork = new Map<string, { readonly side: () => Side; readonly settle: () => Promise<void> }>()

  async function sideOf(runId: string): Promise<Side> {
    const live = atWork.get(runId)
    if (live) return live.side()
    const bytes = await store.readBlob(sideName(runId)).catch(() => null)
    if (!bytes) return NO_SIDE
    try {
      return sideSchema.parse(JSON.parse(new TextDecoder().decode(bytes)))
    } catch {
      return NO_SIDE
    }
  }

  /** Another tab holds the run's lock. */
  async function isElsewhere(runId: string): Promise<boolean> {
    if (atWork.has(runId)) return false
    const release = await parts.claim(`hone-run-${runId}`)
    release?.()
    return release === null
  }

  return {
    async open(first, onFull = () => undefined) {
      const runId = first.run_id
      const release = await parts.claim(`hone-run-${runId}`)
      let record = first
      let side: Side = NO_SIDE
      let pending: MetricTable[] = []
      let isSideStored = true
      let isRecordStored = true
      let lastStored = clock()
      let storing: Promise<void> = store.runs.put(record)
      let failure: unknown = null
      try {
        await storing
      } catch (error) {
        release?.()
        throw error
      }
      // What a run that goes on had measured before.
      side = await sideOf(runId)

      async function storeAll(): Promise<void> {
        const rows = pending
        pending = []
        const putRecord = !isRecordStored
        const putSide = !isSideStored
        isRecordStored = true
        isSideStored = true
        let hasMetrics = rows.length > 0
        let [hasRecord, hasSide] = [putRecord, putSide]
        try {
          if (hasMetrics) await store.metrics.append(runId, joinMetrics(rows))
          hasMetrics = false
          if (hasRecord) await store.runs.put(record)
          hasRecord = false
          if (hasSide) await store.writeBlob(sideName(runId), new TextEncoder().encode(JSON.stringify(side)))
          hasSide = false
        } catch (error) {
          // What was not stored is tried again.
          if (hasMetrics) pending = [...rows, ...pending]
          if (hasRecord) isRecordStored = false
          if (hasSide) isSideStored = false
          throw error
        }
      }
      /** Rejects only if storage is full; any other failure surfaces from `settle`. */
      function enqueue(): Promise<void> {
        lastStored = clock()
        const stored = storing.then(storeAll).catch((error: unknown) => {
          if (isStorageFull(error)) throw error
          failure ??= error
        })
        storing = stored.catch(() => undefined)
        return stored
      }
      function soon(): void {
        if (clock() - lastStored >= storeEveryMs) enqueue().catch(onFull)
      }
      async function settle(): Promise<void> {
        await enqueue()
        if (failure !== null) throw failure instanceof Error ? failure : new Error('the browser refused to store the run')
      }
      atWork.set(runId, { side: () => side, settle })
      return {
        get record() {
          return record
        },
        async change(fields) {
          record = { ...record, ...fields }
          isRecordStored = false
          await settle()
        },
        note(sentence) {
          if (record.notes.includes(sentence)) return
          record = { ...record, notes: [...record.notes, sentence] }
          isRecordStored = false
          soon()
        },
        slept(ms) {
          const after_step = record.steps_done
          record = { ...record, slept: [...(record.slept ?? []), { after_step, ms }] }
          isRecordStored = false
          emit({ type: 'slept', run_id: runId, after_step, ms })
          soon()
        },
        report(step, metrics) {
          const rows: MetricTable = {
            step: [step],
            columns: Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, [Number.isFinite(value) ? value : null]])),
          }
          record = { ...record, steps_done: Math.max(record.steps_done, step + 1) }
          isRecordStored = false
          pending.push(rows)
          emit({ type: 'metrics', run_id: runId, rows })
          soon()
        },
        exam(phase, total, changed) {
          const byQuery = new Map(side.exam[phase].map((cell) => [cell.query_id, cell]))
          for (const cell of changed) byQuery.set(cell.query_id, cell)
          side = { ...side, exam: { ...side.exam, [phase]: [...byQuery.values()] } }
          isSideStored = false
          emit({ type: 'exam', run_id: runId, phase, total, cells: changed })
          soon()
        },
        probe(probe) {
          side = { ...side, probe }
          isSideStored = false
        },
        settle,
        async close() {
          try {
            await settle()
          } finally {
            atWork.delete(runId)
            release?.()
          }
        },
      }
    },

    async heldBy(runId) {
      if (atWork.has(runId)) return 'This run is at work.'
      return (await isElsewhere(runId)) ? 'This run is at work in another tab.' : null
    },

    list: async () => (await store.runs.list()).records,

    async detail(runId) {
      await atWork.get(runId)?.settle()
      const run = await store.runs.get(runId)
      if (!run) return refuse('unknown-run', `There is no run ${runId}; it may have been removed.`)
      const { exam, probe } = await sideOf(runId)
      const [metrics, story] = await Promise.all([store.metrics.of(runId), parts.storyOf(run)])
      const isUnderWay = run.status === 'running' || run.status === 'paused'
      const elsewhere = isUnderWay && (await isElsewhere(runId))
      return accept({ run, metrics, metricMeanings: parts.meaningsOf(run), exam, story, probe, ...(elsewhere ? { elsewhere } : {}) })
    },

    async remove(runId) {
      if (atWork.has(runId)) return refuse('at-work', 'This run is at work: cancel it first.')
      if (await isElsewhere(runId)) return refuse('at-work', 'This run is at work in another tab: cancel it there first.')
      const run = await store.runs.get(runId).catch(() => null)
      await store.removeRun(runId)
      if (run) await store.evaluations.remove(...run.evaluations)
      return accept(null)
    },

    async recover() {
      for (const run of (await store.runs.list()).records) {
        if ((run.status !== 'running' && run.status !== 'paused') || atWork.has(run.run_id)) continue
        const release = await parts.claim(`hone-run-${run.run_id}`)
        if (!release) continue
        const kept =
          run.steps_done > 0
            ? `${run.steps_done} ${run.steps_done === 1 ? 'step, its' : 'steps, their'} metrics and every trajectory are kept.`
            : 'What it had measured is kept.'
        const ended: RunRecord = {
          ...run,
          status: 'failed',
          finished_at: now(),
          error: `The tab was closed or reloaded while this run was at work. ${kept}${goesOn(run)}`,
        }
        try {
          await store.runs.put(ended)
        } catch (error) {
          // Hone opens all the same, so that room can be made; the next start says it.
          if (!isStorageFull(error)) throw error
        } finally {
          release()
        }
      }
    },
  }
}
