/** Step-grained PPO end to end on a two-layer model: learns, repeats bit for bit, resumes bit for bit, does not mind how batches are cut. */
import { describe, expect, it } from 'vitest'
import { EngineDevice } from '../../src/engine/device/engineDevice'
import { runSteptoolPpo, type PpoObserver } from '../../src/training/algorithms/ppo/loop'
import { steptoolPpo } from '../../src/training/algorithms/ppo/steptoolPpo'
import type { SteptoolPpoConfig } from '../../src/training/algorithms/ppo/config'
import type { TrainingContext } from '../../src/training/trainingContext'
import { datasetSource, type BatchSource } from '../../src/training/batches/batchLayout'
import type { PpoTokens } from '../../src/training/algorithms/ppo/metrics'
import { adapterUnderTest, testDevice } from '../support/gpu'
import { differing, relative } from './difference'
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
  lora_targets: ['q_proj', 'v_proj'],
}
const sequences = someSequences(8)

async function train(
  input: Input,
  options: { source?: BatchSource; context?: Partial<TrainingContext>; observe?: PpoObserver } = {},
): Promise<{ reports: Reported[]; weights: Float32Array; klCoef: number }> {
  const settings = steptoolPpo.config.parse({ ...small, ...input })
  const { context, reports } = await tinyContext(await engineOf(), options.context)
  const { policy, klCoef } = await runSteptoolPpo(
    context,
    settings,
    options.source ?? datasetSource(sequences, settings.batch_size, context.seed),
    options.observe,
  )
  const weights = await policy.packed.readWeights()
  await policy.destroy()
  return { reports, weights, klCoef }
}
const lossesOf = (reports: readonly Reported[]): (number | undefined)[] => reports.map(({ metrics }) => metrics.loss)

/** Two batches of the fixed data, run once for all tests that compare with them. */
let base: ReturnType<typeof train> | null = null
const seen: { step: number; readbacks: number }[] = []
const baseRun = async (): ReturnType<typeof train> => {
  if (base) return base
  const engine = await engineOf()
  const fixed = datasetSource(sequences, 4, 5)
  let step = 0
  base = train(
    {},
    {
      source: { next: (index, policy) => ((step = index), fixed.next(index, policy)) },
      context: { steps: 2, gate: () => void seen.push({ step, readbacks: engine.counters.readbacks }) },
    },
  )
  return base
}

/** SwiftShader is several times slower; what it computes is held by steptoolPpoRun.gpu.test.ts. */
const isFast = adapterUnderTest() !== 'swiftshader'

