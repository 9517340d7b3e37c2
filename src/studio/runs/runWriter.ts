/** Stores what a run reports: its metrics, its record and its detail file, one write after another. */
import type { MetricTable, RunRecord } from '../../records/run'
import { isStorageFull } from '../../storage/storageFull'
import { joinMetrics, type Store } from '../../storage/store'
import { writeDetailFile, type DetailFile } from './runDetailFile'

interface WriterParts {
  readonly store: Store
  readonly clock: () => number
  /** The least time between two writes that `soon` begins. */
  readonly storeEveryMs: number
  /** The writer calls this when `soon` finds the storage full. */
  readonly onFull: () => void
}

export class RunWriter {
  record: RunRecord
  detail: DetailFile
  readonly #parts: WriterParts
  #metrics: MetricTable[] = []
  #isRecordStored = true
  #isDetailStored = true
  #lastStored: number
  #storing: Promise<void> = Promise.resolve()
  #failure: unknown = null

  /** @param record and `detail` are stored already. */
  constructor(record: RunRecord, detail: DetailFile, parts: WriterParts) {
    this.record = record
    this.detail = detail
    this.#parts = parts
    this.#lastStored = parts.clock()
  }

  changeRecord(fields: Partial<RunRecord>): void {
    this.record = { ...this.record, ...fields }
    this.#isRecordStored = false
  }

  changeDetail(detail: DetailFile): void {
    this.detail = detail
    this.#isDetailStored = false
  }

  addMetrics(rows: MetricTable): void {
    this.#metrics.push(rows)
  }

  /** Begins a write if the last one is long enough ago. */
  soon(): void {
    const { clock, storeEveryMs, onFull } = this.#parts
    if (clock() - this.#lastStored >= storeEveryMs) this.#enqueue().catch(onFull)
  }

  /** Resolves when everything is stored; rejects when it could not be. */
  async settle(): Promise<void> {
    await this.#enqueue()
    if (this.#failure !== null) throw this.#failure instanceof Error ? this.#failure : new Error('the browser refused to store the run')
  }

  /** Changes the status in the stored record and nothing else: a record of the same length often fits where nothing new does. */
  async storeStatus(): Promise<void> {
    const { store } = this.#parts
    const { run_id, status, pause_reason = null } = this.record
    const stored = await store.runs.get(run_id)
    if (stored) await store.runs.put({ ...stored, status, pause_reason })
  }

  /** Rejects only if storage is full; any other failure surfaces from `settle`. */
  #enqueue(): Promise<void> {
    this.#lastStored = this.#parts.clock()
    const stored = this.#storing
      .then(() => this.#storeAll())
      .catch((error: unknown) => {
        if (isStorageFull(error)) throw error
        this.#failure ??= error
      })
    this.#storing = stored.catch(() => undefined)
    return stored
  }

  async #storeAll(): Promise<void> {
    const { store } = this.#parts
    const runId = this.record.run_id
    const rows = this.#metrics
    let hasMetrics = rows.length > 0
    let [hasRecord, hasDetail] = [!this.#isRecordStored, !this.#isDetailStored]
    this.#metrics = []
    this.#isRecordStored = true
    this.#isDetailStored = true
    try {
      if (hasMetrics) await store.metrics.append(runId, joinMetrics(rows))
      hasMetrics = false
      if (hasRecord) await store.runs.put(this.record)
      hasRecord = false
      if (hasDetail) await writeDetailFile(store, runId, this.detail)
      hasDetail = false
    } catch (error) {
      // The next write tries again what this one did not store.
      if (hasMetrics) this.#metrics = [...rows, ...this.#metrics]
      if (hasRecord) this.#isRecordStored = false
      if (hasDetail) this.#isDetailStored = false
      throw error
    }
  }
}
