/** Rates with intervals, and paired comparisons, over evaluation rows; the arithmetic is `base/stats`. */
import { createRng } from '../../base/random'
import { bootstrapMean, mcnemarExact, pairedDifference, pairedPermutation, pairedTable, wilson } from '../../base/stats'
import type { EvaluationRow } from '../../records/evaluation'
import type { RateWithInterval } from '../../worker/protocol'

export function rateOf(passed: number, n: number): RateWithInterval {
  // A sum of fractions may end a rounding error above n.
  const { low, high } = wilson(Math.min(passed, n), n)
  return { n, passed, rate: n === 0 ? 0 : passed / n, interval: [low, high] }
}

const SCORE = { solved: 1, unsure: 0.5, unsolved: 0 } as const

/** One number per query: what the exam says when only `budget` calls count. A status reached later counts as unsolved. */
export interface QueryScore {
  readonly query_id: string
  readonly group: string
  /** Share of the repeats that passed (Solved). */
  readonly passed: number
  /** Solved 1, Unsure ½, Unsolved 0, averaged over repeats. */
  readonly score: number
  readonly calls: number
  /** null where the result does not say what fewer calls would have recalled. */
  readonly recall: number | null
  readonly repeats: number
  readonly trajectory_id: string
}

const recallWithin = (row: EvaluationRow, budget: number): number | null =>
  row.calls <= budget ? row.recall : (row.recall_by_calls?.[budget] ?? null)

export function queryScores(rows: readonly EvaluationRow[], budget: number): QueryScore[] {
  const byQuery = new Map<string, EvaluationRow[]>()
  for (const row of rows) byQuery.set(row.query_id, [...(byQuery.get(row.query_id) ?? []), row])
  return [...byQuery].flatMap(([query_id, repeats]) => {
    const first = repeats[0]
    if (!first) return []
    const n = repeats.length
    const average = (value: (row: EvaluationRow) => number): number => repeats.reduce((total, row) => total + value(row), 0) / n
    const status = (row: EvaluationRow): EvaluationRow['status'] => (row.calls <= budget ? row.status : 'unsolved')
    return [
      {
        query_id,
        group: first.group,
        passed: average((row) => (status(row) === 'solved' ? 1 : 0)),
        score: average((row) => SCORE[status(row)]),
        calls: average((row) => Math.min(row.calls, budget)),
        recall: repeats.some((row) => recallWithin(row, budget) === null) ? null : average((row) => recallWithin(row, budget) ?? 0),
        repeats: n,
        trajectory_id: first.trajectory_id,
      },
    ]
  })
}

/** Pass rate over queries. Repeats of one query are averaged first, so n counts queries, not tries. */
export function passRate(scores: readonly QueryScore[]): RateWithInterval {
  return rateOf(
    scores.reduce((sum, one) => sum + one.passed, 0),
    scores.length,
  )
}

export interface QueryPair {
  readonly query_id: string
  readonly group: string
  readonly before: QueryScore
  readonly after: QueryScore
}
export interface Paired {
  readonly n: number
  readonly difference: number
  readonly interval: readonly [number, number]
  /** How interval and p were made. */
  readonly method: string
  readonly p: number
  readonly test: string
  readonly distinguishable: boolean
  readonly gained: readonly QueryPair[]
  readonly lost: readonly QueryPair[]
  readonly bothPassed: number
  readonly neitherPassed: number
  readonly wins: number
  readonly ties: number
  readonly losses: number
  readonly winRate: RateWithInterval
}

/** Same data, same interval: resampling starts from a fixed seed. */
const SEED = 20260101

/** The same queries under two models. With one try each: Newcombe's interval and McNemar's exact test; with repeats: bootstrap and permutation over queries. */
export function pairedComparison(before: readonly QueryScore[], after: readonly QueryScore[]): Paired {
  const old = new Map(before.map((score) => [score.query_id, score]))
  const pairs: QueryPair[] = after.flatMap((score) => {
    const match = old.get(score.query_id)
    return match ? [{ query_id: score.query_id, group: score.group, before: match, after: score }] : []
  })
  const n = pairs.length
  const single = pairs.every((pair) => pair.before.repeats === 1 && pair.after.repeats === 1)
  const passed = (score: QueryScore): boolean => score.passed > 0.5
  const count = (test: (pair: QueryPair) => boolean): number => pairs.filter(test).length
  const wins = count((pair) => pair.after.score > pair.before.score)
  const losses = count((pair) => pair.after.score < pair.before.score)
  const ties = n - wins - losses
  const compared = single || n === 0 ? singleTry(pairs) : repeatedTries(pairs)
  return {
    n,
    ...compared,
    distinguishable: n > 0 && (compared.interval[0] > 0 || compared.interval[1] < 0),
    gained: pairs.filter((pair) => pair.after.passed > pair.before.passed),
    lost: pairs.filter((pair) => pair.after.passed < pair.before.passed),
    bothPassed: count((pair) => passed(pair.before) && passed(pair.after)),
    neitherPassed: count((pair) => !passed(pair.before) && !passed(pair.after)),
    wins,
    ties,
    losses,
    winRate: rateOf(wins + ties / 2, n),
  }
}

type Compared = Pick<Paired, 'difference' | 'interval' | 'method' | 'p' | 'test'>

function singleTry(pairs: readonly QueryPair[]): Compared {
  const table = pairedTable(
    pairs.map((pair) => pair.after.passed === 1),
    pairs.map((pair) => pair.before.passed === 1),
  )
  const { difference, low, high } = pairedDifference(table)
  return { difference, interval: [low, high], method: 'Newcombe', p: mcnemarExact(table.onlyA, table.onlyB), test: 'McNemar, exact' }
}

function repeatedTries(pairs: readonly QueryPair[]): Compared {
  const differences = pairs.map((pair) => pair.after.passed - pair.before.passed)
  const { mean, low, high } = bootstrapMean(differences, createRng(SEED, 0))
  return {
    difference: mean,
    interval: [low, high],
    method: 'bootstrap over queries',
    p: pairedPermutation(differences, createRng(SEED, 1)),
    test: 'Permutation',
  }
}
