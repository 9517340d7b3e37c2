import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decimate } from '../../src/base/decimate'
import { createRng } from '../../src/base/random'

const range = (n: number) => Array.from({ length: n }, (_, i) => i)

describe('decimate', () => {
  it('keeps every point when there are few', () => {
    expect(decimate([0, 1, 2], [5, 5, 5])).toEqual([0, 1, 2])
    expect(decimate([], [])).toEqual([])
  })

  it('leaves out what cannot be drawn', () => {
    expect(decimate(range(6), [1, null, Number.NaN, Infinity, 2, 3])).toEqual([0, 4, 5])
    expect(decimate([0, Number.NaN, 2], [1, 2, 3])).toEqual([0, 2])
  })

  it('keeps a single spike among a million points', () => {
    const y = new Float64Array(1_000_000)
    y[765_432] = 9
    y[123_456] = -9
    const kept = decimate(
      Float64Array.from(y, (_, i) => i),
      y,
    )
    expect(kept.length).toBeLessThanOrEqual(1000)
    expect(kept).toContain(765_432)
    expect(kept).toContain(123_456)
  })

  it('holds its promises for any series', () => {
    const value = fc.oneof(
      { weight: 8, arbitrary: fc.double({ noNaN: true, min: -1e6, max: 1e6 }) },
      { weight: 1, arbitrary: fc.constant(null) },
    )
    fc.assert(
      fc.property(fc.array(value, { maxLength: 400, size: 'max' }), fc.integer({ min: 4, max: 60 }), (y, limit) => {
        const x = range(y.length)
        const kept = decimate(x, y, limit)
        const finite = x.filter((i) => y[i] !== null)
        expect(kept.length).toBeLessThanOrEqual(limit)
        expect(kept.length).toBeGreaterThanOrEqual(Math.min(finite.length, limit - 2))
        expect(kept).toEqual([...new Set(kept)].sort((a, b) => a - b))
        expect(kept.every((i) => y[i] !== null)).toBe(true)
        if (finite.length === 0) return
        expect(kept[0]).toBe(finite[0])
        expect(kept.at(-1)).toBe(finite.at(-1))
        const heights = (indexes: number[]) => indexes.map((i) => y[i] ?? Number.NaN)
        expect(Math.max(...heights(kept))).toBe(Math.max(...heights(finite)))
        expect(Math.min(...heights(kept))).toBe(Math.min(...heights(finite)))
      }),
    )
  })

  it('looks the same: the envelope of a noisy curve stays within a few per cent', () => {
    const rng = createRng(4)
    const n = 50_000
    const y = range(n).map((i) => Math.sin(i / 4000) + 0.1 * rng.normal())
    const kept = decimate(range(n), y)
    const columns = 100
    const spread = (indexes: number[]) => {
      const high = new Array<number>(columns).fill(-Infinity)
      for (const i of indexes) high[Math.floor((i * columns) / n)] = Math.max(high[Math.floor((i * columns) / n)] ?? 0, y[i] ?? 0)
      return high
    }
    const full = spread(range(n))
    const drawn = spread(kept)
    const gap = full.reduce((sum, high, i) => sum + (high - (drawn[i] ?? 0)), 0) / columns
    expect(gap).toBeLessThan(0.05)
  })

  it('refuses a limit without room for ends and extremes', () => {
    expect(() => decimate([0], [0], 3)).toThrow('at least 4 points')
  })
})
