/** Step-grained PPO end to end on a two-layer model: learns, repeats bit for bit, resumes bit for bit, does not mind how batches are cut. */
import { describe, expect, it } from 'vitest'
import { EngineDevice } from '../../src/engine/device/engineDevice'
import { runSteptoolPpo, steptoolPpo, type SteptoolPpoConfig } from '../../src/training/algorithms/steptoolPpo'
import type { TrainingContext } from '../../src/training/algorithm'
import { datasetSource, type PpoBatchSource } from '../../src/training/ppoBatch'
import { adapterUnderTest, testDevice } from '../support/gpu'
import { memoryCheckpoints, someSequences, tinyContext, twoCallTask, type Reported } from './tinyPolicy'

type Input = Partial<SteptoolPpoConfig>

let opened: EngineDevice | null = null
/** One for the file: kernels compile once. */
const engineOf = async (): Promise<EngineDevice> => (opened ??= new EngineDevice(await testDevice(), { isSoftware: true }))
const small: Input = {
  learning_rate: 5e-3,
  batch_size: 4,
  mini_batch_size: 2,
  gradient_accumulation_steps: 2,
  ppo_epochs: 2,
  lora_r: 4,
  lora_alpha: 8,
}
const sequences = someSequences(8)

async function train(
  input: Input,
  options: { source?: PpoBatchSource; context?: Partial<TrainingContext>; engine?: EngineDevice } = {},
): Promise<{ reports: Reported[]; weights: Float32Array; klCoef: number }> {
  const settings = steptoolPpo.config.parse({ ...small, ...input })
  const { context, reports } = await tinyContext(options.engine ?? (await engineOf()), options.context)
  const { policy, klCoef } = await runSteptoolPpo(
    context,
    settings,
    options.source ?? datasetSource(sequences, settings.batch_size, context.seed),
  )
  const weights = await policy.packed.readWeights()
  await policy.destroy()
  return { reports, weights, klCoef }
}
const lossesOf = (reports: readonly Reported[]): (number | undefined)[] => reports.map(({ metrics }) => metrics.loss)
/** How many weights are not the same bits. */
const differing = (found: Float32Array, expected: Float32Array): number =>
  expected.filter((value, index) => !Object.is(value, found[index])).length
const relative = (found: Float32Array, expected: Float32Array): number => {
  const difference = expected.reduce((sum, value, index) => sum + (value - (found[index] ?? Number.NaN)) ** 2, 0)
  return Math.sqrt(difference / expected.reduce((sum, value) => sum + value ** 2, 0))
}

