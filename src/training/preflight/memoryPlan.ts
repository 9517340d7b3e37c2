/** What training will hold on the GPU, part by part, from plans alone: nothing is allocated to know it. */
import { packedBytes, packedLayout } from '../../engine/memory/packedState'
import type { Plan, PlanContext } from '../../engine/plan/planGraph'
import { bytesOf } from '../../engine/tensor'
import type { ModelConfig } from '../../models/architectures/config'
import { decodePlan, EXTEND_BUCKETS, extendPlan, generationBuffers, generationShape } from '../../models/generationPlans'
import type { GenerationSize } from '../../models/generationPlans'
import { storedSpec } from '../../models/architectures/decoder'
import { architectureOf } from '../../models/languageModel'
import type { SampleSource } from '../batches/sampleSource'
import { dpoObjective, dpoTrainable, pairsPerUpdate } from '../algorithms/dpo/loop'
import { grpoTrainable } from '../algorithms/grpo/loop'
import { fillBatch, nll, sftTrainable, tokenBucketOf } from '../algorithms/sft/loop'
import type { SftConfig } from '../algorithms/sft/loop'
import { ppoTrainable } from '../algorithms/ppo/loop'
import type { SteptoolPpoConfig } from '../algorithms/ppo/loop'
import { pairBucket, pairParts, referenceSequences } from '../algorithms/dpo/batch'
import type { DpoConfig } from '../algorithms/dpo/config'
import { pairsOfStep, pairsOfSteps } from '../algorithms/dpo/pairs'
import type { DpoPair } from '../algorithms/dpo/pairs'
import type { GrpoConfig } from '../algorithms/grpo/config'
import { bucketFor } from '../batches/packing'
import type { Sequence } from '../batches/packing'
import { METRICS_BYTES, policyPlans, referenceEntries, trainableEntries } from '../policy/policyPlans'
import type { TrainableSet } from '../policy/policyPlans'
import { layoutBatch, microBatches, minibatchesOf, rowCapacity } from '../batches/batchLayout'
import type { BatchLayout, BatchItem } from '../batches/batchLayout'
import type { TokenizedTrajectory } from '../batches/tokenizedTrajectory'

export interface MemoryPart {
  readonly name: string
  readonly bytes: number
  /** Of a scratch pool: how many buffers of each size. */
  readonly scratch?: ReadonlyMap<number, number>
}

export const totalBytes = (parts: readonly MemoryPart[]): number => parts.reduce((sum, { bytes }) => sum + bytes, 0)

/** Buffers come in multiples of 16 bytes. */
const rounded = (bytes: number): number => Math.max(16, Math.ceil(bytes / 16) * 16)

/** Steps looked at to learn which sizes of batches come up. */
const STEPS_LOOKED_AT = 32

/** A run of supervised fine-tuning. */
export function sftMemory(config: ModelConfig, settings: SftConfig, data: SampleSource, steps: number, device: PlanContext): MemoryPart[] {
  const trainable = sftTrainable(settings)
  const plans = policyPlans(config, trainable, device)
  const targets = new Set<number>()
  let cursor = 0
  for (let micro = 0; micro < Math.min(steps, STEPS_LOOKED_AT) * settings.gradient_accumulation_steps; micro++) {
    const filled = fillBatch(data, cursor, settings.tokens_per_batch, config)
    cursor = filled.cursor
    targets.add(bucketFor(filled.sequences.reduce((sum, sequence) => sum + sequence.targets.length, 0)))
  }
  const tokens = tokenBucketOf(settings)
  return [
    ...policyMemory(config, trainable, [...[...targets].map((rows) => plans.gradient(tokens, rows, nll)), plans.update()]),
    ...readback(config, trainable),
  ]
}

/** Which sizes of packed batches come up: [tokens, rows] by their text. */
export type Sizes = Map<string, readonly [number, number]>
export function noteSize(seen: Sizes, items: readonly { readonly sequence: Sequence }[]): void {
  const size = sizeOfBatch(items)
  seen.set(size.join(), size)
}
function sizeOfBatch(items: readonly { readonly sequence: Sequence }[]): readonly [number, number] {
  const sum = (of: (sequence: Sequence) => number): number => bucketFor(items.reduce((total, { sequence }) => total + of(sequence), 0))
  return [sum(({ ids }) => ids.length), sum(({ targets }) => targets.length)]
}

