/** The benchmarks run and their gates hold; what they measure here says nothing. */
import { afterAll, expect, test } from 'vitest'
import { EngineDevice } from '../../src/engine/device/engineDevice'
import { parseModelConfig } from '../../src/models/architectures/config'
import type { WeightReader } from '../../src/models/languageModel'
import { packSequences, uploadBatch } from '../../src/training/batches/packing'
import { PolicyModel } from '../../src/training/policy/policyModel'
import { benchDecode } from '../../src/bench/decodeBench'
import { benchGemm } from '../../src/bench/gemmBench'
import { openJax, type JaxBaseline } from '../../src/bench/baselines/jax'
import { benchLoad } from '../../src/bench/loadBench'
import { benchLoss } from '../../src/bench/lossBench'
import { measureProcessMemory } from '../../src/bench/memoryBench'
import type { DecodeBaseline } from '../../src/bench/baselines/transformers'
import { benchSoak } from '../../src/bench/soakBench'
import { benchTrain } from '../../src/bench/trainBench'
import { trainProblem } from '../../src/bench/trainProblem'
import { fullDeviceDescriptor, openNodeAdapter } from '../../src/cli/node/dawn'
import { adapterUnderTest, testAdapter } from '../support/gpu'
import { projectRoot } from '../support/sources'

const now = (): number => performance.now()
const progress = (): void => undefined
const devices: Pick<GPUDevice, 'destroy'>[] = []
afterAll(() => {
  for (const device of devices) device.destroy()
})

/**
 * A device beside that of the other tests, whose methods the meter changes. All benches have the same one, and none that destroys it does:
 * a software adapter compiles every kernel of a new device anew.
 */
let shared: Promise<GPUDevice> | null = null
const benchDevice = (): Promise<GPUDevice> => (shared ??= openBenchDevice())
async function openBenchDevice(): Promise<GPUDevice> {
  // An adapter makes one device.
  const { adapter } = await openNodeAdapter(adapterUnderTest())
  const device = await adapter.requestDevice(fullDeviceDescriptor(adapter))
  const destroy = device.destroy.bind(device)
  device.destroy = () => undefined
  devices.push({ destroy })
  return device
}

let opened: Promise<JaxBaseline | null> | null = null
async function jaxBaseline(): Promise<JaxBaseline | null> {
  const found = await (opened ??= testAdapter().then((host) => openJax(host, projectRoot, now)))
  if (found && !devices.includes(found.device)) devices.push(found.device)
  return found
}

const small = { layers: 1, hidden: 16, heads: 2, kvHeads: 1, intermediate: 24, vocabulary: 32 }

test('a training step: the baseline’s losses are ours, memory is what was planned, no readback within the step', async () => {
  const problem = trainProblem({ ...small, sequences: 2, length: 12 }, 3)
  const report = await benchTrain({
    device: await benchDevice(),
    isSoftware: true,
    baseline: await jaxBaseline(),
    problem,
    pairs: 2,
    now,
    progress,
  })
  expect(report.parity?.largestDifference).toBeLessThan(1e-4)
  expect(report.rows[0]).toMatchObject({ name: 'train', peer: expect.stringMatching(/^jax-js \d/) as string, unit: 'tokens/s', pairs: 2 })
  for (const row of report.rows) expect(row.ratio).toBeGreaterThan(0)
  expect(report.counts).toMatchObject({ readbacks: 0, readbacksBetweenSubmits: 0 })
  expect(report.counts.dispatches).toBeGreaterThan(20)
  expect(Math.abs(report.peakBytes - report.predictedBytes)).toBeLessThanOrEqual(1024)
  const { profile, counts, stop } = report
  expect(profile.rows.reduce((sum, { count }) => sum + count, 0)).toBe(counts.dispatches)
  const sum = profile.rows.reduce((total, { ms }) => total + ms, 0)
  expect(profile.kernelMs).toBeGreaterThan(0)
  expect(sum).toBeGreaterThanOrEqual(profile.longest.ms)
  // The gradient and the update: so small a step fills neither.
  expect(counts.submits).toBe(2)
  for (const ms of [stop.pauseMs, stop.cancelMs, profile.dispatchMs, profile.submitMs]) expect(Number.isFinite(ms)).toBe(true)
  // 40 bytes a parameter; the plan cannot move fewer.
  expect(report.bytesMoved).toBeGreaterThan(report.leastBytes)
})

test('matrix products agree with the baseline’s and are compared with the measured peak', async () => {
  const { rows, roofline } = await benchGemm({
    device: await benchDevice(),
    isSoftware: true,
    jax: await jaxBaseline(),
    tfjs: null,
    sizes: [32],
    pairs: 1,
    now,
    progress,
  })
  expect(rows.map(({ name }) => name)).toEqual(['peak multiply-add', 'peak copy', 'NN 32', 'NT 32', 'TN 32'])
  expect(roofline.gflops).toBeGreaterThan(0)
  expect(rows.slice(2).every(({ ours, theirs }) => ours > 0 && (theirs ?? 0) > 0)).toBe(true)
})

test('without the package there is no baseline, and the rest is measured', async () => {
  const problem = trainProblem({ ...small, sequences: 1, length: 8 }, 3)
  const report = await benchTrain({
    device: await benchDevice(),
    isSoftware: true,
    baseline: null,
    problem,
    pairs: 1,
    now,
    progress,
  })
  expect(report).toMatchObject({ parity: null, coldMs: { theirs: null } })
  expect(report.rows).toEqual([expect.objectContaining({ name: 'train', peer: null, theirs: null, ratio: null })])
})

