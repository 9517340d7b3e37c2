/** Runs of ArCHer on a two-layer model. Its arithmetic against torch: archerGolden.test.ts, test/cli/parity.gpu.test.ts. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { EngineDevice } from '../../src/engine/device/engineDevice'
import type { TrainingContext } from '../../src/training/trainingContext'
import { runArcher, type ArcherSource } from '../../src/training/algorithms/archer/loop'
import { archer } from '../../src/training/algorithms/archer/algorithm'
import { archerTrainable } from '../../src/training/algorithms/archer/objective'
import type { ArcherConfig } from '../../src/training/algorithms/archer/config'
import { encodeFeatures } from '../../src/training/algorithms/archer/features'
import { PolicyModel } from '../../src/training/policy/policyModel'
import type { TokenizedTrajectory } from '../../src/training/batches/tokenizedTrajectory'
import { adapterUnderTest, testDevice } from '../support/gpu'
import { differing, relative } from './difference'
import { golden, memoryCheckpoints, someSequences, tinyContext, type Reported } from './tinyPolicy'

let opened: EngineDevice | null = null
/** One for the file: kernels compile once. */
const engineOf = async (): Promise<EngineDevice> => (opened ??= new EngineDevice(await testDevice(), { isSoftware: true }))
const small: Partial<ArcherConfig> = {
  ...{ learning_rate: 5e-3, critic_lr: 1e-2, batch_size: 2, gradient_accumulation_steps: 2, epochs: 3, warmup_iter: 1, tau: 0.2 },
  ...{ lora_r: 4, lora_alpha: 8, lora_targets: ['q_proj', 'v_proj'], max_response_len: 4, critic_hidden_size: 16 },
}
const sequences = someSequences(6)
const offline = (given: readonly TokenizedTrajectory[]): ArcherSource => ({ isFresh: false, next: () => Promise.resolve(given) })
/** New fixed trajectories every iteration. */
const online: ArcherSource = { isFresh: true, next: (iteration) => Promise.resolve(someSequences(3, 40 + iteration)) }

interface Trained {
  readonly reports: Reported[]
  readonly weights: Float32Array
}
async function train(
  input: Partial<ArcherConfig> = {},
  more: Partial<TrainingContext> = {},
  source = offline(sequences),
): Promise<Trained> {
  const { context, reports } = await tinyContext(await engineOf(), { steps: 3, ...more })
  const { policy } = await runArcher(context, archer.config.parse({ ...small, ...input }), source)
  const weights = await policy.packed.readWeights()
  await policy.destroy()
  return { reports, weights }
}

let base: Promise<Trained> | null = null
const baseRun = (): Promise<Trained> => (base ??= train())
const OF_BASELINE = ['values.loss', 'values.mean', 'residual_advantages.mean']
const OF_ROLLOUT = ['rollout.mean', 'rollout.max', 'rollout.min', 'rollout.reward.mean']

