/**
 * What may not change an algorithm's numbers: how a batch is cut into micro-batches and accumulated, how many sequences are packed together,
 * whether activations are kept or computed again; being paused; and for those without a test of their own, being resumed.
 */
import { describe, expect, it } from 'vitest'
import { EngineDevice } from '../../src/engine/device/engineDevice'
import type { TrainingContext } from '../../src/training/trainingContext'
import { runDpo } from '../../src/training/algorithms/dpo/loop'
import { dpo } from '../../src/training/algorithms/dpo/algorithm'
import { runGrpo } from '../../src/training/algorithms/grpo/loop'
import { grpo } from '../../src/training/algorithms/grpo/algorithm'
import { runPpo } from '../../src/training/algorithms/ppo/outcome'
import { ppo } from '../../src/training/algorithms/ppo/outcomePpo'
import { runRft } from '../../src/training/algorithms/rft/loop'
import { rft } from '../../src/training/algorithms/rft/algorithm'
import { runSft } from '../../src/training/algorithms/sft/loop'
import { sft } from '../../src/training/algorithms/sft/algorithm'
import { runSteptoolPpo } from '../../src/training/algorithms/ppo/loop'
import { steptoolPpo } from '../../src/training/algorithms/ppo/steptoolPpo'
import { makePairs } from '../../src/training/algorithms/dpo/pairs'
import type { PolicyModel } from '../../src/training/policy/policyModel'
import { trainedPositions } from '../../src/training/batches/stepRewards'
import { adapterUnderTest, testDevice } from '../support/gpu'
import { memoryCheckpoints, someSequences, tinyContext } from './tinyPolicy'

let opened: EngineDevice | null = null
/** One for the file: kernels compile once. */
const engineOf = async (): Promise<EngineDevice> => (opened ??= new EngineDevice(await testDevice(), { isSoftware: true }))

type Settings = Readonly<Record<string, unknown>>
type Run = (context: TrainingContext, settings: Settings) => Promise<{ readonly policy: PolicyModel }>

/** Eight sequences of 13 tokens with 6 trained ones each: mini-batches of any cut weigh alike. */
const sequences = someSequences(8).map((sequence, index) => ({
  ...sequence,
  ids: Array.from({ length: 13 }, (_, t) => (t < 3 ? 5 + (index >> 1) : (7 * t + 11 * index) % 96)),
  stepOf: [-1, -1, -1, 0, 0, 0, -1, -1, -1, -1, 1, 1, 1],
  rewards: [(index % 3) / 2, index % 2],
}))
const TOKENS = 13
const samples = sequences.map((sequence) => ({ ids: sequence.ids, targets: trainedPositions(sequence, 'no_score') }))
const sampleSource = { length: samples.length, sample: (index: number) => samples[index] ?? { ids: [], targets: [] } }
const { pairs } = makePairs(
  sequences.map((sequence, index) => ({ sequence, query: `q${index >> 1}`, outcome: index % 2 })),
  { max_pairs_per_query: 4, overlong_pairs: 'keep' },
  1,
)
const lora = { lora_r: 4, lora_alpha: 8, learning_rate: 5e-3, adam_epsilon: 1e-6 } as const
const ppoSettings = { ...lora, batch_size: 8, ppo_epochs: 1, max_tokens_per_micro_batch: 8 * TOKENS } as const
/** Rollouts, which pass the gate as generation does. */
const rolledOut = <T>(attempts: T, { gate }: TrainingContext) => ({
  next: async () => {
    await gate()
    return attempts
  },
})

interface Subject {
  readonly run: Run
  /** All eight in one micro-batch. */
  readonly whole: Settings
  /** The same batch in other cuts: by accumulation, and by room for one sequence (or pair) at a time. */
  readonly cuts: readonly Settings[]
}
const ppoCuts = (whole: Settings): readonly Settings[] => [
  { ...whole, mini_batch_size: 1, gradient_accumulation_steps: 8 },
  { ...whole, max_tokens_per_micro_batch: 32 },
]
const ppoWhole = { ...ppoSettings, mini_batch_size: 8, gradient_accumulation_steps: 1 } as const
const sftWhole = { ...lora, tokens_per_batch: 8 * TOKENS, gradient_accumulation_steps: 1, warmup_steps: 0, num_train_epochs: 9 } as const
const sftCuts = [
  { ...sftWhole, tokens_per_batch: 4 * TOKENS, gradient_accumulation_steps: 2 },
  { ...sftWhole, tokens_per_batch: 32, gradient_accumulation_steps: 4 },
]
const grpoWhole = {
  ...lora,
  generation_batch_size: 8,
  num_generations: 4,
  num_iterations: 1,
  beta: 0.04,
  max_tokens_per_micro_batch: 8 * TOKENS,
} as const
const dpoWhole = { ...lora, per_device_train_batch_size: 4, gradient_accumulation_steps: 1 } as const

