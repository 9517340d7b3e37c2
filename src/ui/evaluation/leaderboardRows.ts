/** Rows of the leaderboard, and which of them may be compared. */
import { counted } from '../format'
import type { EvaluationRecord } from '../../records/evaluation'
import { filtersInWords } from '../../records/samplingFilters'
import type { RateWithInterval } from '../../worker/protocol'
import type { RateCircumstances } from '../widgets/RateBar'
import { passRate, queryScores, type QueryScore } from './rates'

export interface LeaderboardRow {
  readonly record: EvaluationRecord
  readonly scores: readonly QueryScore[]
  readonly rate: RateWithInterval
  /** null where older results do not say what fewer calls would have recalled. */
  readonly recall: number | null
  readonly meanCalls: number
  readonly copyExact: number | null
  /** Share of queries by calls that count, index = calls. */
  readonly callHistogram: readonly number[]
  /** Why this row may not be compared with the reference; empty when it may. */
  readonly notComparable: readonly string[]
}

/** What makes two results answers to different questions. */
export function comparisonProblems(reference: EvaluationRecord, other: EvaluationRecord): string[] {
  const problems: string[] = []
  if (reference.benchmark !== other.benchmark) problems.push(`benchmark is ${other.benchmark}, not ${reference.benchmark}`)
  if (reference.split !== other.split) problems.push(`split is ${other.split}, not ${reference.split}`)
  if (reference.call_budget !== other.call_budget) problems.push(`call budget is ${other.call_budget}, not ${reference.call_budget}`)
  const [turns, otherTurns] = [reference.model_call_budget ?? null, other.model_call_budget ?? null]
  if (turns !== otherTurns) problems.push(`model calls are limited to ${otherTurns ?? 'no number'}, not ${turns ?? 'no number'}`)
  if (reference.world_hash !== other.world_hash) problems.push('the tool world differs (another hash)')
  if (reference.judge !== other.judge) problems.push(`judge is ${other.judge}, not ${reference.judge}`)
  else if (reference.prompt_hash !== other.prompt_hash) problems.push('the judge’s prompt differs (another hash)')
  const known = new Set(reference.rows.map((row) => row.query_id))
  const asked = new Set(other.rows.map((row) => row.query_id))
  const shared = [...asked].filter((id) => known.has(id)).length
  if (problems.length === 0 && (shared < asked.size || shared < known.size))
    problems.push(
      `only ${shared} of ${counted(Math.max(known.size, asked.size), 'query', 'queries')} ${shared === 1 ? 'is' : 'are'} the same`,
    )
  return problems
}

const average = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length

function callHistogram(record: EvaluationRecord, budget: number): number[] {
  const counted = record.rows.map(({ calls }) => Math.min(calls, budget))
  const most = Math.max(0, ...counted)
  const counts = new Array<number>(most + 1).fill(0)
  for (const calls of counted) counts[calls] = (counts[calls] ?? 0) + 1
  return counts.map((count) => count / Math.max(1, record.rows.length))
}

export function leaderboard(records: readonly EvaluationRecord[], reference: EvaluationRecord, budget: number): LeaderboardRow[] {
  const rows = records.map((record): LeaderboardRow => {
    const scores = queryScores(record.rows, budget)
    const due = record.rows.reduce((sum, row) => sum + row.copy_calls, 0)
    return {
      record,
      scores,
      rate: passRate(scores),
      recall: scores.some(({ recall }) => recall === null) ? null : average(scores.map(({ recall }) => recall ?? 0)),
      meanCalls: average(scores.map((score) => score.calls)),
      copyExact: due === 0 ? null : record.rows.reduce((sum, row) => sum + row.copied_calls, 0) / due,
      callHistogram: callHistogram(record, budget),
      notComparable: record.evaluation_id === reference.evaluation_id ? [] : comparisonProblems(reference, record),
    }
  })
  return rows.sort((a, b) => Number(a.notComparable.length > 0) - Number(b.notComparable.length > 0) || b.rate.rate - a.rate.rate)
}

export function ratesByGroup(scores: readonly QueryScore[]): { readonly group: string; readonly rate: RateWithInterval }[] {
  const groups = new Map<string, QueryScore[]>()
  for (const score of scores) groups.set(score.group, [...(groups.get(score.group) ?? []), score])
  return [...groups].map(([group, list]) => ({ group, rate: passRate(list) })).sort((a, b) => (a.group < b.group ? -1 : 1))
}

/** Pass rate at every budget from 1 to the largest asked for. */
export function successVersusBudget(record: EvaluationRecord): { readonly budget: number; readonly rate: RateWithInterval }[] {
  return Array.from({ length: record.call_budget }, (_, i) => ({ budget: i + 1, rate: passRate(queryScores(record.rows, i + 1)) }))
}

/** What a rate was measured under: with n and the interval it makes the tooltip of every rate. */
export function circumstances(record: EvaluationRecord, budget: number): RateCircumstances {
  const repeats = new Set(record.rows.map((row) => row.repeat)).size
  const drawn = [`temperature ${record.temperature}`, ...filtersInWords(record.sampling)]
  const set = [`${record.benchmark} ${record.split}`, record.strategy, ...drawn, `seed ${record.seed}`]
  if (repeats > 1) set.push(`${repeats} tries a question, averaged`)
  return { set: set.join(' · '), budget: Math.min(budget, record.call_budget), judge: record.judge }
}

export const setKey = ({ benchmark, split }: Pick<EvaluationRecord, 'benchmark' | 'split'>): string => `${benchmark} · ${split}`

/** Query sets present, newest first. */
export function querySets(
  records: readonly EvaluationRecord[],
): { readonly key: string; readonly benchmark: string; readonly split: string; readonly count: number }[] {
  const sets = new Map<string, { key: string; benchmark: string; split: string; count: number; newest: string }>()
  for (const record of records) {
    const key = setKey(record)
    const set = sets.get(key) ?? { key, benchmark: record.benchmark, split: record.split, count: 0, newest: '' }
    sets.set(key, { ...set, count: set.count + 1, newest: record.created_at > set.newest ? record.created_at : set.newest })
  }
  return [...sets.values()].sort((a, b) => (a.newest < b.newest ? 1 : -1))
}

/** The result most others can be compared with; among equals one without an adapter, then the newest. */
export function defaultBaseline(records: readonly EvaluationRecord[]): EvaluationRecord | undefined {
  const comparable = new Map(
    records.map((one) => [one.evaluation_id, records.filter((other) => comparisonProblems(one, other).length === 0).length]),
  )
  const isBase = (one: EvaluationRecord): number => Number(one.model.adapter_sha256 === null)
  return [...records].sort(
    (a, b) =>
      (comparable.get(b.evaluation_id) ?? 0) - (comparable.get(a.evaluation_id) ?? 0) ||
      isBase(b) - isBase(a) ||
      (a.created_at < b.created_at ? 1 : -1),
  )[0]
}
