/** Pass rate, recall, win rate and their intervals, from trajectories of a benchmark. */
import { pairedDifference, pairedTable, wilson } from '../base/stats'
import type { Benchmark, Scorer, Scores } from '../environments/benchmark'
import type { EvaluationRow } from '../records/evaluation'
import type { AnswerStatus, Trajectory } from '../records/trajectory'
import { commonScorers, scorers } from './scorers'

/** One row per trajectory. Throws when a trajectory's query is not the benchmark's, or a scorer it names does not exist. */
export function evaluateTrajectories(trajectories: readonly Trajectory[], benchmark: Benchmark): EvaluationRow[] {
  const queries = new Map(benchmark.splits.flatMap(({ name }) => benchmark.queries(name).map((query) => [query.query_id, query] as const)))
  const used = [...commonScorers, ...benchmark.scorers.map(scorerNamed)]
  return trajectories.map((trajectory) => {
    const query = queries.get(trajectory.task.query_id)
    if (!query)
      throw new Error(`trajectory ${trajectory.trajectory_id}: query ${trajectory.task.query_id} is not in the benchmark ${benchmark.name}`)
    let scores: Scores = { status: 'unsolved', calls: 0, recall: 1, tokens: 0, copied_calls: 0, copy_calls: 0 }
    for (const score of used) scores = withScores(scores, score(trajectory, query))
    return {
      query_id: trajectory.task.query_id,
      group: query.group,
      repeat: trajectory.sample,
      ...scores,
      trajectory_id: trajectory.trajectory_id,
    }
  })
}

/** Each scorer adds its measures to those before. */
function withScores(scores: Scores, { measures, ...more }: Partial<Scores>): Scores {
  return { ...scores, ...more, ...(measures ? { measures: { ...scores.measures, ...measures } } : {}) }
}

/** Of every measure the mean over the rows that have it. */
export function meanMeasures(rows: readonly Pick<EvaluationRow, 'measures'>[]): Record<string, number> {
  const names = [...new Set(rows.flatMap(({ measures = {} }) => Object.keys(measures)))]
  return Object.fromEntries(
    names.map((name) => {
      const values = rows.flatMap(({ measures }) => measures?.[name] ?? [])
      return [name, values.reduce((sum, value) => sum + value, 0) / values.length]
    }),
  )
}

function scorerNamed(given: string | Scorer): Scorer {
  if (typeof given !== 'string') return given
  const found = Object.entries<Scorer>(scorers).find(([name]) => name === given)?.[1]
  if (!found) throw new RangeError(`There is no scorer ${given}; there is ${Object.keys(scorers).join(', ')}.`)
  return found
}

export interface Rate {
  readonly n: number
  readonly passed: number
  readonly rate: number
  /** 95 % Wilson interval. */
  readonly interval: readonly [number, number]
}

export function rateOf(rows: readonly Pick<EvaluationRow, 'status'>[]): Rate {
  const passed = rows.filter((row) => row.status === 'solved').length
  const { low, high } = wilson(passed, rows.length)
  return { n: rows.length, passed, rate: rows.length === 0 ? 0 : passed / rows.length, interval: [low, high] }
}

/** Rows of both sides that answer the same query and repeat, in the order of `before`. */
function pairRows(before: readonly EvaluationRow[], after: readonly EvaluationRow[]): { before: EvaluationRow; after: EvaluationRow }[] {
  const keyOf = (row: EvaluationRow): string => `${row.query_id}\n${row.repeat}`
  const known = new Map(after.map((row) => [keyOf(row), row]))
  return before.flatMap((row) => {
    const other = known.get(keyOf(row))
    return other ? [{ before: row, after: other }] : []
  })
}

/** after − before in pass rate on the same queries, with a paired 95 % interval (Newcombe 1998, method 10). */
export function compareRates(before: readonly EvaluationRow[], after: readonly EvaluationRow[]) {
  const pairs = pairRows(before, after)
  const table = pairedTable(
    pairs.map((pair) => pair.after.status === 'solved'),
    pairs.map((pair) => pair.before.status === 'solved'),
  )
  const { difference, low, high } = pairedDifference(table)
  return {
    difference,
    interval: [low, high] as const,
    gained: pairs.filter((pair) => pair.after.status === 'solved' && pair.before.status !== 'solved').length,
    lost: pairs.filter((pair) => pair.after.status !== 'solved' && pair.before.status === 'solved').length,
    distinguishable: low > 0 || high < 0,
  }
}

const order: Readonly<Record<AnswerStatus, number>> = { solved: 2, unsure: 1, unsolved: 0 }

/** The win rate of `rows` over `against` on the same queries: the better status wins, and a tie counts ½. The interval is Wilson's on wins + ½ ties. */
export function winRate(rows: readonly EvaluationRow[], against: readonly EvaluationRow[]) {
  let wins = 0
  let ties = 0
  let losses = 0
  for (const pair of pairRows(rows, against)) {
    const difference = order[pair.before.status] - order[pair.after.status]
    if (difference > 0) wins++
    else if (difference === 0) ties++
    else losses++
  }
  const n = wins + ties + losses
  const { low, high } = wilson(wins + ties / 2, n)
  return { wins, ties, losses, rate: n === 0 ? 0.5 : (wins + ties / 2) / n, interval: [low, high] as const }
}