const subjects: Readonly<Record<string, Subject>> = {
  sft: { run: (context, settings) => runSft(context, sft.config.parse(settings), sampleSource), whole: sftWhole, cuts: sftCuts },
  rft: {
    run: (context, settings) => {
      const attempts = sequences.map((sequence, index) => ({ sequence, query: `q${index}`, score: 1 }))
      return runRft(context, rft.config.parse(settings), { isFresh: false, next: () => Promise.resolve(attempts) })
    },
    ...{ whole: sftWhole, cuts: sftCuts },
  },
  ppo: {
    run: (context, settings) => runPpo(context, ppo.config.parse(settings), rolledOut(sequences, context)),
    whole: ppoWhole,
    cuts: ppoCuts(ppoWhole),
  },
  'steptool-ppo': {
    run: (context, settings) => runSteptoolPpo(context, steptoolPpo.config.parse(settings), rolledOut(sequences, context)),
    ...{ whole: ppoWhole, cuts: ppoCuts(ppoWhole) },
  },
  grpo: {
    run: (context, settings) => {
      const attempts = sequences.map((sequence, index) => ({ sequence, group: `q${index >> 2}`, isTruncated: false }))
      return runGrpo(context, grpo.config.parse(settings), rolledOut(attempts, context))
    },
    whole: grpoWhole,
    cuts: [
      { ...grpoWhole, max_tokens_per_micro_batch: 4 * TOKENS },
      { ...grpoWhole, max_tokens_per_micro_batch: 32 },
    ],
  },
  dpo: {
    run: (context, settings) => runDpo(context, dpo.config.parse(settings), pairs),
    whole: dpoWhole,
    cuts: [
      { ...dpoWhole, per_device_train_batch_size: 1, gradient_accumulation_steps: 4 },
      { ...dpoWhole, max_tokens_per_micro_batch: 2 * TOKENS + 6 },
    ],
  },
}

interface Trained {
  readonly metrics: readonly Readonly<Record<string, number>>[]
  readonly weights: Float32Array
}

async function train({ run }: Subject, settings: Settings, more: Partial<TrainingContext> = {}): Promise<Trained> {
  const { context, reports } = await tinyContext(await engineOf(), { steps: 1, ...more })
  const { policy } = await run(context, settings)
  const weights = await policy.packed.readWeights()
  await policy.destroy()
  return { metrics: reports.map(({ metrics }) => metrics), weights }
}

interface Pause {
  /** Steps that were reported, and that the newest checkpoint holds, when the pause began. */
  readonly reported: number
  readonly stored: number
}

/**
 * Parts of a context in which somebody asks for a pause, which is over as soon as it began.
 * @param gateNumber after so many steps were reported. How many gates a step has depends on the GPU's pace.
 */
function pausedAt(afterSteps: number, gateNumber: number, steps: number) {
  const checkpoints = memoryCheckpoints()
  const begun: Pause[] = []
  let [passed, reported, isAsked] = [0, 0, false]
  let store: () => Promise<boolean> = () => Promise.resolve(true)
  const gate = async (): Promise<void> => {
    if (reported === afterSteps) {
      passed += 1
      isAsked ||= passed === gateNumber
    }
    if (!isAsked || !(await store())) return
    isAsked = false
    begun.push({ reported, stored: checkpoints.saved.at(-1)?.step ?? 0 })
  }
  const pauses = { isAsked: () => isAsked, beforePause: (given: () => Promise<boolean>) => void (store = given) }
  const context: Partial<TrainingContext> = {
    ...{ steps, checkpoints, checkpointEvery: 100, gate, pauses },
    report: () => void (reported += 1),
  }
  return { context, checkpoints, begun }
}

/** |a − b| at most 1e-5 of the larger of b and 1; weights by their L2 norm. */
function expectSame(found: Trained, expected: Trained, what: string): void {
  for (const name of ['loss', 'grad_norm'])
    for (const [step, metrics] of expected.metrics.entries()) {
      const wanted = metrics[name] ?? Number.NaN
      const difference = Math.abs((found.metrics[step]?.[name] ?? Number.NaN) - wanted)
      expect(difference / Math.max(1, Math.abs(wanted)), `${what}: ${name} ${wanted}`).toBeLessThan(1e-5)
    }
  const norm = (values: Float32Array): number => Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0))
  const difference = expected.weights.map((value, index) => value - (found.weights[index] ?? Number.NaN))
  expect(norm(difference) / norm(expected.weights), `${what}: weights`).toBeLessThan(1e-5)
}

