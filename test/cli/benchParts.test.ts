import { expect, test } from 'vitest'
import { meterDevice } from '../../src/bench/deviceMeter'
import { largestOf, requireSame } from '../../src/bench/decodeBench'
import { rateRow, timePairs } from '../../src/bench/paired'

test('pairs are timed A B B A', async () => {
  const order: string[] = []
  let clock = 0
  const work = (name: string, ms: number) => () => {
    order.push(name)
    clock += ms
    return Promise.resolve()
  }
  const times = await timePairs(work('a', 10), work('b', 20), 3, () => clock)
  expect(order.join('')).toBe('abbaab')
  expect(times).toEqual({ ours: [10, 10, 10], theirs: [20, 20, 20] })
  const { ratio, interval, ...row } = rateRow('x', 'tokens/s', 100, 'peer', times)
  expect(row).toEqual({ name: 'x', peer: 'peer', ours: 10_000, theirs: 5000, unit: 'tokens/s', pairs: 3 })
  for (const value of [ratio, ...(interval ?? [])]) expect(value).toBeCloseTo(2, 9)
})

test('without a baseline there is no ratio', async () => {
  let clock = 0
  const times = await timePairs(
    () => Promise.resolve(void (clock += 5)),
    null,
    2,
    () => clock,
  )
  expect(rateRow('x', 'GFLOP/s', 1, '', times)).toEqual({
    name: 'x',
    peer: null,
    ours: 200,
    theirs: null,
    ratio: null,
    unit: 'GFLOP/s',
    pairs: 2,
  })
})

test('the meter sees bytes, submits, readbacks in their place, and encoding time', async () => {
  let clock = 0
  const device = {
    createBuffer: ({ size }: GPUBufferDescriptor) => ({ size, destroy: () => undefined, mapAsync: () => Promise.resolve() }),
    createCommandEncoder: () => ({}),
    queue: { submit: () => void (clock += 2) },
  } as unknown as GPUDevice
  const meter = meterDevice(device, () => clock)
  const [a, b] = [100, 200].map((size) => device.createBuffer({ size, usage: 1 }))
  a?.destroy()
  a?.destroy()
  device.createBuffer({ size: 50, usage: 1 })
  expect([meter.liveBytes, meter.peakBytes]).toEqual([250, 300])

  await b?.mapAsync(1)
  device.createCommandEncoder()
  clock += 3
  device.queue.submit([])
  await b?.mapAsync(1)
  device.queue.submit([])
  await b?.mapAsync(1)
  expect(meter.take()).toEqual({ submits: 2, readbacks: 3, readbacksBetweenSubmits: 1, encodeMs: 5 })
  expect(meter.take()).toEqual({ submits: 0, readbacks: 0, readbacksBetweenSubmits: 0, encodeMs: 0 })
})

test('a baseline is compared number by number; one that is off, silent or not a number is not timed', () => {
  const ours = [
    [-1, -2],
    [-3, -4],
  ]
  expect(
    largestOf(ours, [
      [-1, -2.25],
      [-3.5, -4, -9],
    ]),
  ).toBe(0.5)
  expect(() => requireSame(largestOf(ours, ours), 0)).not.toThrow()
  expect(() => requireSame(0.5, 0.4)).toThrow(/computes something else/)
  for (const theirs of [
    [[-1, -2], [-3]],
    [[-1, -2]],
    [
      [-1, Number.NaN],
      [-3, -4],
    ],
  ])
    expect(() => requireSame(largestOf(ours, theirs), 1)).toThrow(/computes something else/)
})
