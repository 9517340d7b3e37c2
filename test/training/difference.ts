/** How far two sets of numbers are apart. */

/** How many are not the same bits. */
export const differing = (found: Float32Array, expected: Float32Array): number =>
  expected.filter((value, index) => !Object.is(value, found[index])).length

/** ‖found − expected‖₂ / ‖expected‖₂. */
export function relative(found: Float32Array, expected: Float32Array): number {
  const difference = expected.reduce((sum, value, index) => sum + (value - (found[index] ?? Number.NaN)) ** 2, 0)
  return Math.sqrt(difference / expected.reduce((sum, value) => sum + value ** 2, 0))
}
