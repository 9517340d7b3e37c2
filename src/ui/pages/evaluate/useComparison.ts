/** Which two results are compared: those the address names, else the baseline and the newest that may be compared with it. */
import { useMemo } from 'react'
import type { EvaluationRecord } from '../../../records/evaluation'
import { defaultBaseline, leaderboard, type LeaderboardRow } from '../../evaluation/leaderboardRows'
import type { EvaluateUrl } from './evaluateUrl'

export interface Comparison {
  readonly rows: readonly LeaderboardRow[]
  readonly before: LeaderboardRow | null
  readonly after: LeaderboardRow | null
  /** Calls counted; Infinity counts all. */
  readonly budget: number
}

/** @param ofRun the exams of the run that the address names, in order. */
export function useComparison(
  records: readonly EvaluationRecord[],
  url: Pick<EvaluateUrl, 'before' | 'after' | 'budget'>,
  ofRun: readonly string[],
): Comparison {
  const named = (id: string | undefined): EvaluationRecord | undefined => records.find((one) => one.evaluation_id === id)
  const baseline = named(url.before) ?? (ofRun.length > 1 ? named(ofRun[0]) : undefined) ?? defaultBaseline(records)
  const budget = url.budget === 0 ? Infinity : url.budget
  const rows = useMemo(() => (baseline ? leaderboard(records, baseline, budget) : []), [records, baseline, budget])
  const before = rows.find((row) => row.record.evaluation_id === baseline?.evaluation_id) ?? null
  const others = rows.filter((row) => row !== before)
  const newestFirst = others
    .filter((row) => row.notComparable.length === 0)
    .sort((a, b) => (a.record.created_at < b.record.created_at ? 1 : -1))
  const after =
    others.find((row) => row.record.evaluation_id === url.after) ??
    others.find((row) => row.record.evaluation_id === ofRun.at(-1)) ??
    newestFirst[0] ??
    null
  return { rows, before, after, budget }
}
