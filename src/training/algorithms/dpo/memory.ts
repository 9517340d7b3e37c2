/** The GPU memory of a run of DPO. */
import type { PlanContext } from '../../../engine/plan/planGraph'
import type { ModelConfig } from '../../../models/architectures/config'
import { policyPlans } from '../../policy/policyPlans'
import { noteSize, policyMemory, readback, sizeOfBatch } from '../../preflight/memoryPlan'
import type { MemoryPart, Sizes } from '../../preflight/memoryPlan'
import { pairBucket } from './batch'
import type { DpoConfig } from './config'
import { dpoObjective, dpoTrainable } from './loop'
import { partsOfStep, referenceParts } from './microBatches'
import type { DpoPair } from './pairs'

/** The number of updates whose batch sizes are planned. */
const UPDATES_LOOKED_AT = 32

/** Sizes the reference scores, and [tokens, rows, pairs] of the micro-batches that are trained on. */
function dpoSizes(
  settings: DpoConfig,
  pairs: readonly DpoPair[],
  steps: number,
  seed: number,
): { scored: Sizes; trained: ReadonlyMap<string, readonly [number, number, number]> } {
  const scored: Sizes = new Map()
  for (const part of referenceParts(pairs, settings, seed, 0, steps)) noteSize(scored, part)
  const trained = new Map<string, readonly [number, number, number]>()
  for (let step = 0; step < Math.min(steps, UPDATES_LOOKED_AT); step++)
    for (const part of partsOfStep(pairs, settings, seed, step)) {
      const of = [...sizeOfBatch(part.flatMap(({ chosen, rejected }) => [chosen, rejected])), pairBucket(part.length)] as const
      trained.set(of.join(), of)
    }
  return { scored, trained }
}

/** @param isContinued whether the run starts from an adapter. */
export function dpoMemory(
  config: ModelConfig,
  settings: DpoConfig,
  pairs: readonly DpoPair[],
  steps: number,
  seed: number,
  device: PlanContext,
  isContinued = false,
): MemoryPart[] {
  const trainable = dpoTrainable(settings, isContinued)
  const plans = policyPlans(config, trainable, device)
  const { scored, trained } = dpoSizes(settings, pairs, steps, seed)
  return [
    ...policyMemory(config, trainable, [
      ...[...scored.values()].map(([tokens, rows]) => plans.score(tokens, rows, true)),
      ...[...trained.values()].map(([tokens, rows, pairsAtOnce]) => plans.gradient(tokens, rows, dpoObjective(settings, pairsAtOnce))),
      plans.headMeans(),
      plans.update(),
    ]),
    { name: 'column means of the head', bytes: 4 * config.hidden_size },
    ...readback(config, trainable),
  ]
}
