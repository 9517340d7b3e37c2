/** Estimates the GPU memory of training, part by part, from plans; nothing is allocated for it. */
import { packedBytes, packedLayout } from '../../engine/memory/packedState'
import type { Plan, PlanContext } from '../../engine/plan/planGraph'
import { bytesOf } from '../../engine/tensor'
import type { ModelConfig } from '../../models/architectures/config'
import { decodePlan, EXTEND_BUCKETS, extendPlan, generationBuffers, generationShape } from '../../models/generationPlans'
import type { GenerationSize } from '../../models/generationPlans'
import { storedSpec } from '../../models/architectures/decoder'
import { architectureOf } from '../../models/languageModel'
import { bucketFor } from '../batches/packing'
import type { Sequence } from '../batches/packing'
import { METRICS_BYTES, policyPlans, referenceEntries, trainableEntries } from '../policy/policyPlans'
import type { TrainableSet } from '../policy/policyPlans'
import { nll } from '../policy/nllObjective'

export interface MemoryPart {
  readonly name: string
  readonly bytes: number
  /** For a scratch pool, the number of buffers of each size. */
  readonly scratch?: ReadonlyMap<number, number>
}

export const totalBytes = (parts: readonly MemoryPart[]): number => parts.reduce((sum, { bytes }) => sum + bytes, 0)

/** Buffers come in multiples of 16 bytes. */
const rounded = (bytes: number): number => Math.max(16, Math.ceil(bytes / 16) * 16)

/** The sizes of packed batches that occur: [tokens, rows] by their text. */
export type Sizes = Map<string, readonly [number, number]>
export function noteSize(seen: Sizes, items: readonly { readonly sequence: Sequence }[]): void {
  const size = sizeOfBatch(items)
  seen.set(size.join(), size)
}
/** [tokens, rows] of the bucket a micro-batch is packed into. */
export function sizeOfBatch(items: readonly { readonly sequence: Sequence }[]): readonly [number, number] {
  const sum = (of: (sequence: Sequence) => number): number => bucketFor(items.reduce((total, { sequence }) => total + of(sequence), 0))
  return [sum(({ ids }) => ids.length), sum(({ targets }) => targets.length)]
}

/** The plans that score and train micro-batches of these sizes. The ops of an objective need little memory, so imitation's objective is used for all. */
export function scoreAndGradientPlans(
  config: ModelConfig,
  trainable: TrainableSet,
  device: PlanContext,
  { scored, trained, hasReference }: { readonly scored: Sizes; readonly trained: Sizes; readonly hasReference: boolean },
): Plan[] {
  const plans = policyPlans(config, trainable, device)
  return [
    ...[...scored.values()].flatMap(([tokens, rows]) => [
      plans.score(tokens, rows, false),
      ...(hasReference ? [plans.score(tokens, rows, true)] : []),
    ]),
    ...[...trained.values()].map(([tokens, rows]) => plans.gradient(tokens, rows, nll)),
    plans.update(),
  ]
}

/** The memory of generation: caches, state, and what its plans need besides the model. Every size of extend is counted, although few may occur. */
export function generationMemory(size: GenerationSize, device: PlanContext): MemoryPart[] {
  const shape = generationShape(size)
  const plans = [decodePlan(shape, device), ...EXTEND_BUCKETS.map((tokens) => extendPlan(shape, tokens, device))]
  const own = generationBuffers(shape)
  const sum = (isCache: boolean): number =>
    [...own].reduce((total, [name, bytes]) => total + (name.startsWith('cache.') === isCache ? rounded(bytes) : 0), 0)
  return [
    { name: 'generation caches', bytes: sum(true) },
    { name: 'generation state', bytes: sum(false) },
    ...plansMemory(plans).map((part) => ({ ...part, name: `generation: ${part.name}` })),
  ]
}

/** The buffers through which checkpoints, adapters and metrics are read back. */
export function readback(config: ModelConfig, trainable: TrainableSet): MemoryPart[] {
  return [{ name: 'reading back', bytes: packedLayout(trainableEntries(config, trainable)).count * 4 + 256 }]
}

/** The memory of the model, of what is trained, and of the plans, which share one scratch pool. */
export function policyMemory(config: ModelConfig, trainable: TrainableSet, plans: readonly Plan[]): MemoryPart[] {
  const layout = packedLayout(trainableEntries(config, trainable))
  let frozen = 0
  for (const [name, shape] of Object.entries(architectureOf(config).parameters(config)))
    if (!layout.ranges.has(name)) frozen += rounded(bytesOf(storedSpec(config, name, shape)))
  const frozenCopy = referenceEntries(config, trainable)
  const table = rounded(config.max_position_embeddings * (config.head_dim / 2) * 4)
  return [
    { name: 'frozen weights', bytes: frozen },
    { name: 'rotary tables', bytes: 2 * table },
    { name: 'trained weights, gradients and moments', bytes: packedBytes(layout.count) + METRICS_BYTES },
    ...(frozenCopy.length > 0 ? [{ name: 'reference: a copy of the initial adapter', bytes: packedLayout(frozenCopy).count * 4 }] : []),
    ...plansMemory(plans),
  ]
}

/** The pool has as many buffers of a size class as the plan that needs most of them; batches, outputs and parameters belong to each plan. */
function plansMemory(plans: readonly Plan[]): MemoryPart[] {
  const scratch = hungriest(plans.map(slotsBySize))
  const sum = (of: (plan: Plan) => number): number => plans.reduce((total, plan) => total + of(plan), 0)
  return [
    { name: 'activations', bytes: scratchBytes(scratch), scratch },
    { name: 'batches and outputs', bytes: sum(({ memory }) => memory.batch + memory.outputs) },
    { name: 'kernel parameters', bytes: sum(({ memory }) => memory.uniforms) },
  ]
}

function slotsBySize({ slots }: Plan): ReadonlyMap<number, number> {
  const needed = new Map<number, number>()
  for (const size of slots) needed.set(size, (needed.get(size) ?? 0) + 1)
  return needed
}

/** Joins the parts of jobs that use one model in turn: the scratch pool is counted once, under its first name. */
export function onOnePool(...jobs: readonly (readonly MemoryPart[])[]): MemoryPart[] {
  const parts = jobs.flat()
  const [first] = parts.filter((part) => part.scratch)
  const scratch = hungriest(parts.flatMap((part) => part.scratch ?? []))
  return parts.flatMap((part) => {
    if (part === first) return [{ ...part, bytes: scratchBytes(scratch), scratch }]
    return part.scratch ? [] : [part]
  })
}

function hungriest(needs: readonly ReadonlyMap<number, number>[]): ReadonlyMap<number, number> {
  const most = new Map<number, number>()
  for (const needed of needs) for (const [size, count] of needed) most.set(size, Math.max(most.get(size) ?? 0, count))
  return most
}

const scratchBytes = (scratch: ReadonlyMap<number, number>): number =>
  [...scratch].reduce((total, [size, count]) => total + rounded(size) * count, 0)
