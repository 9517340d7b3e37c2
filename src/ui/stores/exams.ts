/** Exam grids as they fill: cells by run and phase, from events and from the run's record. */
import { create } from 'zustand'
import type { ExamCell, RunDetail, StudioEvent } from '../../worker/protocol'
import { listenToEvents } from './events'

export interface Exam {
  readonly cells: readonly ExamCell[]
  readonly total: number
}
export interface ExamPair {
  readonly before: Exam
  readonly after: Exam
}
const NONE: Exam = { cells: [], total: 0 }
const NO_EXAMS: ExamPair = { before: NONE, after: NONE }

const useExams = create<Readonly<Record<string, ExamPair>>>(() => ({}))

function merge(exam: Exam, cells: readonly ExamCell[], total: number): Exam {
  const byQuery = new Map(exam.cells.map((cell) => [cell.query_id, cell]))
  for (const cell of cells) byQuery.set(cell.query_id, cell)
  return { cells: [...byQuery.values()], total: Math.max(total, byQuery.size) }
}

function take(events: readonly StudioEvent[]): void {
  const changed: Record<string, ExamPair> = {}
  for (const event of events) {
    if (event.type !== 'exam') continue
    const pair = changed[event.run_id] ?? useExams.getState()[event.run_id] ?? NO_EXAMS
    changed[event.run_id] = { ...pair, [event.phase]: merge(pair[event.phase], event.cells, event.total) }
  }
  if (Object.keys(changed).length > 0) useExams.setState(changed)
}
listenToEvents(take)

export function loadExam(detail: RunDetail): void {
  const runId = detail.run.run_id
  const pair = useExams.getState()[runId] ?? NO_EXAMS
  const { before, after } = detail.exam
  useExams.setState({ [runId]: { before: merge(pair.before, before, before.length), after: merge(pair.after, after, after.length) } })
}

export const useExam = (runId: string): ExamPair => useExams((state) => state[runId] ?? NO_EXAMS)
