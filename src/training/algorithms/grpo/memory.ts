/** The GPU memory of a run of GRPO. */
import type { PlanContext } from '../../../engine/plan/planGraph'
import type { ModelConfig } from '../../../models/architectures/config'
import { rowCapacity } from '../../batches/batchLayout'
import type { TokenizedTrajectory } from '../../batches/tokenizedTrajectory'
import { noteSize, policyMemory, readback, scoreAndGradientPlans } from '../../preflight/memoryPlan'
import type { MemoryPart, Sizes } from '../../preflight/memoryPlan'
import type { GrpoConfig } from './config'
import { grpoTrainable } from './loop'
import { layoutOfStep, scoredParts, updatesOfStep } from './microBatches'

/** The sizes of micro-batches and of row tables that come up. @param batches the attempts of each step. */
function grpoSizes(
  config: Pick<ModelConfig, 'max_position_embeddings'>,
  settings: GrpoConfig,
  batches: readonly (readonly TokenizedTrajectory[])[],
  seed: number,
): { scored: Sizes; trained: Sizes; capacities: ReadonlySet<number> } {
  const limits = { maxTokens: settings.max_tokens_per_micro_batch, maxPositions: config.max_position_embeddings }
  const scored: Sizes = new Map()
  const trained: Sizes = new Map()
  const capacities = new Set<number>()
  batches.forEach((sequences, step) => {
    const samples = sequences.map((sequence) => ({ sequence, group: '', isTruncated: false }))
    const batch = layoutOfStep(samples, settings, limits)
    capacities.add(rowCapacity(batch.rows))
    for (const part of scoredParts(batch, settings)) noteSize(scored, part)
    for (const { parts } of updatesOfStep(batch, samples, settings, seed, step)) for (const part of parts) noteSize(trained, part)
  })
  return { scored, trained, capacities }
}

/** @param isContinued whether the run starts from an adapter. */
export function grpoMemory(
  config: ModelConfig,
  settings: GrpoConfig,
  batches: readonly (readonly TokenizedTrajectory[])[],
  seed: number,
  device: PlanContext,
  isContinued = false,
): MemoryPart[] {
  const trainable = grpoTrainable(settings, isContinued)
  const { scored, trained, capacities } = grpoSizes(config, settings, batches, seed)
  // Two columns, the advantages, a table of four.
  const tables = [...capacities].reduce((sum, capacity) => sum + capacity * 4 * 7, 0)
  const hasReference = settings.beta > 0
  return [
    ...policyMemory(config, trainable, scoreAndGradientPlans(config, trainable, device, { scored, trained, hasReference })),
    { name: 'GRPO tables', bytes: tables },
    ...readback(config, trainable),
  ]
}
