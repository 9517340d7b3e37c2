/** The dtype that weights are written in: as asked for, or wider where a value would round to infinity. */
import { expect, it } from 'vitest'
import { bf16FromFloat32, f16FromFloat32, float32FromBf16, float32FromF16 } from '../../src/base/halfFloat'
import { fittingDtype, largestValue } from '../../src/models/weights/fittingDtype'

const largest = (...values: number[]) => largestValue(null, 'w', Float32Array.from(values))

it.each([
  ['F16', 65_519, 'F16'],
  ['F16', -65_520, 'BF16'],
  ['F16', 1e38, 'BF16'],
  ['F16', 3.4e38, 'F32'],
  ['BF16', 3.389e38, 'BF16'],
  ['BF16', 3.3962e38, 'F32'],
  ['F32', 3.4e38, 'F32'],
] as const)('%s of %d is written in %s', (wanted, value, dtype) => {
  const found = fittingDtype(wanted, largest(1, value))
  expect(found.dtype).toBe(dtype)
  expect(found.note === null).toBe(dtype === wanted)
  // What rounding makes of it is the witness.
  const rounded = {
    F16: float32FromF16(f16FromFloat32(Float32Array.of(value))),
    BF16: float32FromBf16(bf16FromFloat32(Float32Array.of(value))),
  }
  if (dtype !== 'F32') expect(Number.isFinite(rounded[dtype][0])).toBe(true)
  if (wanted !== dtype && wanted !== 'F32') expect(Number.isFinite(rounded[wanted][0])).toBe(false)
})

it('names the tensor with the largest value, and refuses one that is not finite', () => {
  const found = largestValue(largestValue(null, 'a', Float32Array.of(7e4, -8e4)), 'b', Float32Array.of(1))
  expect(fittingDtype('F16', found).note).toBe('The weights are written in bfloat16: a holds 8.000e+4, which float16 cannot hold.')
  expect(() => largest(1, Number.NaN)).toThrow('tensor "w" would hold NaN at value 1')
  expect(() => largest(Number.NEGATIVE_INFINITY)).toThrow('would hold -Infinity at value 0')
})
