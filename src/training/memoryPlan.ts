/** What training will hold on the GPU, part by part, from plans alone: nothing is allocated to know it. */
import { packedBytes, packedLayout } from '../engine/memory/packedState'
import type { Plan } from '../engine/plan/planGraph'
import { sizeOf } from '../engine/tensor'
import type { ModelConfig } from '../models/architectures/config'
import { architectureOf } from '../models/languageModel'
import { METRICS_BYTES, trainableEntries } from './policyPlans'
import type { TrainableSet } from './policyPlans'

export interface MemoryPart {
  readonly name: string
  readonly bytes: number
}

export const totalBytes = (parts: readonly MemoryPart[]): number => parts.reduce((sum, { bytes }) => sum + bytes, 0)

/** Buffers come in multiples of 16 bytes. */
const rounded = (bytes: number): number => Math.max(16, Math.ceil(bytes / 16) * 16)

/** The model, what is trained of it, and the plans that run on one scratch pool. */
export function policyMemory(config: ModelConfig, trainable: TrainableSet, plans: readonly Plan[]): MemoryPart[] {
  const layout = packedLayout(trainableEntries(config, trainable))
  let frozen = 0
  for (const [name, shape] of Object.entries(architectureOf(config).parameters(config))) if (!layout.ranges.has(name)) frozen += rounded(sizeOf(shape) * 4)
  const table = rounded(config.max_position_embeddings * (config.head_dim / 2) * 4)
  return [
    { name: 'frozen weights', bytes: frozen },
    { name: 'rotary tables', bytes: 2 * table },
    { name: 'trained weights, gradients and moments', bytes: packedBytes(layout.count) + METRICS_BYTES },
    ...plansMemory(plans),
  ]
}

/** The pool holds as many buffers of a size class as the hungriest plan needs; batches, outputs and parameters are each plan's own. */
export function plansMemory(plans: readonly Plan[]): MemoryPart[] {
  const most = new Map<number, number>()
  for (const { slots } of plans) {
    const needed = new Map<number, number>()
    for (const size of slots) needed.set(size, (needed.get(size) ?? 0) + 1)
    for (const [size, count] of needed) most.set(size, Math.max(most.get(size) ?? 0, count))
  }
  const sum = (of: (plan: Plan) => number): number => plans.reduce((total, plan) => total + of(plan), 0)
  return [
    { name: 'activations', bytes: [...most].reduce((total, [size, count]) => total + rounded(size) * count, 0) },
    { name: 'batches and outputs', bytes: sum(({ memory }) => memory.batch + memory.outputs) },
    { name: 'kernel parameters', bytes: sum(({ memory }) => memory.uniforms) },
  ]
}