describe(`ArCHer on ${adapterUnderTest()}`, () => {
  it('critics learn alone, then lead the actor; every metric is explained', async () => {
    const { reports, weights } = await baseRun()
    expect(reports.map(({ step }) => step)).toEqual([0, 1, 2])
    const [first, second, last] = reports.map(({ metrics }) => metrics)
    expect(Object.keys(first ?? {})).not.toContain('pg.loss')
    const offlineNames = Object.keys(archer.metrics).filter((name) => ![...OF_BASELINE, ...OF_ROLLOUT].includes(name))
    expect(Object.keys(second ?? {}).sort()).toEqual(offlineNames.sort())
    for (const { metrics } of reports) expect(Object.entries(metrics).filter(([, value]) => !Number.isFinite(value))).toEqual([])
    expect(last?.grad_norm).toBeGreaterThan(0)
    expect(last?.loss).toBeLessThan(first?.loss ?? 0)
    expect(last?.['replay/size']).toBe(12)
    const { weights: warm } = await train({}, { steps: 1 })
    const { weights: start } = await train({}, { steps: 0 })
    expect(differing(warm, start)).toBe(0)
    expect(differing(weights, start)).toBeGreaterThan(0)
  })

  it('the critics read the hidden states of transformers, whatever the adapter holds', async () => {
    const reference = z
      .object({ ids: z.array(z.array(z.int())), base: z.object({ hidden: z.array(z.array(z.array(z.number()))) }) })
      .parse(JSON.parse(readFileSync(join(golden, 'tiny_qwen2_golden.json'), 'utf8')))
    const { context } = await tinyContext(await engineOf())
    const policy = await PolicyModel.create(context.engine, context.model, context.reader, archerTrainable(archer.config.parse(small)))
    for (const { name, size } of policy.packed.ranges.values()) policy.packed.writeWeights(name, new Float32Array(size).fill(0.1))
    const ends = reference.ids.map((ids) => [2, ids.length])
    const requests = reference.ids.map((ids, index) => ({ ids, ends: ends[index] ?? [] }))
    const features = await encodeFeatures(policy, requests, { maxTokens: 64, gate: () => undefined })
    await policy.destroy()
    features.forEach((own, sequence) => {
      own.forEach((found, place) => {
        const state = reference.base.hidden[sequence]?.[(ends[sequence]?.[place] ?? 0) - 1] ?? []
        const rms = Math.sqrt(state.reduce((sum, value) => sum + value ** 2, 0) / state.length)
        expect(
          relative(
            found,
            Float32Array.from(state, (value) => value / rms),
          ),
        ).toBeLessThan(1e-4)
      })
    })
  })

  it('a run resumed from a checkpoint is the run that was not interrupted, bit for bit', async () => {
    for (const [source, input] of [
      [offline(sequences), {}],
      [online, { capacity: 8, use_baseline: true, fresh_actions: 'every_draw' as const }],
    ] as const) {
      const straight = await train(input, {}, source)
      const checkpoints = memoryCheckpoints()
      const before = await train(input, { steps: 2, checkpoints }, source)
      const after = await train(input, { checkpoints }, source)
      expect([...before.reports, ...after.reports]).toEqual(straight.reports)
      expect(differing(after.weights, straight.weights)).toBe(0)
    }
    const checkpoints = memoryCheckpoints()
    await train({}, { steps: 1, checkpoints })
    await expect(train({}, { checkpoints }, offline(sequences.slice(1)))).rejects.toThrow(
      'the checkpoint was trained on 12 utterances, but the data makes 10',
    )
  })

  it('online: the buffer is a ring, rewards of what came in are reported; a baseline learns the advantage', async () => {
    const { reports } = await train({ capacity: 8, use_baseline: true }, {}, online)
    expect(reports.map(({ metrics }) => metrics['replay/size'])).toEqual([6, 8, 8])
    const expected = someSequences(3, 41).map(({ rewards }) => rewards.reduce<number>((sum, reward) => sum + (reward ?? 0), 0))
    expect(reports[1]?.metrics['rollout.max']).toBe(Math.max(...expected))
    expect(reports[1]?.metrics['rollout.mean']).toBeCloseTo(expected.reduce((sum, value) => sum + value, 0) / 3, 6)
    expect(Object.keys(reports[2]?.metrics ?? {}).sort()).toEqual(Object.keys(archer.metrics).sort())
    // The head starts at 0: all of the advantage is left.
    expect(reports[1]?.metrics['values.mean']).toBe(0)
    expect(reports[2]?.metrics['values.mean']).not.toBe(0)
  })

  it('cut into micro-batches or not, accumulated or not: the same numbers', async () => {
    const whole = await train({}, { steps: 2 })
    for (const input of [{ max_tokens_per_micro_batch: 32 }, { batch_size: 4, gradient_accumulation_steps: 1 }]) {
      const cut = await train(input, { steps: 2 })
      for (const [name, value] of Object.entries(whole.reports[1]?.metrics ?? {}))
        expect(Math.abs((cut.reports[1]?.metrics[name] ?? Number.NaN) - value), `${JSON.stringify(input)} ${name}`).toBeLessThan(
          1e-4 * Math.max(1e-2, Math.abs(value)),
        )
      expect(relative(cut.weights, whole.weights)).toBeLessThan(1e-4)
    }
    // As in the released code: the sum of the batches’ losses, told as their mean.
    const summed = await train({ accumulation_reduction: 'sum', max_grad_norm: 0 }, { steps: 1 })
    const mean = await train({ max_grad_norm: 0 }, { steps: 1 })
    const norms = [summed, mean].map(({ reports }) => reports[0]?.metrics['critic/grad_norm'] ?? Number.NaN)
    expect(summed.reports[0]?.metrics.loss).toBeCloseTo(mean.reports[0]?.metrics.loss ?? 0, 3)
    expect((norms[0] ?? 0) / (norms[1] ?? 1)).toBeGreaterThan(1.8)
  })

  it('refuses by name what it cannot train on, and frees what it held', async () => {
    const engine = await engineOf()
    const before = engine.allocatedBytes
    const [one] = sequences
    if (!one) throw new Error('no sequence')
    await expect(train({ max_response_len: 64, max_tokens_per_micro_batch: 32 })).rejects.toThrow(
      /an utterance of up to \d+ tokens does not fit max_tokens_per_micro_batch 32/,
    )
    await expect(train({}, {}, offline([{ ...one, rewards: [null, null] }]))).rejects.toThrow(
      'none of the trajectories has a labelled step',
    )
    await expect(train({}, {}, offline([{ ...one, ids: one.ids.map(() => 96) }]))).rejects.toThrow('outside the model')
    await expect(train({}, { gate: () => Promise.reject(new Error('stopped')) })).rejects.toThrow('stopped')
    expect(engine.allocatedBytes).toBe(before)
  })
})
