/** The benchmarks run and their gates hold; what they measure here says nothing. */
import { afterAll, expect, test } from 'vitest'
import { benchGemm } from '../../src/cli/bench/gemmBench'
import { openJax, type JaxPeer } from '../../src/cli/bench/jaxPeer'
import { benchTrain } from '../../src/cli/bench/trainBench'
import { trainProblem } from '../../src/cli/bench/trainProblem'
import { fullDeviceDescriptor, openNodeAdapter } from '../../src/cli/node/dawn'
import { adapterUnderTest, testAdapter } from '../support/gpu'
import { projectRoot } from '../support/sources'

const now = (): number => performance.now()
const progress = (): void => undefined
const devices: GPUDevice[] = []
afterAll(() => {
  for (const device of devices) device.destroy()
})

/** A device of its own: the meter changes it. */
async function ownDevice(): Promise<GPUDevice> {
  // An adapter makes one device.
  const { adapter } = await openNodeAdapter(adapterUnderTest())
  const device = await adapter.requestDevice(fullDeviceDescriptor(adapter))
  devices.push(device)
  return device
}

let opened: Promise<JaxPeer | null> | null = null
async function peer(): Promise<JaxPeer | null> {
  const found = await (opened ??= testAdapter().then((host) => openJax(host, projectRoot, now)))
  if (found && !devices.includes(found.device)) devices.push(found.device)
  return found
}

test('a training step: the peer’s losses are ours, memory is what was planned, no readback within the step', async () => {
  const problem = trainProblem(
    { layers: 1, hidden: 16, heads: 2, kvHeads: 1, intermediate: 24, vocabulary: 32, sequences: 2, length: 12 },
    3,
  )
  const report = await benchTrain({
    device: await ownDevice(),
    isSoftware: true,
    peer: await peer(),
    problem,
    pairs: 2,
    profile: true,
    now,
    progress,
  })
  expect(report.parity?.largestDifference).toBeLessThan(1e-4)
  expect(report.rows[0]).toMatchObject({ name: 'train', peer: expect.stringMatching(/^jax-js \d/) as string, unit: 'tokens/s', pairs: 2 })
  for (const row of report.rows) expect(row.ratio).toBeGreaterThan(0)
  expect(report.counts).toMatchObject({ readbacks: 0, readbacksBetweenSubmits: 0 })
  expect(report.counts.dispatches).toBeGreaterThan(20)
  expect(Math.abs(report.peakBytes - report.predictedBytes)).toBeLessThanOrEqual(1024)
  expect(report.profile?.reduce((sum, { count }) => sum + count, 0)).toBe(report.counts.dispatches)
})

test('matrix products agree with the peer’s and are set against measured roofs', async () => {
  const { rows, roofs } = await benchGemm({
    device: await ownDevice(),
    isSoftware: true,
    peer: await peer(),
    sizes: [32],
    pairs: 1,
    now,
    progress,
  })
  expect(rows.map(({ name }) => name)).toEqual(['multiply-add roof', 'copy roof', 'NN 32', 'NT 32', 'TN 32'])
  expect(roofs.gflops).toBeGreaterThan(0)
  expect(rows.slice(2).every(({ ours, theirs }) => ours > 0 && (theirs ?? 0) > 0)).toBe(true)
})

test('without the package there is no peer, and the rest is measured', async () => {
  const problem = trainProblem(
    { layers: 1, hidden: 16, heads: 2, kvHeads: 1, intermediate: 24, vocabulary: 32, sequences: 1, length: 8 },
    3,
  )
  const report = await benchTrain({
    device: await ownDevice(),
    isSoftware: true,
    peer: null,
    problem,
    pairs: 1,
    profile: false,
    now,
    progress,
  })
  expect(report).toMatchObject({ parity: null, profile: null })
  expect(report.rows).toEqual([expect.objectContaining({ name: 'train', peer: null, theirs: null, ratio: null })])
})