describe(`step-grained PPO on ${adapterUnderTest()}`, () => {
  it.runIf(isFast)('learns which call is right', async () => {
    const task = twoCallTask(9, 16)
    const { reports } = await train(
      {
        ...{ learning_rate: 3e-2, batch_size: 16, mini_batch_size: 16, gradient_accumulation_steps: 1 },
        ...{ init_kl_coef: 0.02, adap_kl_ctrl: false, lora_targets: ['q_proj', 'k_proj', 'v_proj', 'o_proj'] },
      },
      { source: task, context: { steps: 10 } },
    )
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
    expect(mean(task.meanReward.slice(-3))).toBeGreaterThan(mean(task.meanReward.slice(0, 3)) + 0.25)
    expect(reports.map(({ metrics }) => metrics['env/reward_mean'])).toEqual(task.meanReward)
  })

  it('the first batch starts at the reference: KL 0 and ratio 1 to the bit', async () => {
    const seenTokens: PpoTokens[] = []
    const { reports } = await train({ ppo_epochs: 1 }, { context: { steps: 1 }, observe: (_, tokens) => void seenTokens.push(...tokens) })
    // Without KL and values a token's reward is its step's score, and the last token's advantage is that score.
    expect(seenTokens).toHaveLength(4)
    for (const tokens of seenTokens) {
      const { rewards, stepOf } = sequences.find(({ trajectoryId }) => trajectoryId === tokens.trajectoryId) ?? { rewards: [], stepOf: [] }
      expect(tokens.positions).toEqual(stepOf.flatMap((step, t) => (step >= 0 && t > 0 ? [t] : [])))
      expect(tokens.reward.filter((reward) => reward !== 0)).toEqual(rewards.filter((reward) => reward !== 0))
      expect([tokens.rawAdvantage.at(-1), tokens.returns.at(-1)]).toEqual([rewards.at(-1), rewards.at(-1)])
      expect(tokens.kl.every((kl) => kl === 0) && tokens.value.every((value) => value === 0)).toBe(true)
      expect(tokens.logp).toEqual(tokens.refLogp)
    }
    expect(reports[0]?.metrics).toMatchObject({
      ...{ 'objective/kl': 0, 'ppo/policy/ratio': 1, 'ppo/policy/clipfrac': 0, 'ppo/policy/approxkl': 0 },
      ...{ 'ppo/val/mean': 0, 'ppo/skipped_minibatches': 0 },
    })
  })

  it('the same seed twice gives the same numbers and the same bits; another seed does not', async () => {
    const [one, two] = [await baseRun(), await train({}, { context: { steps: 2 } })]
    expect(two.reports).toEqual(one.reports)
    expect(differing(one.weights, two.weights)).toBe(0)
    const other = await train({}, { context: { steps: 1, seed: 6 } })
    expect(lossesOf(one.reports)[0]).not.toBe(lossesOf(other.reports)[0])
  })

  it('reports every metric it explains, and explains every metric it reports', async () => {
    for (const { metrics } of (await baseRun()).reports) {
      expect(Object.keys(metrics).sort()).toEqual(Object.keys(steptoolPpo.metrics).sort())
      expect(Object.entries(metrics).filter(([, value]) => !Number.isFinite(value))).toEqual([])
    }
  })

  it('reads nothing back between the first and the last submit of a batch', async () => {
    await baseRun()
    for (const index of [0, 1]) expect(new Set(seen.filter((entry) => entry.step === index).map(({ readbacks }) => readbacks)).size).toBe(1)
  })

  it('a run resumed from a checkpoint is the run that was not interrupted, bit for bit', async () => {
    const straight = await baseRun()
    const checkpoints = memoryCheckpoints()
    const before = await train({}, { context: { steps: 1, checkpoints } })
    const after = await train({}, { context: { steps: 2, checkpoints } })
    expect(after.reports.map(({ step }) => step)).toEqual([1])
    expect([...before.reports, ...after.reports]).toEqual(straight.reports)
    expect(differing(after.weights, straight.weights)).toBe(0)
    expect(after.klCoef).toBe(straight.klCoef)
    expect(checkpoints.saved.map(({ step }) => step)).toEqual([1, 2])
  })

  it('how a batch is cut into micro-batches and accumulation changes nothing but rounding', async () => {
    const whole = await train({}, { context: { steps: 1 } })
    const cut = await train({ max_tokens_per_micro_batch: 32 }, { context: { steps: 1 } })
    expect(Math.abs((lossesOf(cut.reports)[0] ?? Number.NaN) - (lossesOf(whole.reports)[0] ?? Number.NaN))).toBeLessThan(1e-5)
    expect(relative(cut.weights, whole.weights)).toBeLessThan(1e-4)
    // Trajectories with equally many trained tokens: two mini-batches of two are one of four.
    const even = someSequences(4).map((sequence, index) => ({
      ...sequence,
      stepOf: [-1, -1, 0, 0, -1, 1, 1],
      ids: [1, 2, 3, 4, 5, 6, 7].map((id) => id * 7 + index),
    }))
    const cutInto = (mini_batch_size: number): ReturnType<typeof train> =>
      train(
        { mini_batch_size, gradient_accumulation_steps: 4 / mini_batch_size },
        { source: datasetSource(even, 4, 1), context: { steps: 1 } },
      )
    const [parts, full] = [await cutInto(2), await cutInto(4)]
    expect(relative(parts.weights, full.weights)).toBeLessThan(1e-4)
  })

  it('mini-batches past ratio_threshold leave no trace', async () => {
    const { weights: start } = await train({}, { context: { steps: 0 } })
    const { weights, reports } = await train({ ratio_threshold: 0.5 }, { context: { steps: 1 } })
    expect(differing(weights, start)).toBe(0)
    expect(reports[0]?.metrics).toMatchObject({ 'ppo/skipped_minibatches': 4, loss: 0, grad_norm: 0 })
  })

  it('a batch that practice left nothing of passes by', async () => {
    const batches = [sequences.slice(0, 4), [], sequences.slice(4)]
    const source = { next: (step: number) => Promise.resolve(batches[step] ?? null) }
    const { reports } = await train({}, { source, context: { steps: 3 } })
    expect(reports.map(({ metrics }) => Object.keys(metrics).length > 2)).toEqual([true, false, true])
    expect(reports[1]?.metrics.num_tokens).toBe(reports[0]?.metrics.num_tokens)
    expect(reports[2]?.metrics['objective/kl_coef']).toBe(reports[1]?.metrics['objective/kl_coef'])
  })

  it('refuses by name what it cannot train on, and frees what it held', async () => {
    const engine = await engineOf()
    const before = engine.allocatedBytes
    const one = (change: Partial<(typeof sequences)[number]>): BatchSource =>
      datasetSource(
        sequences.slice(0, 4).map((sequence) => ({ ...sequence, ...change })),
        4,
        1,
      )
    await expect(train({}, { source: one({ rewards: [null, null] }) })).rejects.toThrow(
      'batch 0: none of its 4 trajectories has a labelled step',
    )
    await expect(
      train({}, { source: one({ ids: sequences[0]?.ids.map(() => 96) ?? [], stepOf: sequences[0]?.stepOf ?? [] }) }),
    ).rejects.toThrow("token id 96 is outside the model's vocabulary of 96")
    const stopped = { steps: 1, gate: () => Promise.reject(new Error('stopped')) }
    await expect(train({}, { context: stopped })).rejects.toThrow('stopped')
    expect(engine.allocatedBytes).toBe(before)
  })

  it.runIf(isFast)('a trajectory of 4096 tokens trains', async () => {
    const engine = await engineOf()
    const { context } = await tinyContext(engine)
    const stepOf = Array.from({ length: 4096 }, (_, t) => (t >= 100 && t < 110 ? 0 : t >= 4086 ? 1 : -1))
    const long = { ...sequences[0]!, ids: stepOf.map((_, t) => (t * 31) % 96), stepOf, rewards: [0, 1] }
    const { reports } = await train(
      { batch_size: 1, mini_batch_size: 1, gradient_accumulation_steps: 1, ppo_epochs: 1, lora_targets: ['q_proj'] },
      {
        source: datasetSource([long], 1, 1),
        context: { steps: 1, model: { ...context.model, max_position_embeddings: 4096, num_hidden_layers: 1 } },
      },
    )
    expect(reports[0]?.metrics).toMatchObject({ num_tokens: 4096, 'tokens/trained_mean': 20, 'ppo/policy/ratio': 1 })
    expect(reports[0]?.metrics.grad_norm).toBeGreaterThan(0)
  })
})
