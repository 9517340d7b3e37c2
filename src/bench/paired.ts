/** Timing two things fairly on one machine: in turn, A B B A, so that drift and neighbours hit both alike. */
import { createRng } from '../base/random'
import { bootstrapMean, quantileOfSorted } from '../base/stats'

/** One line of a benchmark. `ratio` above 1: ours is better. */
export interface BenchRow {
  readonly name: string
  readonly peer: string | null
  readonly ours: number
  readonly theirs: number | null
  readonly ratio: number | null
  readonly unit: string
  /** 95 % of the mean ratio over adjacent pairs. */
  readonly interval?: readonly [number, number]
  readonly pairs?: number
}

export type Work = () => Promise<void>

/**
 * Milliseconds of each run of several things by turns: A B C, C B A, … A run may give its own time (when only a part of it counts).
 */
export async function timeTurns(
  works: Readonly<Record<string, () => Promise<number | undefined>>>,
  turns: number,
  now: () => number,
): Promise<(name: string) => readonly number[]> {
  const entries = Object.entries(works)
  const times = new Map<string, number[]>(entries.map(([name]) => [name, []]))
  for (let turn = 0; turn < turns; turn++)
    for (const [name, work] of turn % 2 === 0 ? entries : [...entries].reverse()) {
      const started = now()
      const own = await work()
      times.get(name)?.push(own ?? now() - started)
    }
  return (name) => times.get(name) ?? []
}

/** Milliseconds of each run, by turns. */
export async function timePairs(
  ours: Work,
  theirs: Work | null,
  pairs: number,
  now: () => number,
): Promise<{ ours: readonly number[]; theirs: readonly number[] }> {
  const whole = (work: Work) => async () => {
    await work()
    return undefined
  }
  const times = await timeTurns({ ours: whole(ours), ...(theirs ? { theirs: whole(theirs) } : {}) }, pairs, now)
  return { ours: times('ours'), theirs: times('theirs') }
}

export function median(values: readonly number[]): number {
  return quantileOfSorted(
    [...values].sort((a, b) => a - b),
    0.5,
  )
}

/** A rate out of times: `amount` of `unit` per run, medians; the ratio is the geometric mean over pairs. */
export function rateRow(
  name: string,
  unit: string,
  amount: number,
  peer: string,
  times: { ours: readonly number[]; theirs: readonly number[] },
): BenchRow {
  const rate = (ms: readonly number[]): number => (amount / median(ms)) * 1000
  if (times.theirs.length === 0)
    return { name, peer: null, ours: rate(times.ours), theirs: null, ratio: null, unit, pairs: times.ours.length }
  const logs = times.ours.map((ms, pair) => Math.log((times.theirs[pair] ?? Number.NaN) / ms))
  const { mean, low, high } = bootstrapMean(logs, createRng(1))
  return {
    name,
    peer,
    ours: rate(times.ours),
    theirs: rate(times.theirs),
    ratio: Math.exp(mean),
    unit,
    interval: [Math.exp(low), Math.exp(high)],
    pairs: logs.length,
  }
}
