/** Timing two things fairly on one machine: in turn, A B B A, so that drift and neighbours hit both alike. */
import { createRng } from '../../base/random'
import { bootstrapMean, quantileOfSorted } from '../../base/stats'

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

/** Milliseconds of each run, by turns. */
export async function timePairs(
  ours: Work,
  theirs: Work | null,
  pairs: number,
  now: () => number,
): Promise<{ ours: number[]; theirs: number[] }> {
  const times: { ours: number[]; theirs: number[] } = { ours: [], theirs: [] }
  const time = async (name: keyof typeof times, work: Work): Promise<void> => {
    const started = now()
    await work()
    times[name].push(now() - started)
  }
  for (let pair = 0; pair < pairs; pair++) {
    const turn = [() => time('ours', ours), ...(theirs ? [() => time('theirs', theirs)] : [])]
    for (const one of pair % 2 === 0 ? turn : turn.reverse()) await one()
  }
  return times
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
