/** The GPU memory of a run of PPO. */
import { packedLayout } from '../../../engine/memory/packedState'
import type { PlanContext } from '../../../engine/plan/planGraph'
import type { ModelConfig } from '../../../models/architectures/config'
import { rowCapacity } from '../../batches/batchLayout'
import type { TokenizedTrajectory } from '../../batches/tokenizedTrajectory'
import { trainableEntries } from '../../policy/policyPlans'
import { noteSize, policyMemory, readback, scoreAndGradientPlans } from '../../preflight/memoryPlan'
import type { MemoryPart, Sizes } from '../../preflight/memoryPlan'
import type { SteptoolPpoConfig } from './config'
import { ppoTrainable } from './loop'
import { layoutOfStep, scoredParts, updatesOfStep } from './microBatches'

/** The sizes of micro-batches and of row tables that come up. @param batches the sequences of each step. */
function ppoSizes(
  config: Pick<ModelConfig, 'max_position_embeddings'>,
  settings: SteptoolPpoConfig,
  batches: readonly (readonly TokenizedTrajectory[])[],
  seed: number,
): { scored: Sizes; trained: Sizes; capacities: ReadonlySet<number> } {
  const limits = { maxTokens: settings.max_tokens_per_micro_batch, maxPositions: config.max_position_embeddings }
  const scored: Sizes = new Map()
  const trained: Sizes = new Map()
  const capacities = new Set<number>()
  batches.forEach((sequences, step) => {
    const batch = layoutOfStep(sequences, settings, limits)
    capacities.add(rowCapacity(batch.rows))
    for (const part of scoredParts(batch, settings)) noteSize(scored, part)
    for (const minibatches of updatesOfStep(batch, settings, seed, step))
      for (const { parts } of minibatches) for (const part of parts) noteSize(trained, part)
  })
  return { scored, trained, capacities }
}

/** @param isContinued whether the run starts from an adapter. */
export function ppoMemory(
  config: ModelConfig,
  settings: SteptoolPpoConfig,
  batches: readonly (readonly TokenizedTrajectory[])[],
  seed: number,
  device: PlanContext,
  isContinued = false,
): MemoryPart[] {
  const trainable = ppoTrainable(settings, isContinued)
  const { scored, trained, capacities } = ppoSizes(config, settings, batches, seed)
  // Five columns of the batch's rows, two tables of four, and what makes them.
  const tables = [...capacities].reduce((sum, capacity) => sum + capacity * 4 * 24, 0)
  const { count } = packedLayout(trainableEntries(config, trainable))
  return [
    ...policyMemory(config, trainable, scoreAndGradientPlans(config, trainable, device, { scored, trained, hasReference: true })),
    { name: 'PPO tables and a copy of the gradients', bytes: tables + count * 4 },
    ...readback(config, trainable),
  ]
}