describe(`step-grained PPO on ${adapterUnderTest()}`, () => {
  it('learns which call is right, and every metric it reports has a meaning', async () => {
    const task = twoCallTask(9, 16)
    const { reports } = await train(
      { learning_rate: 2e-2, batch_size: 16, mini_batch_size: 8, gradient_accumulation_steps: 1, init_kl_coef: 0.02, adap_kl_ctrl: false },
      { source: task, context: { steps: 12 } },
    )
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
    expect(mean(task.meanReward.slice(-3))).toBeGreaterThan(mean(task.meanReward.slice(0, 3)) + 0.25)
    for (const { metrics } of reports) {
      expect(Object.keys(metrics).sort()).toEqual(Object.keys(steptoolPpo.metrics).sort())
      expect(Object.entries(metrics).filter(([, value]) => !Number.isFinite(value))).toEqual([])
    }
    expect(reports.map(({ metrics }) => metrics['env/reward_mean'])).toEqual(task.meanReward)
  })

  it('the first batch starts at the reference: KL 0, ratio 1 in the first epoch, advantages of mean 0', async () => {
    const { reports } = await train({ ppo_epochs: 1 }, { context: { steps: 1 } })
    expect(reports[0]?.metrics).toMatchObject({
      'objective/kl': 0,
      'ppo/policy/ratio': 1,
      'ppo/policy/clipfrac': 0,
      'ppo/policy/approxkl': 0,
      'ppo/val/mean': 0,
      'ppo/skipped_minibatches': 0,
    })
    expect(Math.abs(reports[0]?.metrics['ppo/policy/advantages_mean'] ?? 1)).toBeLessThan(0.5)
  })

  it('the same seed twice gives the same numbers and the same bits', async () => {
    const [one, two, other] = [await train({}), await train({}), await train({}, { context: { seed: 6 } })]
    expect(one.reports).toEqual(two.reports)
    expect(differing(one.weights, two.weights)).toBe(0)
    expect(lossesOf(one.reports)).not.toEqual(lossesOf(other.reports))
  })

  it('how batches are cut into micro-batches and accumulation changes nothing but rounding', async () => {
    const whole = await train({ gradient_accumulation_steps: 2, max_tokens_per_micro_batch: 512 })
    const cut = await train({ gradient_accumulation_steps: 2, max_tokens_per_micro_batch: 32 })
    expect(
      Math.max(
        ...lossesOf(whole.reports).map((loss, step) => Math.abs((loss ?? Number.NaN) - (cut.reports[step]?.metrics.loss ?? Number.NaN))),
      ),
    ).toBeLessThan(1e-5)
    expect(relative(cut.weights, whole.weights)).toBeLessThan(1e-4)
    // Trajectories with equally many trained tokens: two mini-batches of two are one of four.
    const even = someSequences(4).map((sequence, index) => ({
      ...sequence,
      stepOf: [-1, -1, 0, 0, -1, 1, 1],
      ids: [1, 2, 3, 4, 5, 6, 7].map((id) => id * 7 + index),
    }))
    const parts = await train({ mini_batch_size: 2, gradient_accumulation_steps: 2 }, { source: datasetSource(even, 4, 1) })
    const full = await train({ mini_batch_size: 4, gradient_accumulation_steps: 1 }, { source: datasetSource(even, 4, 1) })
    expect(relative(parts.weights, full.weights)).toBeLessThan(1e-4)
  })

  it('a run resumed from a checkpoint is the run that was not interrupted, bit for bit', async () => {
    const straight = await train({}, { context: { steps: 4 } })
    const checkpoints = memoryCheckpoints()
    const before = await train({}, { context: { steps: 2, checkpoints, checkpointEvery: 2 } })
    const after = await train({}, { context: { steps: 4, checkpoints, checkpointEvery: 2 } })
    expect(after.reports.map(({ step }) => step)).toEqual([2, 3])
    expect([...before.reports, ...after.reports]).toEqual(straight.reports)
    expect(differing(after.weights, straight.weights)).toBe(0)
    expect(after.klCoef).toBe(straight.klCoef)
  })

  it('reads nothing back between the first and the last submit of a batch', async () => {
    const engine = await engineOf()
    const seen: { step: number; readbacks: number }[] = []
    let step = 0
    const fixed = datasetSource(sequences, 4, 1)
    await train(
      {},
      {
        engine,
        context: { steps: 2, gate: () => void seen.push({ step, readbacks: engine.counters.readbacks }) },
        source: { next: (index, policy) => ((step = index), fixed.next(index, policy)) },
      },
    )
    for (const index of [0, 1]) expect(new Set(seen.filter((entry) => entry.step === index).map(({ readbacks }) => readbacks)).size).toBe(1)
  })

  it('mini-batches past ratio_threshold leave no trace', async () => {
    const { weights: start } = await train({}, { context: { steps: 0 } })
    const { weights, reports } = await train({ ratio_threshold: 0.5 }, { context: { steps: 1 } })
    expect(differing(weights, start)).toBe(0)
    expect(reports[0]?.metrics).toMatchObject({ 'ppo/skipped_minibatches': 4, loss: 0, grad_norm: 0 })
  })

  it('a batch without a labelled step is refused by name', async () => {
    const unlabelled = sequences.map((sequence) => ({ ...sequence, rewards: [null, null] }))
    await expect(train({}, { source: datasetSource(unlabelled, 4, 1) })).rejects.toThrow(
      'batch 0: none of its 4 trajectories has a labelled step to train on',
    )
  })
})
