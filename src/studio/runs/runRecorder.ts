/** Records a run while it works: the page hears of everything at once, and storage has it within a second. */
import type { MetricTable, RunRecord } from '../../records/run'
import { isStorageFull } from '../../storage/storageFull'
import type { ExamCell, RunDetail, StudioEvent } from '../../worker/protocol'
import { withCells, type DetailFile } from './runDetailFile'
import type { RunWriter } from './runWriter'

export interface RunRecorder {
  readonly record: RunRecord
  readonly detail: DetailFile
  change(fields: Partial<RunRecord>): Promise<void>
  /** The run was paused or goes on. Where storage is full, the status is stored without what waits for space. */
  changeStatus(status: 'running' | 'paused', pauseReason: string | null): Promise<void>
  /** @param inPlaceOf how the notes begin that the sentence replaces; absent: none. */
  note(sentence: string, inPlaceOf?: string): void
  /** The tab was frozen, or the machine slept, for so long; the mark comes after the steps reported so far. */
  slept(ms: number): void
  report(step: number, metrics: Readonly<Record<string, number>>): void
  exam(phase: 'before' | 'after', total: number, cells: readonly ExamCell[]): void
  /** Who sits an exam from now on. */
  sits(phase: 'before' | 'after', sitter: string): void
  probe(probe: NonNullable<RunDetail['probe']>): void
  /** Resolves when all of it is stored; rejects when it could not be. */
  settle(): Promise<void>
  close(): Promise<void>
}

/** @param release gives back what was claimed for the run, at `close`. */
export function createRunRecorder(writer: RunWriter, emit: (event: StudioEvent) => void, release: () => void): RunRecorder {
  const { run_id } = writer.record
  return {
    get record() {
      return writer.record
    },
    get detail() {
      return writer.detail
    },
    async change(fields) {
      writer.changeRecord(fields)
      await writer.settle()
    },
    async changeStatus(status, pause_reason) {
      writer.changeRecord({ status, pause_reason })
      try {
        await writer.settle()
      } catch (error) {
        if (!isStorageFull(error)) throw error
        await writer.storeStatus()
      }
    },
    note(sentence, inPlaceOf) {
      const { notes } = writer.record
      if (notes.includes(sentence)) return
      const others = inPlaceOf === undefined ? notes : notes.filter((note) => !note.startsWith(inPlaceOf))
      writer.changeRecord({ notes: [...others, sentence] })
      writer.soon()
    },
    slept(ms) {
      const { steps_done: after_step, slept = [] } = writer.record
      writer.changeRecord({ slept: [...slept, { after_step, ms }] })
      emit({ type: 'slept', run_id, after_step, ms })
      writer.soon()
    },
    report(step, metrics) {
      const rows = metricRow(step, metrics)
      writer.changeRecord({ steps_done: Math.max(writer.record.steps_done, step + 1) })
      writer.addMetrics(rows)
      emit({ type: 'metrics', run_id, rows })
      writer.soon()
    },
    exam(phase, total, cells) {
      writer.changeDetail(withCells(writer.detail, phase, cells))
      emit({ type: 'exam', run_id, phase, total, cells })
      writer.soon()
    },
    sits(phase, sitter) {
      writer.changeDetail({ ...writer.detail, sitters: { ...writer.detail.sitters, [phase]: sitter } })
    },
    probe(probe) {
      writer.changeDetail({ ...writer.detail, probe })
    },
    settle: () => writer.settle(),
    async close() {
      try {
        await writer.settle()
      } finally {
        release()
      }
    },
  }
}

const metricRow = (step: number, metrics: Readonly<Record<string, number>>): MetricTable => ({
  step: [step],
  columns: Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, [Number.isFinite(value) ? value : null]])),
})
