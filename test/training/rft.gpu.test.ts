/** Rejection sampling end to end on a two-layer model: what is kept is imitated as SFT does it, and runs resume bit for bit. */
import { describe, expect, it } from 'vitest'
import { EngineDevice } from '../../src/engine/device/engineDevice'
import type { TrainingContext } from '../../src/training/trainingContext'
import { runRft, type RftSource } from '../../src/training/algorithms/rft/loop'
import { rft } from '../../src/training/algorithms/rft/algorithm'
import { samplesOf } from '../../src/training/batches/sampleSource'
import { runSft } from '../../src/training/algorithms/sft/loop'
import { sft } from '../../src/training/algorithms/sft/algorithm'
import type { PolicyModel } from '../../src/training/policy/policyModel'
import type { RftConfig } from '../../src/training/algorithms/rft/config'
import { selectPasses, type RftAttempt } from '../../src/training/algorithms/rft/selection'
import { adapterUnderTest, testDevice } from '../support/gpu'
import { differing } from './difference'
import { memoryCheckpoints, someSequences, tinyContext, type Reported } from './tinyPolicy'

let opened: EngineDevice | null = null
/** One for the file: kernels compile once. */
const engineOf = async (): Promise<EngineDevice> => (opened ??= new EngineDevice(await testDevice(), { isSoftware: true }))

const small: Partial<RftConfig> = {
  ...{ learning_rate: 5e-3, tokens_per_batch: 64, warmup_steps: 0, lr_scheduler_type: 'constant', lora_r: 4, lora_alpha: 8 },
  ...{ generation_batch_size: 8, num_generations: 2, num_train_epochs: 50 },
}
/** Two attempts at each of four queries; half of them pass. */
const attemptsOf = (seed: number, score = (index: number): number | null => index % 2): RftAttempt[] =>
  someSequences(8, seed).map((sequence, index) => ({ sequence, query: `q${index >> 1}`, score: score(index) }))
const dataset = (attempts: readonly RftAttempt[] = attemptsOf(3)): RftSource => ({ isFresh: false, next: () => Promise.resolve(attempts) })

/** Attempts that depend on the policy's weights: practice done again with other weights would show. */
function practice(asked: number[] = []): RftSource {
  return {
    isFresh: true,
    next: async (step: number, policy: PolicyModel) => {
      asked.push(step)
      const weights = await policy.packed.readWeights()
      const moved = weights.reduce((sum, weight) => sum + Math.abs(weight), 0)
      return attemptsOf(100 + step + (Math.round(moved * 1e4) % 50))
    },
  }
}

async function train(
  input: Partial<RftConfig>,
  source: RftSource,
  context: Partial<TrainingContext> = {},
): Promise<{ reports: Reported[]; weights: Float32Array; notes: string[]; steps: number }> {
  const notes: string[] = []
  const { context: full, reports } = await tinyContext(await engineOf(), { steps: 4, ...context })
  const settings = rft.config.parse({ ...small, ...input })
  const { policy, steps } = await runRft(full, settings, source, (note) => void notes.push(note))
  const weights = await policy.packed.readWeights()
  await policy.destroy()
  return { reports, weights, notes, steps }
}