/** A run of step-grained PPO, from its first batches; `batch` gives the sequences of a step. `isContinued`: it begins from an adapter. */
export function ppoMemory(
  config: ModelConfig,
  settings: SteptoolPpoConfig,
  batches: readonly (readonly TokenizedTrajectory[])[],
  seed: number,
  device: PlanContext,
  isContinued = false,
): MemoryPart[] {
  const trainable = ppoTrainable(settings, isContinued)
  const limits = { maxTokens: settings.max_tokens_per_micro_batch, maxPositions: config.max_position_embeddings }
  const scored: Sizes = new Map()
  const trained: Sizes = new Map()
  let tables = 0
  batches.forEach((sequences, step) => {
    const batch = layoutBatch(
      sequences,
      { step_reward_weighting: settings.step_reward_weighting, unlabelled_steps: settings.unlabelled_steps },
      limits,
    )
    // Five columns of the batch's rows, two tables of four, and what makes them.
    tables = Math.max(tables, rowCapacity(batch.rows) * 4 * 24)
    for (const items of microBatches(batch.items, limits.maxTokens)) noteSize(scored, items)
    for (let epoch = 0; epoch < settings.ppo_epochs; epoch++)
      for (const members of minibatchesOf(batch.items.length, settings.mini_batch_size, seed, step, epoch))
        for (const part of partsOf(batch, members, limits.maxTokens)) noteSize(trained, part)
  })
  const { count } = packedLayout(trainableEntries(config, trainable))
  return [
    ...policyMemory(config, trainable, plansOf(config, trainable, device, scored, trained, true)),
    { name: 'PPO tables and kept gradients', bytes: tables + count * 4 },
    ...readback(config, trainable),
  ]
}

/** A run of GRPO, from batches as they may come. */
export function grpoMemory(
  config: ModelConfig,
  settings: GrpoConfig,
  batches: readonly (readonly TokenizedTrajectory[])[],
  seed: number,
  device: PlanContext,
  isContinued = false,
): MemoryPart[] {
  const trainable = grpoTrainable(settings, isContinued)
  const limits = { maxTokens: settings.max_tokens_per_micro_batch, maxPositions: config.max_position_embeddings }
  const scored: Sizes = new Map()
  const trained: Sizes = new Map()
  let tables = 0
  batches.forEach((sequences, step) => {
    const batch = layoutBatch(sequences, { step_reward_weighting: 'paper', unlabelled_steps: 'no_score' }, limits)
    // Two columns, the advantages, a table of four.
    tables = Math.max(tables, rowCapacity(batch.rows) * 4 * 7)
    for (const items of microBatches(batch.items, limits.maxTokens)) noteSize(scored, items)
    const size = Math.ceil(sequences.length / settings.steps_per_generation)
    for (const members of minibatchesOf(batch.items.length, size, seed, step, 0))
      for (const part of partsOf(batch, members, limits.maxTokens)) noteSize(trained, part)
  })
  return [
    ...policyMemory(config, trainable, plansOf(config, trainable, device, scored, trained, settings.beta > 0)),
    { name: 'GRPO tables', bytes: tables },
    ...readback(config, trainable),
  ]
}

/** A run of DPO on these pairs. */
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
  const size = pairsPerUpdate(settings)
  const scored: Sizes = new Map()
  const upcoming = referenceSequences(pairsOfSteps(pairs, size, seed, 0, steps))
  for (const part of microBatches(upcoming, settings.max_tokens_per_micro_batch)) noteSize(scored, part)
  const trained = new Map<string, readonly [number, number, number]>()
  for (let step = 0; step < Math.min(steps, STEPS_LOOKED_AT); step++)
    for (const part of pairParts(pairsOfStep(pairs, size, seed, step), settings)) {
      const of = [...sizeOfBatch(part.flatMap(({ chosen, rejected }) => [chosen, rejected])), pairBucket(part.length)] as const
      trained.set(of.join(), of)
    }
  return [
    ...policyMemory(config, trainable, [
      ...[...scored.values()].map(([tokens, rows]) => plans.score(tokens, rows, true)),
      ...[...trained.values()].map(([tokens, rows, room]) => plans.gradient(tokens, rows, dpoObjective(settings, room))),
      plans.headMeans(),
      plans.update(),
    ]),
    { name: 'column means of the head', bytes: 4 * config.hidden_size },
    ...readback(config, trainable),
  ]
}

const partsOf = (batch: BatchLayout, members: readonly number[], maxTokens: number): BatchItem[][] =>
  microBatches(
    members.flatMap((index) => batch.items[index] ?? []),
    maxTokens,
  )

function plansOf(
  config: ModelConfig,
  trainable: TrainableSet,
  device: PlanContext,
  scored: Sizes,
  trained: Sizes,
  hasReference: boolean,
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

/** Caches and state of generation, and what its plans need beyond the model: every size of extend counts, although few may come up. */
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

/** Checkpoints and adapters are copied out through a buffer of their size, metrics through small ones. */
export function readback(config: ModelConfig, trainable: TrainableSet): MemoryPart[] {
  return [{ name: 'reading back', bytes: packedLayout(trainableEntries(config, trainable)).count * 4 + 256 }]
}

/** The model, what is trained of it, and the plans that run on one scratch pool. */
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
    ...(frozenCopy.length > 0 ? [{ name: 'reference: the adapter it began from', bytes: packedLayout(frozenCopy).count * 4 }] : []),
    ...plansMemory(plans),
  ]
}

/** The pool holds as many buffers of a size class as the hungriest plan needs; batches, outputs and parameters are each plan's own. */
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

/** Parts of what runs by turns on one model: its scratch pool is counted once, under the first name it has. */
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
