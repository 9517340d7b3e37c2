/**
 * Fewer points for a chart that looks the same: MinMaxLTTB (Van Der Donckt et al. 2023): buckets keep their lowest and highest
 * points, then Largest-Triangle-Three-Buckets (Steinarsson 2013) picks among those. The overall lowest and highest point are
 * always kept, so a spike never disappears.
 */

/** Candidates per point kept; the paper finds 4 enough. */
const CANDIDATES = 4

/**
 * Indexes of the points to draw, ascending: at most `limit` (≥ 4) of those where x and y are finite, the first and the last
 * among them. Missing values are null or NaN. `x` ascends.
 */
export function decimate(x: ArrayLike<number>, y: ArrayLike<number | null>, limit = 1000): number[] {
  if (!(limit >= 4)) throw new RangeError(`at least 4 points are needed, found a limit of ${limit}`)
  const drawn: number[] = []
  for (let i = 0; i < y.length; i++) if (Number.isFinite(y[i]) && Number.isFinite(x[i])) drawn.push(i)
  if (drawn.length <= limit) return drawn

  const valueOf = (i: number): number => y[i] ?? Number.NaN
  let lowest = drawn[0] ?? 0
  let highest = lowest
  for (const i of drawn) {
    if (valueOf(i) < valueOf(lowest)) lowest = i
    if (valueOf(i) > valueOf(highest)) highest = i
  }
  const candidates = drawn.length > limit * CANDIDATES ? minMax(drawn, valueOf, (limit * CANDIDATES) / 2) : drawn
  const kept = new Set(largestTriangles(candidates, (i) => x[i] ?? 0, valueOf, Math.floor(limit) - 2))
  kept.add(lowest).add(highest)
  return [...kept].sort((a, b) => a - b)
}

/** The first and last point, and the lowest and highest of each of `buckets` equal slices between them. */
function minMax(points: readonly number[], valueOf: (i: number) => number, buckets: number): number[] {
  const inner = points.length - 2
  const out = new Set<number>([points[0] ?? 0])
  for (let bucket = 0; bucket < buckets; bucket++) {
    const from = 1 + Math.floor((bucket * inner) / buckets)
    const to = 1 + Math.floor(((bucket + 1) * inner) / buckets)
    let low = points[from] ?? 0
    let high = low
    for (let k = from; k < to; k++) {
      const i = points[k] ?? 0
      if (valueOf(i) < valueOf(low)) low = i
      if (valueOf(i) > valueOf(high)) high = i
    }
    out.add(Math.min(low, high)).add(Math.max(low, high))
  }
  out.add(points.at(-1) ?? 0)
  return [...out]
}

/** LTTB: of each bucket the point that makes the largest triangle with the one kept before and the mean of the next bucket. */
function largestTriangles(points: readonly number[], xOf: (i: number) => number, valueOf: (i: number) => number, count: number): number[] {
  const buckets = count - 2
  const edge = (bucket: number): number => 1 + Math.floor((bucket * (points.length - 2)) / buckets)
  let previous = points[0] ?? 0
  const out = [previous]
  for (let bucket = 0; bucket < buckets; bucket++) {
    const nextFrom = edge(bucket + 1)
    const nextTo = bucket + 1 < buckets ? edge(bucket + 2) : points.length
    let meanX = 0
    let meanY = 0
    for (let k = nextFrom; k < nextTo; k++) {
      meanX += xOf(points[k] ?? 0) / (nextTo - nextFrom)
      meanY += valueOf(points[k] ?? 0) / (nextTo - nextFrom)
    }
    let best = previous
    let bestArea = -1
    for (let k = edge(bucket); k < nextFrom; k++) {
      const i = points[k] ?? 0
      const area = Math.abs(
        (xOf(previous) - meanX) * (valueOf(i) - valueOf(previous)) - (xOf(previous) - xOf(i)) * (meanY - valueOf(previous)),
      )
      if (area > bestArea) {
        best = i
        bestArea = area
      }
    }
    out.push(best)
    previous = best
  }
  out.push(points.at(-1) ?? 0)
  return out
}