describe(`rejection sampling on ${adapterUnderTest()}`, () => {
  it('imitates what it kept, to the bit as SFT does', async () => {
    const { reports, weights, notes, steps } = await train({}, dataset())
    expect(steps).toBe(4)
    expect(notes).toEqual(['4 of 8 attempts are imitated, from 4 queries: 4 passed, minus 0 duplicates, 0 beyond max_samples_per_query.'])
    for (const { metrics } of reports) {
      expect(Object.keys(metrics).sort()).toEqual(Object.keys(rft.metrics).sort())
      expect(Object.entries(metrics).filter(([, value]) => !Number.isFinite(value))).toEqual([])
      expect(metrics).toMatchObject({ 'rft/sampled': 8, 'rft/passed': 4, 'rft/kept': 4, 'rft/queries': 4 })
    }
    expect(reports.at(-1)?.metrics.loss).toBeLessThan(reports[0]?.metrics.loss ?? 0)

    const { context } = await tinyContext(await engineOf(), { steps: 4 })
    const { kept } = selectPasses(attemptsOf(3), rft.config.parse(small), context.seed, 0)
    const shared = Object.fromEntries(Object.entries(small).filter(([name]) => name in sft.config.shape))
    const { policy } = await runSft(context, sft.config.parse(shared), samplesOf(kept))
    expect(differing(weights, await policy.packed.readWeights())).toBe(0)
    await policy.destroy()
  })

  it('step_filtered: steps labelled 0 train as little as observations', async () => {
    const zeroFirst = attemptsOf(3).map((attempt) => ({ ...attempt, sequence: { ...attempt.sequence, rewards: [0, 1] } }))
    const filtered = await train({ step_filtered: true }, dataset(zeroFirst), { steps: 1 })
    const whole = await train({}, dataset(zeroFirst), { steps: 1 })
    expect(filtered.reports[0]?.metrics).toMatchObject({ 'rft/filtered_steps': 4 })
    expect(whole.reports[0]?.metrics).toMatchObject({ 'rft/filtered_steps': 0 })
    expect(differing(filtered.weights, whole.weights)).toBeGreaterThan(0)
    // The same as if the first step were an observation.
    const observed = zeroFirst.map(({ sequence, ...rest }) => ({
      ...rest,
      sequence: { ...sequence, stepOf: sequence.stepOf.map((step) => (step === 0 ? -1 : step)) },
    }))
    const { weights } = await train({}, dataset(observed), { steps: 1 })
    expect(differing(filtered.weights, weights)).toBe(0)
  })

  it('goes over what it kept num_train_epochs times, or until max_steps', async () => {
    const short = await train({ num_train_epochs: 2 }, dataset(), { steps: 50 })
    expect(short.steps).toBeLessThan(8)
    expect(short.reports).toHaveLength(short.steps)
    expect(short.notes[1]).toBe(`2 passes over these take ${short.steps} updates: the run ends there.`)
    expect((await train({}, dataset(), { steps: 3 })).steps).toBe(3)
  })

  it('data: a run resumed from a checkpoint is the run that was not interrupted, bit for bit', async () => {
    const straight = await train({}, dataset())
    const checkpoints = memoryCheckpoints()
    const stopped = (): void => {
      if (checkpoints.saved.length === 2) throw new Error('stopped')
    }
    await expect(train({}, dataset(), { checkpoints, gate: stopped })).rejects.toThrow('stopped')
    const after = await train({}, dataset(), { checkpoints })
    expect(after.reports).toEqual(straight.reports.slice(2))
    expect(differing(after.weights, straight.weights)).toBe(0)
  })

  it('practice in rounds: each samples from the policy as it is, and a resumed run goes on where it was', async () => {
    const asked: number[] = []
    const rounds = { sampling_rounds: 2 }
    const straight = await train(rounds, practice(asked), { steps: 6 })
    expect(asked).toEqual([0, 3])
    expect(straight.reports.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4, 5])
    expect(straight.notes.map((note) => note.slice(0, 14))).toEqual(['Round 1 of 2: ', 'Round 2 of 2: '])
    // In the middle of a round, at its end, and in the middle of the last.
    for (const at of [1, 3, 4]) {
      const checkpoints = memoryCheckpoints()
      const stopped = (): void => {
        if (checkpoints.saved.length === at) throw new Error('stopped')
      }
      await expect(train(rounds, practice(), { steps: 6, checkpoints, gate: stopped })).rejects.toThrow('stopped')
      const again: number[] = []
      const after = await train(rounds, practice(again), { steps: 6, checkpoints })
      expect(again).toEqual(at <= 3 ? [3] : [])
      expect(after.reports).toEqual(straight.reports.slice(at))
      expect(differing(after.weights, straight.weights)).toBe(0)
    }
  })

  it('a later round without a pass goes on with what was kept before; a first one ends the run, and nothing is left', async () => {
    const engine = await engineOf()
    const luck = (from: number): RftSource => ({
      isFresh: true,
      next: (step) => Promise.resolve(attemptsOf(3, () => (step >= from ? 0 : 1))),
    })
    const { reports, notes } = await train({ sampling_rounds: 2 }, luck(1))
    expect(reports.map(({ metrics }) => metrics['rft/kept'])).toEqual([8, 8, 0, 0])
    expect(notes[1]).toContain('Training continued with the attempts kept before.')
    const before = engine.allocatedBytes
    await expect(train({}, luck(0))).rejects.toThrow(
      'RFT imitates attempts whose final step earned at least 1, and none of 8 did: the best has 0.',
    )
    await expect(train({ generation_batch_size: 7 }, practice())).rejects.toThrow(
      'generation_batch_size 7 is no multiple of num_generations 2',
    )
    await expect(train({}, dataset(), { gate: () => Promise.reject(new Error('stopped')) })).rejects.toThrow('stopped')
    expect(engine.allocatedBytes).toBe(before)
  })
})
