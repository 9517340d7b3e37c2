/** Exam grids as they fill: cells from events, over those of the run's record. */
import { skipToken, useQuery, type QueryClient } from '@tanstack/react-query'
import { useMemo } from 'react'
import type { ExamCell, RunDetail, StudioEvent } from '../../worker/protocol'
import { keys } from './keys'

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

/** `news` over `exam`, query by query. A cell that has no status yet never hides one that has. */
export function withCells(exam: Exam, news: readonly ExamCell[], total: number): Exam {
  const byQuery = new Map(exam.cells.map((cell) => [cell.query_id, cell]))
  for (const cell of news) {
    const known = byQuery.get(cell.query_id)
    if (cell.status !== null || known === undefined || known.status === null) byQuery.set(cell.query_id, cell)
  }
  return { cells: [...byQuery.values()], total: Math.max(exam.total, total, byQuery.size) }
}

export function takeExamCells(client: QueryClient, event: Extract<StudioEvent, { readonly type: 'exam' }>): void {
  client.setQueryDefaults(['exam'], { gcTime: Infinity })
  client.setQueryData<ExamPair>(keys.exam(event.run_id), (pair = NO_EXAMS) => ({
    ...pair,
    [event.phase]: withCells(pair[event.phase], event.cells, event.total),
  }))
}

/** @param detail the run's record, once it is here. */
export function useExam(runId: string, detail: RunDetail | null): ExamPair {
  const streamed = useQuery<ExamPair>({ queryKey: keys.exam(runId), queryFn: skipToken, gcTime: Infinity }).data ?? NO_EXAMS
  return useMemo(() => {
    const recorded = (cells: readonly ExamCell[]): Exam => withCells(NONE, cells, cells.length)
    const { before, after } = detail?.exam ?? { before: [], after: [] }
    return {
      before: withCells(recorded(before), streamed.before.cells, streamed.before.total),
      after: withCells(recorded(after), streamed.after.cells, streamed.after.total),
    }
  }, [detail, streamed])
}
