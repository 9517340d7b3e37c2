/** Rates with intervals, and paired comparisons, as plain arithmetic over evaluation rows. */
import type { EvaluationRow } from '../../records/evaluation'

/** 97.5 % point of the normal distribution. */
const Z = 1.959963984540054

/** 95 % Wilson score interval. `passed` may be fractional (averages over repeats). */
export function wilsonInterval(passed: number, n: number): [number, number] {
  if (n === 0) return [0, 1]
  const rate = passed / n
  const z2n = (Z * Z) / n
  const centre = (rate + z2n / 2) / (1 + z2n)
  const half = (Z / (1 + z2n)) * Math.sqrt((rate * (1 - rate)) / n + z2n / (4 * n))
  // At the ends the bound is exact; rounding must not leave a gap.
  return [passed <= 0 ? 0 : Math.max(0, centre - half), passed >= n ? 1 : Math.min(1, centre + half)]
}

export interface Rate {
  readonly n: number
  readonly passed: number
  readonly rate: number
  readonly interval: readonly [number, number]
}

export function rateOf(passed: number, n: number): Rate {
  return { n, passed, rate: n === 0 ? 0 : passed / n, interval: wilsonInterval(passed, n) }
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
  readonly recall: number
  readonly repeats: number
  readonly trajectory_id: string
}

export function queryScores(rows: readonly EvaluationRow[], budget: number): QueryScore[] {
  const byQuery = new Map<string, EvaluationRow[]>()
  for (const row of rows) byQuery.set(row.query_id, [...(byQuery.get(row.query_id) ?? []), row])
  return [...byQuery].map(([query_id, repeats]) => {
    const n = repeats.length
    const sum = (value: (row: EvaluationRow) => number): number => repeats.reduce((total, row) => total + value(row), 0)
    const first = repeats[0] as EvaluationRow
    const status = (row: EvaluationRow): EvaluationRow['status'] => (row.calls <= budget ? row.status : 'unsolved')
    return {
      query_id,
      group: first.group,
      passed: sum((row) => (status(row) === 'solved' ? 1 : 0)) / n,
      score: sum((row) => SCORE[status(row)]) / n,
      calls: sum((row) => Math.min(row.calls, budget)) / n,
      recall: sum((row) => row.recall) / n,
      repeats: n,
      trajectory_id: first.trajectory_id,
    }
  })
}

/** Pass rate over queries. Repeats of one query are averaged first, so n counts queries, not tries. */
export function passRate(scores: readonly QueryScore[]): Rate {
  return rateOf(
    scores.reduce((sum, one) => sum + one.passed, 0),
    scores.length,
  )
}

export interface Paired {
  readonly n: number
  readonly difference: number
  readonly interval: readonly [number, number]
  readonly gained: readonly QueryPair[]
  readonly lost: readonly QueryPair[]
  readonly bothPassed: number
  readonly neitherPassed: number
  /** Exact McNemar, two-sided. */
  readonly p: number
  readonly distinguishable: boolean
  readonly wins: number
  readonly ties: number
  readonly losses: number
  readonly winRate: Rate
}
export interface QueryPair {
  readonly query_id: string
  readonly group: string
  readonly before: QueryScore
  readonly after: QueryScore
}

/** P(X ≤ k or X ≥ n − k) for n fair coins, k the smaller side. */
export function mcnemarExact(gained: number, lost: number): number {
  const n = gained + lost
  if (n === 0) return 1
  const k = Math.min(gained, lost)
  let term = Math.pow(0.5, n)
  let sum = 0
  for (let i = 0; i <= k; i++) {
    sum += term
    term = (term * (n - i)) / (i + 1)
  }
  return Math.min(1, 2 * sum)
}

/**
 * The same queries under two models. Interval: Bonett and Price (2012), adjusted Wald for paired proportions,
 * sound from a dozen queries up. A win is the better status; a tie counts half.
 */
export function pairedComparison(before: readonly QueryScore[], after: readonly QueryScore[]): Paired {
  const old = new Map(before.map((score) => [score.query_id, score]))
  const pairs: QueryPair[] = after.flatMap((score) => {
    const match = old.get(score.query_id)
    return match ? [{ query_id: score.query_id, group: score.group, before: match, after: score }] : []
  })
  const n = pairs.length
  const gained = pairs.filter((pair) => pair.after.passed > pair.before.passed)
  const lost = pairs.filter((pair) => pair.after.passed < pair.before.passed)
  // With repeats a pair may move by a fraction; the discordant mass is then fractional too.
  const up = gained.reduce((sum, pair) => sum + pair.after.passed - pair.before.passed, 0)
  const down = lost.reduce((sum, pair) => sum + pair.before.passed - pair.after.passed, 0)
  const pUp = (up + 1) / (n + 2)
  const pDown = (down + 1) / (n + 2)
  const half = Z * Math.sqrt((pUp + pDown - (pUp - pDown) ** 2) / (n + 2))
  const interval: [number, number] = n === 0 ? [-1, 1] : [Math.max(-1, pUp - pDown - half), Math.min(1, pUp - pDown + half)]
  const wins = pairs.filter((pair) => pair.after.score > pair.before.score).length
  const losses = pairs.filter((pair) => pair.after.score < pair.before.score).length
  const ties = n - wins - losses
  return {
    n,
    difference: n === 0 ? 0 : (up - down) / n,
    interval,
    gained,
    lost,
    bothPassed: pairs.filter((pair) => pair.before.passed > 0.5 && pair.after.passed > 0.5).length,
    neitherPassed: pairs.filter((pair) => pair.before.passed <= 0.5 && pair.after.passed <= 0.5).length,
    p: mcnemarExact(gained.length, lost.length),
    distinguishable: n > 0 && (interval[0] > 0 || interval[1] < 0),
    wins,
    ties,
    losses,
    winRate: rateOf(wins + ties / 2, n),
  }
}

/** Holm's correction: adjusted p-values in the order given. */
export function holm(ps: readonly number[]): number[] {
  const order = ps.map((p, index) => ({ p, index })).sort((a, b) => a.p - b.p)
  const adjusted = new Array<number>(ps.length).fill(1)
  let floor = 0
  order.forEach(({ p, index }, rank) => {
    floor = Math.max(floor, Math.min(1, p * (ps.length - rank)))
    adjusted[index] = floor
  })
  return adjusted
}
