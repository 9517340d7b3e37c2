import { describe, expect, test } from 'vitest'
import { createRng, philox4x32 } from '../../src/base/random'

describe('philox4x32', () => {
  // kat_vectors of Random123, "philox4x32 10".
  test.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ] as const)('known answer for counter %j', (counter, key, words) => {
    expect(philox4x32(counter, key)).toEqual(words)
  })
})

describe('createRng', () => {
  test('a stream is named by its numbers and repeats', () => {
    const draw = (...stream: number[]) => {
      const rng = createRng(7, ...stream)
      return Array.from({ length: 9 }, () => rng.uint32())
    }
    expect(draw(1, 2)).toEqual(draw(1, 2))
    expect(draw(1, 2)).not.toEqual(draw(2, 1))
    expect(draw()).toEqual(draw(0, 0, 0))
  })

  test('a seed above 32 bits keeps its high bits', () => {
    expect(createRng(5).uint32()).not.toBe(createRng(5 + 2 ** 32).uint32())
  })

  test('bad seeds and bounds are refused', () => {
    expect(() => createRng(0.5)).toThrow(/integer/)
    expect(() => createRng(1).int(0)).toThrow(/below/)
    expect(() => createRng(1).pick([])).toThrow(/empty/)
    expect(() => createRng(1, 1, 2, 3, 4)).toThrow(/three/)
  })

  test('draws are uniform, and normal draws have mean 0 and variance 1', () => {
    const rng = createRng(11)
    const bins = new Array<number>(10).fill(0)
    const n = 20_000
    for (let i = 0; i < n; i++) {
      const bin = rng.int(10)
      bins[bin] = (bins[bin] ?? 0) + 1
    }
    // χ² with 9 degrees of freedom: 27.9 is the 0.999 quantile.
    expect(bins.reduce((sum, count) => sum + (count - n / 10) ** 2 / (n / 10), 0)).toBeLessThan(27.9)
    const normals = Array.from({ length: n }, () => rng.normal())
    const mean = normals.reduce((a, b) => a + b, 0) / n
    const variance = normals.reduce((a, b) => a + (b - mean) ** 2, 0) / n
    expect(Math.abs(mean)).toBeLessThan(0.03)
    expect(Math.abs(variance - 1)).toBeLessThan(0.05)
  })

  test('shuffle keeps the items, leaves its input alone, and reaches every order', () => {
    const rng = createRng(3)
    const items = [1, 2, 3]
    const seen = new Set(Array.from({ length: 200 }, () => rng.shuffle(items).join('')))
    expect(seen.size).toBe(6)
    expect(items).toEqual([1, 2, 3])
  })
})