const tiny = parseModelConfig({
  ...{ model_type: 'llama', vocab_size: 96, hidden_size: 32, intermediate_size: 64, num_hidden_layers: 2, num_attention_heads: 2 },
  ...{ num_key_value_heads: 1, tie_word_embeddings: true, rms_norm_eps: 1e-5, rope_theta: 10_000, max_position_embeddings: 64 },
})

/** Stands in for a baseline: the log-probabilities that training computes from the same weights. */
async function standIn(weights: WeightReader): Promise<DecodeBaseline> {
  const device = await benchDevice()
  const policy = await PolicyModel.create(new EngineDevice(device, { isSoftware: true }), tiny, weights, { kind: 'all', valueHead: false })
  return {
    name: 'stand-in',
    generate: (prompts, tokens) => Promise.resolve({ ids: prompts.map(() => new Array<number>(tokens).fill(0)) }),
    async score(sequences) {
      const batch = packSequences(
        sequences.map((ids) => ({ ids, targets: ids.slice(1).map((_, index) => index + 1) })),
        tiny.vocab_size,
      )
      const score = await policy.score(batch.tokenBucket, batch.targetBucket)
      uploadBatch(score, batch)
      await score.run()
      const logp = await score.readOutput('logp', batch.targetCount)
      const length = (sequences[0]?.length ?? 0) - 1
      return sequences.map((_, row) => [...logp.subarray(row * length, (row + 1) * length)])
    },
    close: () => policy.destroy(),
  }
}

const decodeOptions = {
  ...{ openDevice: benchDevice, config: tiny, isSoftware: true, formats: ['f32'] as const, batches: [3], tokens: 6, pairs: 1 },
  ...{ tolerance: 1e-4, now, progress },
}

test('decoding beside a baseline: its log-probabilities must equal ours before it is timed', async () => {
  const { rows, parity, bytes } = await benchDecode({ ...decodeOptions, openBaseline: (_, weights) => standIn(weights) })
  expect(parity).toMatchObject([{ format: 'f32', peer: 'stand-in', tokens: 48 }])
  expect(parity[0]?.largestDifference).toBeLessThan(1e-4)
  expect(rows.map(({ name, peer: beside }) => [name, beside])).toEqual(
    [3].flatMap((slots) => [
      [`decode f32 ×${slots}`, null],
      [`decode f32 ×${slots}, top_p 0.9`, 'greedy'],
      [`read 16 and decode f32 ×${slots}`, 'stand-in'],
    ]),
  )
  for (const { ours, ratio, theirs } of rows)
    expect([ours > 0, ratio === null || ratio > 0, theirs === null || theirs > 0]).toEqual([true, true, true])
  // 96·32 + 2·(2·32·32 + 2·16·32 + 3·64·32) weights and 5·32 gains, as f32, and rotary tables of 64 × 8.
  expect(bytes).toEqual([
    { format: 'f32', weights: 4 * (96 * 32 + 2 * (2 * 32 * 32 + 2 * 16 * 32 + 3 * 64 * 32) + 5 * 32) + 2 * 64 * 8 * 4 },
  ])
})

test('the loss takes less than its logits beside its operands', async () => {
  const { rows } = await benchLoss({
    ...{
      device: await benchDevice(),
      isSoftware: true,
      formats: ['f16', 'int4'],
      vocabulary: 8192,
      hidden: 32,
      rows: 64,
      repeats: 1,
      now,
      progress,
    },
  })
  expect(rows.map(({ name }) => name)).toEqual(
    ['f16', 'int4'].flatMap((format) => [`loss ${format}, forward`, `loss ${format}, forward and backward`]),
  )
  for (const { ms, extraBytes, logitsBytes } of rows) {
    expect(ms).toBeGreaterThan(0)
    expect(logitsBytes).toBe(64 * 8192 * 4)
    // A chunk of 2,048 entries, and small change.
    expect(extraBytes).toBeGreaterThan(64 * 2048 * 4)
    expect(extraBytes).toBeLessThan(logitsBytes / 2)
  }
})

test('a checkpoint is loaded again and again', async () => {
  const { rows, fileBytes, hasCold } = await benchLoad({
    ...{ openDevice: benchDevice, isSoftware: true, config: tiny, formats: ['int8'], repeats: 1, now, progress },
  })
  expect(rows.map(({ name }) => name)).toEqual([...(hasCold ? ['load BF16 as int8, cold'] : []), 'load BF16 as int8, warm'])
  expect(rows.every(({ ours }) => ours > 0)).toBe(true)
  expect(fileBytes).toBeGreaterThan(2 * 96 * 32)
})

test('a soak sees buffers, resident memory and speed at its ends', async () => {
  const problem = trainProblem({ ...small, sequences: 1, length: 8 }, 3)
  const { marks, first, last, drift } = await benchSoak({
    device: await benchDevice(),
    isSoftware: true,
    problem,
    steps: 20,
    now,
    progress,
  })
  expect(marks.map(({ step }) => step)).toEqual([2, 10, 20])
  expect(new Set(marks.map(({ bufferBytes }) => bufferBytes)).size).toBe(1)
  expect(marks.every(({ bufferBytes, residentBytes }) => bufferBytes > 0 && residentBytes > bufferBytes)).toBe(true)
  expect(drift).toBeCloseTo(last.tokensPerSecond / first.tokensPerSecond - 1, 9)
})

test('the process grows with the buffers of a software adapter', async () => {
  const report = await measureProcessMemory(
    await benchDevice(),
    trainProblem({ ...small, vocabulary: 8192, sequences: 1, length: 8 }, 3),
    now,
    progress,
  )
  expect(Math.abs(report.bufferBytes - report.predictedBytes)).toBeLessThanOrEqual(0.01 * report.predictedBytes)
  expect(report.ratio).toBe(report.residentGrowth / report.bufferBytes)
})
