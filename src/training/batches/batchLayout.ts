/** Lays out a batch of sequences as rows, one per trained token. The ops of PPO and their metrics use these rows. */
import { createRng } from '../../base/random'
import type { Sequence } from './packing'
import type { PolicyModel } from '../policy/policyModel'
import type { TokenizedTrajectory } from './tokenizedTrajectory'
import { placeStepScores, trainedPositions } from './stepRewards'
import type { StepRewardWeighting, UnlabelledSteps } from './stepRewards'

/** The source of batches: a data set, or rollouts of the current policy. null ends the run. */
export interface BatchSource {
  next(batchIndex: number, policy: PolicyModel): Promise<readonly TokenizedTrajectory[] | null>
}

const STREAM = { epochs: 211, minibatches: 212 } as const

/**
 * The batch of each step from a data set: in a new order every pass; the sequences left over at the end of a pass are dropped (torch's shuffle and
 * drop_last). Throws when the data does not fill one batch.
 */
export function datasetBatches(
  sequences: readonly TokenizedTrajectory[],
  batchSize: number,
  seed: number,
): (step: number) => readonly TokenizedTrajectory[] {
  const perEpoch = Math.floor(sequences.length / batchSize)
  if (perEpoch === 0) throw new Error(`${sequences.length} sequences do not fill one batch of ${batchSize}: lower batch_size or add data`)
  return (step) => {
    const order = createRng(seed, STREAM.epochs, Math.floor(step / perEpoch)).shuffle(sequences)
    const first = (step % perEpoch) * batchSize
    return order.slice(first, first + batchSize)
  }
}

export function datasetSource(sequences: readonly TokenizedTrajectory[], batchSize: number, seed: number): BatchSource {
  const batchOf = datasetBatches(sequences, batchSize, seed)
  return { next: (step) => Promise.resolve(batchOf(step)) }
}

/** The sequences of each mini-batch of one PPO epoch: a permutation named by seed, batch and epoch, cut into equal parts. */
export function minibatchesOf(count: number, size: number, seed: number, batchIndex: number, epoch: number): number[][] {
  const order = createRng(seed, STREAM.minibatches, batchIndex, epoch).shuffle(Array.from({ length: count }, (_, index) => index))
  return chunk(order, size)
}

export function chunk<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) => items.slice(index * size, (index + 1) * size))
}

export interface BatchItem {
  readonly source: TokenizedTrajectory
  /** Ids and trained positions, ready to pack. */
  readonly sequence: Sequence
  readonly firstRow: number
}

export interface BatchLayout {
  /** Sequences that have a token to train. */
  readonly items: readonly BatchItem[]
  readonly rows: number
  /** [S + 1]: first row of each item, then the number of rows. */
  readonly firstRow: Uint32Array
  /** [rows]: the step reward that lands on the row, weighted. */
  readonly score: Float32Array
  /** [rows]: tokens to the next row of the same sequence; 0 at its end. */
  readonly gap: Uint32Array
}

export interface BatchLimits {
  readonly maxTokens: number
  readonly maxPositions: number
  readonly vocabulary?: number
}

export function layoutBatch(
  sequences: readonly TokenizedTrajectory[],
  rules: {
    readonly step_reward_weighting: StepRewardWeighting
    readonly unlabelled_steps: UnlabelledSteps
    /** The number that is subtracted from every reward before it is weighted. */
    readonly baseline?: number
  },
  limits: BatchLimits,
): BatchLayout {
  const { baseline = 0 } = rules
  const items: BatchItem[] = []
  const score: number[] = []
  const gap: number[] = []
  for (const source of sequences) {
    const length = source.ids.length
    if (length > limits.maxPositions)
      throw new Error(
        `${source.trajectoryId}: ${length} tokens, but the model reads at most ${limits.maxPositions}: lower max_context_len or max_response_len`,
      )
    if (length > limits.maxTokens)
      throw new Error(
        `${source.trajectoryId}: ${length} tokens do not fit max_tokens_per_micro_batch ${limits.maxTokens}: raise it, or lower max_context_len`,
      )
    const { vocabulary = Number.POSITIVE_INFINITY } = limits
    const stray = source.ids.find((id) => id >= vocabulary)
    if (stray !== undefined)
      throw new Error(
        `${source.trajectoryId}: token id ${stray} is outside the model's vocabulary of ${vocabulary}: these ids belong to another tokenizer`,
      )
    const targets = trainedPositions(source, rules.unlabelled_steps)
    if (targets.length === 0) continue
    items.push({ source, sequence: { ids: source.ids, targets }, firstRow: score.length })
    const rewards = source.rewards.map((reward) => (reward === null ? null : reward - baseline))
    score.push(...placeStepScores({ stepOf: source.stepOf, rewards }, targets, rules.step_reward_weighting))
    targets.forEach((position, row) => gap.push((targets[row + 1] ?? position) - position))
  }
  return {
    items,
    rows: score.length,
    firstRow: Uint32Array.of(...items.map((item) => item.firstRow), score.length),
    score: Float32Array.from(score),
    gap: Uint32Array.from(gap),
  }
}

/** Mean of the labelled step rewards of a batch; 0 without any. */
export function meanStepReward(sequences: readonly TokenizedTrajectory[]): number {
  const rewards = sequences.flatMap((sequence) => sequence.rewards.filter((reward) => reward !== null))
  return rewards.length === 0 ? 0 : rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length
}

/** Divides consecutive items into parts of at most `maxTokens` tokens, each of which one plan processes at once. */
export function microBatches<Item extends { readonly sequence: Sequence }>(items: readonly Item[], maxTokens: number): Item[][] {
  const parts: Item[][] = []
  let tokens = Number.POSITIVE_INFINITY
  for (const item of items) {
    const { length } = item.sequence.ids
    if (tokens + length > maxTokens) {
      parts.push([])
      tokens = 0
    }
    parts.at(-1)?.push(item)
    tokens += length
  }
  return parts
}

/** The smallest power of two that is at least `count` and `smallest`; with it few sizes occur. */
export function powerOfTwo(count: number, smallest: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(smallest, count)))
}

/** The number of rows of the tables that batches of about `rows` rows share. */
export const rowCapacity = (rows: number): number => powerOfTwo(rows, 256)
