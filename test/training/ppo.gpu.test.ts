/** Outcome PPO on a two-layer model: to the bit step-grained PPO with the scores [0, …, 0, r]; it repeats and resumes bit for bit. */
import { describe, expect, it } from 'vitest'
import { EngineDevice } from '../../src/engine/device/engineDevice'
import type { TrainingContext } from '../../src/training/trainingContext'
import { runPpo } from '../../src/training/algorithms/ppo/outcome'
import { ppo } from '../../src/training/algorithms/ppo/outcomePpo'
import type { PpoConfig } from '../../src/training/algorithms/ppo/config'
import { runSteptoolPpo } from '../../src/training/algorithms/ppo/loop'
import { steptoolPpo } from '../../src/training/algorithms/ppo/steptoolPpo'
import { datasetSource } from '../../src/training/batches/batchLayout'
import type { TokenizedTrajectory } from '../../src/training/batches/tokenizedTrajectory'
import { adapterUnderTest, testDevice } from '../support/gpu'
import { differing } from './difference'
import { memoryCheckpoints, someSequences, tinyContext, type Reported } from './tinyPolicy'

let opened: EngineDevice | null = null
/** One for the file: kernels compile once. */
const engineOf = async (): Promise<EngineDevice> => (opened ??= new EngineDevice(await testDevice(), { isSoftware: true }))
const small: Partial<PpoConfig> = {
  ...{ learning_rate: 5e-3, batch_size: 4, mini_batch_size: 2, gradient_accumulation_steps: 2, ppo_epochs: 2 },
  ...{ lora_r: 4, lora_alpha: 8, lora_targets: ['q_proj', 'v_proj'] },
}
const sequences: readonly TokenizedTrajectory[] = someSequences(8).map((sequence, index) => ({
  ...sequence,
  rewards: [0, (index % 3) / 2],
}))

interface Trained {
  readonly reports: Reported[]
  readonly weights: Float32Array
  readonly klCoef: number
}
async function train(input: Partial<PpoConfig> = {}, more: Partial<TrainingContext> = {}, on = sequences): Promise<Trained> {
  const { context, reports } = await tinyContext(await engineOf(), more)
  const settings = ppo.config.parse({ ...small, ...input })
  const { policy, klCoef } = await runPpo(context, settings, datasetSource(on, settings.batch_size, context.seed))
  const weights = await policy.packed.readWeights()
  await policy.destroy()
  return { reports, weights, klCoef }
}

let base: Promise<Trained> | null = null
const baseRun = (): Promise<Trained> => (base ??= train())

describe(`outcome PPO on ${adapterUnderTest()}`, () => {
  it('is step-grained PPO with the scores [0, …, 0, r], each counted once, bit for bit', async () => {
    const { context, reports } = await tinyContext(await engineOf())
    const settings = steptoolPpo.config.parse({ ...small, step_reward_weighting: 'paper' })
    const { policy, klCoef } = await runSteptoolPpo(context, settings, datasetSource(sequences, settings.batch_size, context.seed))
    const weights = await policy.packed.readWeights()
    await policy.destroy()
    const found = await baseRun()
    expect(differing(found.weights, weights)).toBe(0)
    expect(found.klCoef).toBe(klCoef)
    const isOfRewards = (name: string): boolean => name.startsWith('env/reward')
    const without = (all: readonly Reported[]): unknown =>
      all.map(({ step, metrics }) => [step, Object.entries(metrics).filter(([name]) => !isOfRewards(name))])
    expect(without(found.reports)).toEqual(without(reports))
    // The released weighting counts the final step nothing.
    expect(
      differing(
        (
          await train(
            {},
            {},
            sequences.map((sequence) => ({ ...sequence, rewards: [0, 0] })),
          )
        ).weights,
        weights,
      ),
    ).toBeGreaterThan(0)
  })

  it('reports every metric it explains; the reward is the outcome', async () => {
    for (const { metrics } of (await baseRun()).reports) {
      expect(Object.keys(metrics).sort()).toEqual(Object.keys(ppo.metrics).sort())
      expect(Object.entries(metrics).filter(([, value]) => !Number.isFinite(value))).toEqual([])
      expect(metrics['env/reward_mean']).toBe(metrics['ppo/mean_scores'])
      expect(metrics['env/reward_std']).toBe(metrics['ppo/std_scores'])
    }
  })

  it('a run resumed from a checkpoint is the run that was not interrupted, bit for bit', async () => {
    const straight = await baseRun()
    const checkpoints = memoryCheckpoints()
    const before = await train({}, { steps: 1, checkpoints })
    const after = await train({}, { steps: 2, checkpoints })
    expect([...before.reports, ...after.reports]).toEqual(straight.reports)
    expect(differing(after.weights, straight.weights)).toBe(0)
    expect(after.klCoef).toBe(straight.klCoef)
  })

  it('trajectories without an outcome are not trained', async () => {
    const some = sequences.map((sequence, index) => (index % 2 === 0 ? sequence : { ...sequence, rewards: [null, null] }))
    const { reports } = await train({}, { steps: 1 }, some)
    const unknown = (reports[0]?.metrics['steps/unlabelled'] ?? 0) / 2
    expect(unknown).toBeGreaterThan(0)
    await expect(
      train(
        {},
        { steps: 1 },
        sequences.map((sequence) => ({ ...sequence, rewards: [null, null] })),
      ),
    ).rejects.toThrow('none of its 4 trajectories has a labelled step')
  })
})
