import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createRng } from '../../src/base/random'
import {
  bootstrapMean, holm, mcnemarExact, mean, normalQuantile, pairedDifference, pairedPermutation, pairedTable, quantileOfSorted, standardDeviation, wilson,
} from '../../src/base/stats' // prettier-ignore

const numbers = z.array(z.number())
const golden = z
  .object({
    normal_quantile: z.array(z.tuple([z.number(), z.number()])),
    mean_std: z.object({ values: numbers, mean: z.number(), std: z.number() }),
    quantile: z.array(z.tuple([z.number(), z.number()])),
    wilson: z.array(z.tuple([z.number(), z.number(), z.number(), z.number(), z.number()])),
    newcombe: z.array(z.tuple([z.number(), z.number(), z.number(), z.number(), z.number(), z.number(), z.number()])),
    mcnemar: z.array(z.tuple([z.number(), z.number(), z.number()])),
    permutation: z.object({ differences: numbers, p: z.number() }),
    permutation_sampled: z.object({ differences: numbers, p: z.number() }),
    bootstrap: z.object({ values: numbers, resamples: z.number(), confidence: z.number(), interval: z.tuple([z.number(), z.number()]) }),
    bootstrap_scipy: z.object({ values: numbers, interval: z.tuple([z.number(), z.number()]) }),
    holm: z.tuple([numbers, numbers]),
  })
  .parse(JSON.parse(readFileSync(new URL('../golden/stats_golden.json', import.meta.url), 'utf8')))

describe('against SciPy', () => {
  it('normal quantiles', () => {
    for (const [p, expected] of golden.normal_quantile) expect(normalQuantile(p)).toBeCloseTo(expected, 12)
    expect(() => normalQuantile(1)).toThrow('between 0 and 1')
  })

  it('mean, standard deviation, quantiles', () => {
    const { values, mean: m, std } = golden.mean_std
    expect(mean(values)).toBeCloseTo(m, 14)
    expect(standardDeviation(values)).toBeCloseTo(std, 14)
    const sorted = [...values].sort((a, b) => a - b)
    for (const [p, expected] of golden.quantile) expect(quantileOfSorted(sorted, p)).toBeCloseTo(expected, 14)
    expect(mean([])).toBeNaN()
    expect(standardDeviation([1])).toBeNaN()
  })

  it('Wilson intervals', () => {
    for (const [k, n, confidence, low, high] of golden.wilson) {
      const found = wilson(k, n, confidence)
      expect(found.low).toBeCloseTo(low, 12)
      expect(found.high).toBeCloseTo(high, 12)
    }
    expect(wilson(0, 0)).toEqual({ low: 0, high: 1 })
    expect(() => wilson(3, 2)).toThrow('a count between 0 and 2 is needed, found 3')
  })

  it('Newcombe intervals of paired differences', () => {
    for (const [both, onlyA, onlyB, neither, confidence, low, high] of golden.newcombe) {
      const found = pairedDifference({ both, onlyA, onlyB, neither }, confidence)
      expect(found.difference).toBeCloseTo((onlyA - onlyB) / (both + onlyA + onlyB + neither), 14)
      expect(found.low).toBeCloseTo(Math.max(-1, low), 12)
      expect(found.high).toBeCloseTo(Math.min(1, high), 12)
    }
  })

  it('McNemar', () => {
    for (const [b, c, p] of golden.mcnemar) expect(mcnemarExact(b, c) / p).toBeCloseTo(1, 10)
  })

  it('paired permutation, exact and sampled', () => {
    expect(pairedPermutation(golden.permutation.differences, createRng(0))).toBeCloseTo(golden.permutation.p, 12)
    const { differences, p } = golden.permutation_sampled
    expect(pairedPermutation(differences, createRng(1))).toBeGreaterThan(p - 0.015)
    expect(pairedPermutation(differences, createRng(1))).toBeLessThan(p + 0.015)
  })

  it('bootstrap: the same draws give the same interval, other draws a close one', () => {
    let state = 1
    const generator = { uniform: () => (state = Number((1664525n * BigInt(state) + 1013904223n) % 4294967296n)) / 2 ** 32 }
    const { values, resamples, confidence, interval } = golden.bootstrap
    const same = bootstrapMean(values, generator, { resamples, confidence })
    expect([same.low, same.high]).toEqual(interval.map((value): unknown => expect.closeTo(value, 12)))
    const other = bootstrapMean(golden.bootstrap_scipy.values, createRng(3), { resamples: 20000 })
    expect(other.low).toBeCloseTo(golden.bootstrap_scipy.interval[0], 1.7)
    expect(other.high).toBeCloseTo(golden.bootstrap_scipy.interval[1], 1.7)
  })

  it('Holm', () => {
    const [given, expected] = golden.holm
    expect(holm(given)).toEqual(expected.map((p): unknown => expect.closeTo(p, 14)))
    expect(holm([])).toEqual([])
  })
})

