/** NaN and infinities in numbers that are to be finite. */

/** Index of the first value that is NaN or infinite; null when all are finite. */
export function firstNonFinite(values: Float32Array | readonly number[]): number | null {
  // x − x is 0 for finite x and NaN else: one sum is cheaper than a test of every value.
  let sum = 0
  for (let at = 0; at < values.length; at++) sum += (values[at] ?? 0) - (values[at] ?? 0)
  if (sum === 0) return null
  const at = values.findIndex((value: number) => !Number.isFinite(value))
  return at < 0 ? null : at
}
