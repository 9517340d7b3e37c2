/** The problem on Hone's engine, as `hone train` runs it: gradient of a packed batch, one AdamW update. */
import type { EngineDevice } from '../engine/device/engineDevice'
import type { Executable, Gate } from '../engine/plan/executable'
import { nll } from '../training/policy/nllObjective'
import { policyMemory, type MemoryPart } from '../training/preflight/memoryPlan'
import { packSequences, uploadBatch } from '../training/batches/packing'
import { PolicyModel } from '../training/policy/policyModel'
import { policyPlans, type TrainableSet } from '../training/policy/policyPlans'
import type { BenchTrainer } from './baselines/jaxTrainer'
import type { TrainProblem } from './trainProblem'

export interface OwnTrainer extends BenchTrainer {
  /** The gate is awaited between submits. */
  step(gate?: Gate): Promise<void>
  /** In the order in which a step runs them. */
  readonly executables: readonly Executable[]
  /** What the plans said before anything was allocated. */
  readonly memory: readonly MemoryPart[]
  readonly parameters: number
}

export async function createOwnTrainer(engine: EngineDevice, problem: TrainProblem): Promise<OwnTrainer> {
  const { config, sequences } = problem
  const trainable: TrainableSet = { kind: 'all', valueHead: false }
  const batch = packSequences(
    sequences.map((ids) => ({ ids, targets: ids.slice(1).map((_, index) => index + 1) })),
    config.vocab_size,
  )
  const plans = policyPlans(config, trainable, engine)
  const memory = policyMemory(config, trainable, [plans.gradient(batch.tokenBucket, batch.targetBucket, nll), plans.update()])

  const policy = await PolicyModel.create(engine, config, problem.weights, trainable)
  const gradient = await policy.gradient('bench', batch.tokenBucket, batch.targetBucket, nll)
  const update = await policy.update()
  policy.packed.setHyper(problem.hyper)
  const weight = new Float32Array(batch.targetCount).fill(1 / batch.targetCount)
  return {
    memory,
    parameters: policy.packed.count,
    executables: [gradient, update],
    async step(gate) {
      policy.beginStep()
      uploadBatch(gradient, batch)
      gradient.write('weight', weight)
      await gradient.run(gate)
      await update.run(gate)
      await update.finish()
    },
    loss: async () => (await engine.readF32(policy.metricsBuffer, 0, 1))[0] ?? Number.NaN,
    destroy: () => policy.destroy(),
  }
}
