/** The GPU memory of a run of supervised fine-tuning. */
import type { PlanContext } from '../../../engine/plan/planGraph'
import type { ModelConfig } from '../../../models/architectures/config'
import { nll } from '../../policy/nllObjective'
import { policyPlans } from '../../policy/policyPlans'
import { policyMemory, readback } from '../../preflight/memoryPlan'
import type { MemoryPart } from '../../preflight/memoryPlan'
import type { SampleSource } from '../../batches/sampleSource'
import { sftTrainable } from './config'
import type { SftConfig } from './config'
import { microBatchesOfStep, targetBucketOf, tokenBucketOf } from './microBatches'

/** The number of updates whose batch sizes are planned. */
const UPDATES_LOOKED_AT = 32

/** Target rows of the micro-batches of the first updates, each size once. */
function sftSizes(config: ModelConfig, settings: SftConfig, data: SampleSource, steps: number): ReadonlySet<number> {
  const targets = new Set<number>()
  let cursor = 0
  for (let step = 0; step < Math.min(steps, UPDATES_LOOKED_AT); step++) {
    const drawn = microBatchesOfStep(data, cursor, settings, config)
    cursor = drawn.cursor
    for (const sequences of drawn.micros) targets.add(targetBucketOf(sequences))
  }
  return targets
}

export function sftMemory(config: ModelConfig, settings: SftConfig, data: SampleSource, steps: number, device: PlanContext): MemoryPart[] {
  const trainable = sftTrainable(settings)
  const plans = policyPlans(config, trainable, device)
  const tokens = tokenBucketOf(settings)
  const gradients = [...sftSizes(config, settings, data, steps)].map((rows) => plans.gradient(tokens, rows, nll))
  return [...policyMemory(config, trainable, [...gradients, plans.update()]), ...readback(config, trainable)]
}
