import { expect, it } from 'vitest'
import { decodeCheckpoint, encodeCheckpoint } from '../../src/training/checkpoints/checkpointFile'

const checkpoint = {
  step: 7,
  state: { kl_coef: 0.1 + 0.2, note: 'größer' },
  arrays: { weights: Float32Array.of(1, -0, 1e-45, Number.NaN), optimizer: Float32Array.of(3) },
}

it('gives back every bit', () => {
  const { step, state, arrays } = decodeCheckpoint(encodeCheckpoint(checkpoint))
  expect({ step, state }).toEqual({ step: 7, state: checkpoint.state })
  expect(Object.keys(arrays)).toEqual(['weights', 'optimizer'])
  for (const name of ['weights', 'optimizer'] as const)
    expect(new Uint32Array(arrays[name]?.buffer ?? new ArrayBuffer(0))).toEqual(new Uint32Array(checkpoint.arrays[name].buffer))
})

it('reads from the middle of a buffer, as a slot holds it behind its header', () => {
  const bytes = encodeCheckpoint(checkpoint)
  const within = new Uint8Array(bytes.length + 64)
  within.set(bytes, 64)
  expect(decodeCheckpoint(within.subarray(64)).arrays.optimizer).toEqual(Float32Array.of(3))
})

it.each([
  ['too short', (bytes: Uint8Array<ArrayBuffer>) => bytes.subarray(0, bytes.length - 4)],
  ['of a later version', (bytes: Uint8Array<ArrayBuffer>) => bytes.map((byte, at) => (at === 4 + '{"version":'.length ? 50 : byte))],
])('refuses one that is %s', (_, change) => {
  expect(() => decodeCheckpoint(change(encodeCheckpoint(checkpoint)))).toThrow()
})
