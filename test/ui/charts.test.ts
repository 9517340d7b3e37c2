import { describe, expect, it } from 'vitest'
import { histogramBins } from '../../src/ui/charts/HistogramChart'
import { formatNumber } from '../../src/ui/format'
import { chartRows, seriesSummary, smoothed, tickDigits, valueDomain } from '../../src/ui/charts/series'

const options = { limit: 1000, smoothing: 0, log: false }

describe('chart rows', () => {
  it('stay within the limit and keep the spike', () => {
    const x = Array.from({ length: 20_000 }, (_, index) => index)
    const y = x.map((index) => (index === 7_777 ? 50 : Math.sin(index)))
    const { rows, thinnedFrom } = chartRows([{ name: 'a', x, y }], options)
    expect(rows.length).toBeLessThanOrEqual(1000)
    expect(thinnedFrom).toBe(20_000)
    expect(rows.some((row) => row.y0 === 50)).toBe(true)
  })
  it('join series by step and leave out what a log axis cannot show', () => {
    const { rows, thinnedFrom } = chartRows(
      [
        { name: 'a', x: [1, 2], y: [0, 10] },
        { name: 'b', x: [2, 3], y: [5, null] },
      ],
      { ...options, log: true },
    )
    expect(thinnedFrom).toBeNull()
    expect(rows.find((row) => row.x === 2)).toEqual({ x: 2, y0: 10, y1: 5 })
    expect(rows.find((row) => row.x === 1)?.y0).toBeNull()
  })
})

describe('ticks', () => {
  it('are told apart where a value hardly moves', () => {
    const digits = tickDigits([
      { x: 1, y0: 6.2291 },
      { x: 2, y0: 6.23 },
    ])
    const ticks = [6.2291, 6.2294, 6.2297, 6.23].map((value) => formatNumber(value, digits))
    expect(new Set(ticks).size).toBe(4)
    expect(tickDigits([{ x: 1, y0: 0.1, r0: 0.9 }])).toBe(2)
    expect(tickDigits([{ x: 1, y0: 5 }])).toBe(2)
  })

  it.each([1, 0.3, 42_000, -7])('are never the same text four times beside %s, however little it moves', (value) => {
    for (const share of [1e-2, 1e-4, 1e-6, 1e-7]) {
      const rows = [
        { x: 1, y0: value },
        { x: 2, y0: value * (1 + share) },
      ]
      const [low, high] = valueDomain(rows) ?? [Math.min(value, value * (1 + share)), Math.max(value, value * (1 + share))]
      const ticks = [0, 1 / 3, 2 / 3, 1].map((part) => formatNumber(low + part * (high - low), tickDigits(rows)))
      expect([share, new Set(ticks).size]).toEqual([share, 4])
    }
  })
  it('do not enlarge the rounding of 32-bit floats to a zigzag', () => {
    const [low, high] = valueDomain([1, 1 + 2 ** -23, 1, 1 - 2 ** -24].map((y0, x) => ({ x, y0 }))) ?? [0, 0]
    expect(high - low).toBeGreaterThan(10 * 2 ** -23)
  })

  it('reach from 0 to 1 where all is zero', () => {
    expect(valueDomain([{ x: 1, y0: 0, y1: null, r0: 0 }])).toEqual([0, 1])
    expect(valueDomain([{ x: 0, y0: 0, y1: 0.1 }])).toBeNull()
  })
})

describe('smoothing', () => {
  it('is unbiased at the start and keeps gaps', () => {
    const line = smoothed([2, 2, null, 2], 0.9)
    expect(line[2]).toBeNull()
    for (const value of [line[0], line[1], line[3]]) expect(value).toBeCloseTo(2, 12)
  })
})

describe('what a chart says to those who do not see it', () => {
  it('names both ends', () => {
    expect(seriesSummary([{ name: 'reward', x: [1, 2, 3], y: [0.25, null, 0.5] }], String)).toBe('reward: 0.25 at 1, 0.5 at 3.')
    expect(seriesSummary([{ name: 'kl', x: [], y: [] }], String)).toBe('kl: no values yet.')
  })
})

describe('histogram bins', () => {
  it('hold every value once, the largest too', () => {
    const values = [0, 0.1, 0.5, 0.99, 1]
    const bins = histogramBins([{ name: 'a', values }], 10)
    expect(bins).toHaveLength(10)
    expect(bins.reduce((sum, bin) => sum + Number(bin.g0), 0)).toBe(values.length)
    expect(histogramBins([{ name: 'a', values: [1, 2, 2, 4] }], 20).map((bin) => bin.g0)).toEqual([1, 2, 0, 1])
  })
})
