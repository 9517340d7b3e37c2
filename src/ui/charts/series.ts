/** Pure functions between metrics and what a chart draws: thinning, smoothing, rows. */
import { decimate } from '../../base/decimate'

export interface Series {
  readonly name: string
  readonly x: readonly number[]
  readonly y: readonly (number | null)[]
  readonly colour?: string
}

/** Steps as people count them, and as jobs, alarms and checkpoints say them: the first is 1. Metrics are stored from 0. */
export const fromOne = (steps: readonly number[]): number[] => steps.map((step) => step + 1)

/** Bias-corrected exponential moving average; `weight` 0 is none, 0.99 is heavy. Gaps stay gaps. */
export function smoothed(y: readonly (number | null)[], weight: number): (number | null)[] {
  if (weight <= 0) return [...y]
  let sum = 0
  let norm = 0
  return y.map((value) => {
    if (value === null || !Number.isFinite(value)) return null
    sum = sum * weight + (1 - weight) * value
    norm = norm * weight + (1 - weight)
    return sum / norm
  })
}

export type Row = Record<string, number | null>

/** Rows for Recharts: `x`, `y0` … and, when smoothed, the raw line as `r0` …. */
export function chartRows(
  series: readonly Series[],
  options: { readonly limit: number; readonly smoothing: number; readonly log: boolean },
): { readonly rows: readonly Row[]; readonly thinnedFrom: number | null } {
  const byX = new Map<number, Row>()
  let thinnedFrom: number | null = null
  const drawable = (value: number | null | undefined): number | null =>
    value === null || value === undefined || !Number.isFinite(value) || (options.log && value <= 0) ? null : value
  series.forEach((line, position) => {
    const smooth = smoothed(line.y, options.smoothing)
    const kept = decimate(line.x, line.y, options.limit)
    if (line.y.length > options.limit) thinnedFrom = Math.max(thinnedFrom ?? 0, line.y.length)
    for (const index of kept) {
      const x = line.x[index]
      if (x === undefined) continue
      const row = byX.get(x) ?? { x }
      row[`y${position}`] = drawable(smooth[index])
      if (options.smoothing > 0) row[`r${position}`] = drawable(line.y[index])
      byX.set(x, row)
    }
  })
  return { rows: [...byX.values()].sort((a, b) => (a.x ?? 0) - (b.x ?? 0)), thinnedFrom }
}

const MOST_TICK_DIGITS = 8
/** Values that differ by less, as a share of their size, differ by the rounding of 32-bit floats: the axis does not enlarge it. */
const LEAST_SPAN = 2e-6
/** Significant digits that tell the ticks of what is drawn apart: a value that hardly moves needs more of them. */
export function tickDigits(rows: readonly Row[]): number {
  const { low, high } = extentOf(rows)
  if (!(high > low)) return 2
  const size = Math.max(Math.abs(low), Math.abs(high))
  const span = Math.max(high - low, LEAST_SPAN * size)
  return Math.min(MOST_TICK_DIGITS, Math.max(2, 1 + Math.ceil(Math.log10(size / span))))
}

function extentOf(rows: readonly Row[]): { readonly low: number; readonly high: number } {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const row of rows)
    for (const [key, value] of Object.entries(row))
      if (key !== 'x' && value !== null) {
        low = Math.min(low, value)
        high = Math.max(high, value)
      }
  return { low, high }
}

/** Ends of the value axis; null: as the data has them. */
export function valueDomain(rows: readonly Row[]): readonly [number, number] | null {
  if (isAllZero(rows)) return [0, 1]
  const { low, high } = extentOf(rows)
  const least = LEAST_SPAN * Math.max(Math.abs(low), Math.abs(high))
  const middle = (low + high) / 2
  return high > low && high - low < least ? [middle - least / 2, middle + least / 2] : null
}

/** Nothing but zeros: a share that never left 0, say, whose axis would else count to 3. */
function isAllZero(rows: readonly Row[]): boolean {
  return rows.every((row) => Object.entries(row).every(([key, value]) => key === 'x' || value === null || value === 0))
}

/** One sentence for those who do not see the chart. */
export function seriesSummary(series: readonly Series[], format: (value: number) => string): string {
  return series
    .map((line) => {
      const known = line.y.flatMap((value, index) => (value === null || !Number.isFinite(value) ? [] : [{ value, x: line.x[index] ?? 0 }]))
      const first = known[0]
      const last = known.at(-1)
      return first && last
        ? `${line.name}: ${format(first.value)} at ${first.x}, ${format(last.value)} at ${last.x}.`
        : `${line.name}: no values yet.`
    })
    .join(' ')
}
