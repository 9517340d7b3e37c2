/**
 * Intervals and tests for pass rates, win rates and rewards. Randomness is handed in (`createRng(seed)`). The unit of resampling is the query: average a query's repeats before calling, or the intervals
 * come out too narrow. test/golden/stats.py compares them with SciPy.
 */
import type { Rng } from './random'

/** Draws from [0, 1). */
type Uniform = Pick<Rng, 'uniform'>

export interface Interval {
  readonly low: number
  readonly high: number
}

/** NaN when there are no values. */
export function mean(values: readonly number[]): number {
  let sum = 0
  for (const value of values) sum += value
  return sum / values.length
}

/** Sample standard deviation (n − 1). NaN for fewer than two values. */
export function standardDeviation(values: readonly number[]): number {
  if (values.length < 2) return Number.NaN
  const centre = mean(values)
  let sum = 0
  for (const value of values) sum += (value - centre) ** 2
  return Math.sqrt(sum / (values.length - 1))
}

/** Linear between order statistics (NumPy's default, R's type 7). `sorted` ascends. */
export function quantileOfSorted(sorted: ArrayLike<number>, p: number): number {
  const at = (sorted.length - 1) * p
  const below = Math.floor(at)
  const low = sorted[below] ?? Number.NaN
  const high = sorted[Math.min(below + 1, sorted.length - 1)] ?? Number.NaN
  return low + (high - low) * (at - below)
}

function polynomial(x: number, coefficients: readonly number[]): number {
  return coefficients.reduceRight((sum, coefficient) => sum * x + coefficient, 0)
}

// Wichura 1988, AS 241 PPND16: relative error below 1e-15.
const CENTRE = [
  [3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946, 45921.95393154987, 67265.7709270087, 33430.57558358813, 2509.0809287301227],
  [1, 42.31333070160091, 687.1870074920579, 5394.196021424751, 21213.794301586597, 39307.89580009271, 28729.085735721943, 5226.495278852854],
] as const // prettier-ignore
const MIDDLE = [
  [1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045, 1.2704582524523684, 0.2417807251774506, 0.022723844989269184, 0.0007745450142783414],
  [1, 2.053191626637759, 1.6763848301838038, 0.6897673349851, 0.14810397642748008, 0.015198666563616457, 0.0005475938084995345, 1.0507500716444169e-09],
] as const // prettier-ignore
const TAIL = [
  [6.657904643501103, 5.463784911164114, 1.7848265399172913, 0.29656057182850487, 0.026532189526576124, 0.0012426609473880784, 2.7115555687434876e-05, 2.0103343992922881e-07],
  [1, 0.599832206555888, 0.1369298809227358, 0.014875361290850615, 0.0007868691311456133, 1.8463183175100548e-05, 1.421511758316446e-07, 2.0442631033899397e-15],
] as const // prettier-ignore

/** z with Φ(z) = p, for p in (0, 1). */
export function normalQuantile(p: number): number {
  if (!(p > 0 && p < 1)) throw new RangeError(`a probability between 0 and 1 is needed, found ${p}`)
  const q = p - 0.5
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q
    return (q * polynomial(r, CENTRE[0])) / polynomial(r, CENTRE[1])
  }
  const r = Math.sqrt(-Math.log(q < 0 ? p : 1 - p))
  const z =
    r <= 5 ? polynomial(r - 1.6, MIDDLE[0]) / polynomial(r - 1.6, MIDDLE[1]) : polynomial(r - 5, TAIL[0]) / polynomial(r - 5, TAIL[1])
  return q < 0 ? -z : z
}

function checkCounts(n: number, ...counts: readonly number[]): void {
  for (const k of counts) {
    if (!(k >= 0 && k <= n)) throw new RangeError(`a count between 0 and ${n} is needed, found ${k}`)
  }
}

/**
 * Wilson score interval of a proportion (Wilson 1927; Brown, Cai & DasGupta 2001 recommend it for any n): inside [0, 1] and
 * never empty, also at 0 or n successes. `successes` may be fractional (a tie counts ½). n = 0 gives [0, 1].
 */
export function wilson(successes: number, n: number, confidence = 0.95): Interval {
  checkCounts(n, successes)
  if (n === 0) return { low: 0, high: 1 }
  const z = normalQuantile((1 + confidence) / 2)
  const p = successes / n
  const denominator = 1 + (z * z) / n
  const centre = (p + (z * z) / (2 * n)) / denominator
  const half = (z / denominator) * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n))
  return { low: successes === 0 ? 0 : Math.max(0, centre - half), high: successes === n ? 1 : Math.min(1, centre + half) }
}

/** How two systems did on the same queries. */
export interface PairedTable {
  readonly both: number
  readonly onlyA: number
  readonly onlyB: number
  readonly neither: number
}

/** Throws RangeError when the lists differ in length: a pair is one query. */
export function pairedTable(a: readonly boolean[], b: readonly boolean[]): PairedTable {
  if (a.length !== b.length) throw new RangeError(`pairs are needed, found ${a.length} and ${b.length} outcomes`)
  let both = 0
  let onlyA = 0
  let onlyB = 0
  for (let i = 0; i < a.length; i++) {
    if (a[i] && b[i]) both++
    else if (a[i]) onlyA++
    else if (b[i]) onlyB++
  }
  return { both, onlyA, onlyB, neither: a.length - both - onlyA - onlyB }
}