describe('properties', () => {
  const count = fc.nat(60)

  it('the difference of A and B is minus that of B and A, and lies in its interval', () => {
    fc.assert(
      fc.property(count, count, count, count, (both, onlyA, onlyB, neither) => {
        const found = pairedDifference({ both, onlyA, onlyB, neither })
        const turned = pairedDifference({ both, onlyA: onlyB, onlyB: onlyA, neither })
        expect(turned.low).toBeCloseTo(-found.high, 12)
        expect(turned.high).toBeCloseTo(-found.low, 12)
        expect(found.low).toBeLessThanOrEqual(found.difference)
        expect(found.high).toBeGreaterThanOrEqual(found.difference)
        if (both + onlyA + onlyB + neither > 0) expect(found.high - found.low).toBeGreaterThan(0)
      }),
    )
  })

  it('the Wilson interval holds its proportion and shrinks with n', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.double({ min: 0, max: 1, noNaN: true }), (n, share) => {
        const found = wilson(share * n, n)
        expect(found.low).toBeGreaterThanOrEqual(0)
        expect(found.high).toBeLessThanOrEqual(1)
        expect(found.low).toBeLessThanOrEqual(share + 1e-12)
        expect(found.high).toBeGreaterThanOrEqual(share - 1e-12)
        const larger = wilson(share * n * 4, n * 4)
        expect(larger.high - larger.low).toBeLessThan(found.high - found.low)
      }),
    )
  })

  it('covers: about 95 % of Newcombe intervals hold the true difference', () => {
    const rng = createRng(11)
    const trials = 1500
    let held = 0
    for (let t = 0; t < trials; t++) {
      const pairs = Array.from({ length: 40 }, () => {
        const shared = rng.uniform() < 0.4
        const outcome = rng.uniform() < 0.6
        return [shared ? outcome : rng.uniform() < 0.6, shared ? outcome : rng.uniform() < 0.45] as const
      })
      const { low, high } = pairedDifference(
        pairedTable(
          pairs.map(([a]) => a),
          pairs.map(([, b]) => b),
        ),
      )
      const truth = 0.6 * (0.6 - 0.45)
      if (low <= truth && truth <= high) held++
    }
    expect(held / trials).toBeGreaterThan(0.93)
    expect(held / trials).toBeLessThan(0.985)
  })

  it('a permutation p is never 0, and 1 when nothing differs', () => {
    expect(pairedPermutation([0, 0, 0], createRng(0))).toBe(1)
    expect(pairedPermutation(new Array<number>(40).fill(1), createRng(2), 99)).toBe(1 / 100)
    expect(pairedPermutation(new Array<number>(10).fill(1), createRng(0))).toBe(2 / 1024)
  })

  it('the same seed gives the same bootstrap', () => {
    const values = [0, 0.5, 1, 1, 0.25]
    expect(bootstrapMean(values, createRng(5))).toEqual(bootstrapMean(values, createRng(5)))
    expect(bootstrapMean([], createRng(0)).low).toBeNaN()
    expect(bootstrapMean([0.5], createRng(0))).toEqual({ mean: 0.5, low: 0.5, high: 0.5 })
  })

  it('counts pairs', () => {
    expect(pairedTable([true, true, false, false], [true, false, true, false])).toEqual({ both: 1, onlyA: 1, onlyB: 1, neither: 1 })
    expect(() => pairedTable([true], [])).toThrow('pairs are needed, found 1 and 0')
  })
})
