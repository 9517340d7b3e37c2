/** One number or tensor of ours beside the same of a reference implementation. */

export interface Distance {
  /** ‖a − b‖₂ / ‖b‖₂ */
  readonly relL2: number
  /** max |a − b| */
  readonly maxAbs: number
  /** max |a − b| / max |b| */
  readonly maxRel: number
}

export interface Quantity extends Distance {
  readonly name: string
  /** Library and version the other side comes from. */
  readonly source: string
  readonly adapter: string
  /** Which distance is bounded. */
  readonly bound: keyof Distance
  readonly tolerance: number
  readonly pass: boolean
}

/** A relative error in the L2 sense must not hide one entry that is far off. */
const WORST_ENTRY = 1e-3

export function distance(found: ArrayLike<number>, expected: ArrayLike<number>): Distance {
  let [difference, norm, maxAbs, largest] = [0, 0, 0, 0]
  for (let i = 0; i < expected.length; i++) {
    const b = expected[i] ?? 0
    // What is missing is as far off as can be.
    const d = Math.abs((found[i] ?? Number.NaN) - b)
    difference += d * d
    norm += b * b
    maxAbs = Number.isNaN(d) ? Number.POSITIVE_INFINITY : Math.max(maxAbs, d)
    largest = Math.max(largest, Math.abs(b))
  }
  const share = (part: number, whole: number): number => (whole === 0 ? (part === 0 ? 0 : Number.POSITIVE_INFINITY) : part / whole)
  const relL2 = share(Math.sqrt(difference), Math.sqrt(norm))
  return { relL2: Number.isNaN(relL2) ? Number.POSITIVE_INFINITY : relL2, maxAbs, maxRel: share(maxAbs, largest) }
}

export type Measure = (
  name: string,
  found: ArrayLike<number>,
  expected: ArrayLike<number>,
  bounds: { readonly bound: keyof Distance; readonly tolerance: number },
) => Quantity

/** Quantities of one source on one adapter. */
export function measureOf(source: string, adapter: string): Measure {
  return (name, found, expected, { bound, tolerance }) => {
    const far = distance(found, expected)
    const pass = expected.length > 0 && far[bound] <= tolerance && (bound !== 'relL2' || far.maxRel <= Math.max(WORST_ENTRY, tolerance))
    return { name, source, adapter, ...far, bound, tolerance, pass }
  }
}

/** The quantity of a group of tensors: that of the one that is farthest off. */
export function worst(quantities: readonly Quantity[]): Quantity {
  const [first, ...rest] = quantities
  if (!first) throw new Error('no tensor to compare')
  return rest.reduce((a, b) => (b[b.bound] > a[a.bound] || (!b.pass && a.pass) ? b : a), first)
}
