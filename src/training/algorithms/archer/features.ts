/**
 * What the critics read: hidden states of the policy's own trunk, adapter off, so that they stay the same while the policy learns. An
 * observation is the state of its last token, an action that of its own last token behind the observation. Each is scaled to a mean
 * square of 1: the sizes of hidden states differ a hundredfold between models, critic_lr need not.
 */
import { partProgress } from '../../../engine/device/activity'
import type { Gate } from '../../../engine/plan/executable'
import type { Transition } from './replay'
import { packSequences, uploadBatch } from '../../batches/packing'
import type { Sequence } from '../../batches/packing'
import type { PolicyModel } from '../../policy/policyModel'
import { microBatches } from '../../batches/batchLayout'

/** A prefix of so many tokens, at least 1. */
export interface FeatureRequest {
  readonly ids: readonly number[]
  /** Lengths of the prefixes whose last token is read, ascending. */
  readonly ends: readonly number[]
}

/** The parts of these utterances that the critics need encoded, each trajectory once. */
export function prefixesOf(transitions: readonly Transition[]): FeatureRequest[] {
  const ends = new Map<readonly number[], Set<number>>()
  for (const { ids, observation, action, next } of transitions) {
    const own = ends.get(ids) ?? new Set<number>()
    ends.set(ids, own)
    for (const end of [observation, action, next]) if (end > 0) own.add(end)
  }
  return [...ends].map(([ids, own]) => ({ ids, ends: [...own].sort((a, b) => a - b) }))
}

/** A row reads the token before its target: a token more makes every prefix's last one readable. What comes after changes nothing before. */
function featureSequence({ ids, ends }: FeatureRequest): Sequence {
  const length = ends.at(-1) ?? 0
  return { ids: [...ids.slice(0, length), 0], targets: ends }
}

/** The micro-batches in which requests are encoded. */
export const featureParts = (requests: readonly FeatureRequest[], maxTokens: number): { readonly sequence: Sequence }[][] =>
  microBatches(
    requests.map((request) => ({ sequence: featureSequence(request) })),
    maxTokens,
  )

/** The parts of these requests that are not encoded yet. */
export const missingFeatures = (
  wanted: readonly FeatureRequest[],
  isKnown: (ids: readonly number[], end: number) => boolean,
): FeatureRequest[] =>
  wanted.flatMap(({ ids, ends }) => {
    const left = ends.filter((end) => !isKnown(ids, end))
    return left.length === 0 ? [] : [{ ids, ends: left }]
  })

/** Features of each end of each request, in order. */
export async function encodeFeatures(
  policy: PolicyModel,
  requests: readonly FeatureRequest[],
  options: { readonly maxTokens: number; readonly gate: Gate },
): Promise<Float32Array[][]> {
  const { hidden_size: width, vocab_size: vocabulary } = policy.model.config
  const found: Float32Array[][] = []
  const parts = featureParts(requests, options.maxTokens)
  const progress = partProgress(policy.engine, 'score', parts.length)
  for (const part of parts) {
    progress.next()
    const packed = packSequences(
      part.map(({ sequence }) => sequence),
      vocabulary,
    )
    const trunk = await policy.hidden(packed.tokenBucket, packed.targetBucket)
    uploadBatch(trunk, packed)
    await trunk.run(options.gate)
    const states = await trunk.readOutput('hidden', packed.targetCount * width)
    let row = 0
    for (const { sequence } of part) found.push(sequence.targets.map(() => scaled(states.subarray(row * width, ++row * width))))
  }
  return found
}

/** Rows end to end, each of parts end to end. */
export function rowsOf(rows: readonly (readonly Float32Array[])[]): Float32Array {
  const width = rows[0]?.reduce((sum, { length }) => sum + length, 0) ?? 0
  const all = new Float32Array(rows.length * width)
  rows.forEach((parts, row) => {
    let offset = row * width
    for (const part of parts) {
      all.set(part, offset)
      offset += part.length
    }
  })
  return all
}

function scaled(state: Float32Array): Float32Array {
  const square = state.reduce((sum, value) => sum + value * value, 0) / state.length
  const factor = 1 / Math.sqrt(Math.max(square, Number.MIN_VALUE))
  return state.map((value) => value * factor)
}

/** A cache of features of replayed trajectories. Beyond `budget` bytes the oldest entries are dropped. */
export class TrajectoryFeatures {
  readonly #known = new Map<readonly number[], Map<number, Float32Array>>()
  readonly #budget: number
  #bytes = 0

  constructor(budget: number) {
    this.#budget = budget
  }

  of(ids: readonly number[], end: number): Float32Array {
    const found = this.#known.get(ids)?.get(end)
    if (!found) throw new Error(`no features of ${end} tokens of a replayed trajectory`)
    return found
  }

  /** Computes the features of these trajectories that are not in the cache. Features that are needed next are not dropped. */
  async ensure(
    policy: PolicyModel,
    wanted: readonly FeatureRequest[],
    options: { readonly maxTokens: number; readonly gate: Gate },
  ): Promise<void> {
    const needed = new Set(wanted.map(({ ids }) => ids))
    for (const [ids, features] of this.#known) {
      if (this.#bytes <= this.#budget) break
      if (needed.has(ids)) continue
      this.#known.delete(ids)
      for (const { byteLength } of features.values()) this.#bytes -= byteLength
    }
    const missing = missingFeatures(wanted, (ids, end) => this.#known.get(ids)?.has(end) === true)
    const found = await encodeFeatures(policy, missing, options)
    missing.forEach(({ ids, ends }, index) => {
      const own = this.#known.get(ids) ?? new Map<number, Float32Array>()
      this.#known.set(ids, own)
      ends.forEach((end, place) => {
        const features = found[index]?.[place]
        if (!features) return
        own.set(end, features)
        this.#bytes += features.byteLength
      })
    })
  }
}