describe.each(Object.entries(subjects))(`%s on ${adapterUnderTest()}`, (_, subject) => {
  it('one batch of eight is eight of one, accumulated; packed together is one by one; recomputed is kept', async () => {
    const whole = await train(subject, subject.whole)
    expect(whole.metrics[0]?.grad_norm).toBeGreaterThan(1e-3)
    for (const cut of subject.cuts) expectSame(await train(subject, cut), whole, JSON.stringify(cut))
    expectSame(await train(subject, { ...subject.whole, gradient_checkpointing: true }), whole, 'checkpointing')
  })

  it('a run resumed from a checkpoint is the run that was not interrupted, bit for bit', async () => {
    const straight = await train(subject, subject.whole, { steps: 3 })
    const checkpoints = memoryCheckpoints()
    // Stopped while its second step is under way.
    const gate = (): void => {
      if (checkpoints.saved.length === 1) throw new Error('stopped')
    }
    await expect(train(subject, subject.whole, { steps: 3, checkpoints, gate })).rejects.toThrow('stopped')
    const after = await train(subject, subject.whole, { steps: 3, checkpoints })
    expect(after.metrics).toEqual(straight.metrics.slice(1))
    expect(after.weights).toEqual(straight.weights)
  })
})

describe.each(Object.entries(subjects))(`%s on ${adapterUnderTest()}, paused`, (_, subject) => {
  it('at any gate, stores the step it stands at before the pause begins, and ends as if it had not been paused', async () => {
    const STEPS = 3
    const everyStep = memoryCheckpoints()
    const straight = await train(subject, subject.whole, { steps: STEPS, checkpoints: everyStep })
    let pauses = 0
    for (const [after, gate] of Array.from({ length: STEPS }, (_, step) => [1, 2].map((number) => [step, number] as const)).flat()) {
      const { context, checkpoints, begun } = pausedAt(after, gate, STEPS)
      const { weights } = await train(subject, subject.whole, context)
      const where = `gate ${gate} after ${after} steps`
      for (const { stored, reported } of begun) expect(stored, where).toBe(reported)
      pauses += begun.length
      for (const saved of checkpoints.saved) expect(saved, where).toEqual(everyStep.saved[saved.step - 1])
      expect(weights, where).toEqual(straight.weights)
    }
    // Where reports come late, the last gates may be passed by then.
    expect(pauses).toBeGreaterThanOrEqual(STEPS)
  })
})

describe(`an adapter on ${adapterUnderTest()}`, () => {
  const subject = { run: (context: TrainingContext, settings: Settings) => runSft(context, sft.config.parse(settings), sampleSource) }
  const fit = (settings: Settings, more: Partial<TrainingContext> = {}): Promise<Trained> =>
    train({ ...subject, whole: sftWhole, cuts: [] }, { ...sftWhole, ...settings }, { steps: 2, ...more })

  it('is scaled by alpha / √r with rsLoRA, and begins as it is told', async () => {
    const plain = await fit({ lora_alpha: 16 })
    expect((await fit({ lora_alpha: 8, use_rslora: true })).weights).toEqual(plain.weights)
    const gaussian = await fit({ lora_alpha: 16, init_lora_weights: 'gaussian' })
    expect(gaussian.metrics[0]?.loss).toBe(plain.metrics[0]?.loss)
    expect(gaussian.weights).not.toEqual(plain.weights)
  })

  it('has dropout: of every step another mask, which is the same when it is recomputed or resumed', async () => {
    const [whole, plain] = [await fit({ lora_dropout: 0.5 }), await fit({})]
    // B is 0 before the first update: the mask changes gradients, not yet the loss.
    expect(whole.metrics[0]?.loss).toBe(plain.metrics[0]?.loss)
    expect(whole.metrics[1]?.loss).not.toBe(plain.metrics[1]?.loss)
    expectSame(await fit({ lora_dropout: 0.5, gradient_checkpointing: true }), whole, 'checkpointing')
    const checkpoints = memoryCheckpoints()
    await expect(
      fit(
        { lora_dropout: 0.5 },
        { checkpoints, gate: () => (checkpoints.saved.length === 1 ? Promise.reject(new Error('stopped')) : undefined) },
      ),
    ).rejects.toThrow('stopped')
    const after = await fit({ lora_dropout: 0.5 }, { checkpoints })
    expect(after.weights).toEqual(whole.weights)
  })
})