/**
 * p_A − p_B on the same queries with Newcombe's square-and-add interval (Newcombe 1998, method 10: two Wilson intervals and the
 * φ of the table). It is preferred to the normal interval, which is empty when the systems never differ, and over the bootstrap, which
 * is too; deterministic, and close to nominal coverage from n ≈ 20 on (Fagerland, Lydersen & Laake 2013). For outcomes that are
 * no yes/no (repeats averaged per query, ties at ½) use `bootstrapMean` of the differences. n = 0 gives [−1, 1].
 */
export function pairedDifference(
  { both, onlyA, onlyB, neither }: PairedTable,
  confidence = 0.95,
): Interval & { readonly difference: number } {
  const n = both + onlyA + onlyB + neither
  if (n === 0) return { difference: 0, low: -1, high: 1 }
  const a = both + onlyA
  const b = both + onlyB
  const wilsonA = wilson(a, n, confidence)
  const wilsonB = wilson(b, n, confidence)
  const product = a * (n - a) * b * (n - b)
  const determinant = both * neither - onlyA * onlyB
  const corrected = determinant > 0 ? Math.max(0, determinant - n / 2) : determinant
  const phi = product === 0 ? 0 : corrected / Math.sqrt(product)
  const side = (x: number, y: number): number => Math.sqrt(Math.max(0, x * x - 2 * phi * x * y + y * y))
  const difference = (onlyA - onlyB) / n
  return {
    difference,
    low: Math.max(-1, difference - side(a / n - wilsonA.low, wilsonB.high - b / n)),
    high: Math.min(1, difference + side(wilsonA.high - a / n, b / n - wilsonB.low)),
  }
}

/** McNemar's exact test, two-sided: p = min(1, 2·P(Bin(m, ½) ≤ min(onlyA, onlyB))), m = the queries the systems differ on. */
export function mcnemarExact(onlyA: number, onlyB: number): number {
  const m = onlyA + onlyB
  const k = Math.min(onlyA, onlyB)
  // log C(m, i) − m·ln 2, summed from the largest term down so that nothing underflows early.
  let logTerm = -m * Math.LN2
  const logs = [logTerm]
  for (let i = 1; i <= k; i++) {
    logTerm += Math.log((m - i + 1) / i)
    logs.push(logTerm)
  }
  const sum = logs.reduceRight((total, log) => total + Math.exp(log), 0)
  return Math.min(1, 2 * sum)
}

/** Sign flips are enumerated up to this many non-zero differences, sampled beyond. */
const EXACT_DIFFERENCES = 16

/**
 * Paired permutation test of mean difference 0, two-sided: the share of sign flips whose |mean| is at least the observed one.
 * Exact up to 16 non-zero differences (2^16 flips); else `resamples` random flips and p = (count + 1) / (resamples + 1), so
 * never 0 (Phipson & Smyth 2010).
 */
export function pairedPermutation(differences: readonly number[], rng: Uniform, resamples = 9999): number {
  const moved = differences.filter((d) => d !== 0)
  if (moved.length === 0) return 1
  const scale = moved.reduce((sum, d) => sum + Math.abs(d), 0)
  const observed = Math.abs(moved.reduce((sum, d) => sum + d, 0)) - 1e-12 * scale
  let count = 0
  if (moved.length <= EXACT_DIFFERENCES) {
    const flips = 2 ** moved.length
    for (let mask = 0; mask < flips; mask++) {
      const total = moved.reduce((sum, d, i) => sum + (((mask >> i) & 1) === 1 ? -d : d), 0)
      if (Math.abs(total) >= observed) count++
    }
    return count / flips
  }
  for (let r = 0; r < resamples; r++) {
    let total = 0
    for (const d of moved) total += rng.uniform() < 0.5 ? -d : d
    if (Math.abs(total) >= observed) count++
  }
  return (count + 1) / (resamples + 1)
}

/**
 * Bootstrap percentile interval of a mean (Efron 1979). For a paired comparison pass the per-query differences a − b.
 * One value gives an interval of no width; none gives NaN.
 */
export function bootstrapMean(
  values: readonly number[],
  rng: Uniform,
  { confidence = 0.95, resamples = 4000 }: { readonly confidence?: number; readonly resamples?: number } = {},
): Interval & { readonly mean: number } {
  const n = values.length
  if (n === 0) return { mean: Number.NaN, low: Number.NaN, high: Number.NaN }
  const means = new Float64Array(resamples)
  for (let r = 0; r < resamples; r++) {
    let sum = 0
    for (let i = 0; i < n; i++) sum += values[Math.floor(rng.uniform() * n)] ?? 0
    means[r] = sum / n
  }
  means.sort()
  return { mean: mean(values), low: quantileOfSorted(means, (1 - confidence) / 2), high: quantileOfSorted(means, (1 + confidence) / 2) }
}

/** Holm's step-down adjustment (1979), in the order given: reject those ≤ α and the family-wise error is ≤ α. */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((p, i) => ({ p, i })).sort((x, y) => x.p - y.p)
  const adjusted = new Array<number>(pValues.length).fill(1)
  let largest = 0
  order.forEach(({ p, i }, rank) => {
    largest = Math.max(largest, Math.min(1, p * (pValues.length - rank)))
    adjusted[i] = largest
  })
  return adjusted
}
