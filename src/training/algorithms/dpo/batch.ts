/** Packs pairs into micro-batches, chosen and rejected in turn, with the indices of rows that the loss needs. */
import type { DpoConfig } from './config'
import type { DpoPair, DpoSide } from './pairs'
import { packSequences } from '../../batches/packing'
import type { PackedBatch, Sequence } from '../../batches/packing'
import { powerOfTwo } from '../../batches/batchLayout'
import type { TokenizedTrajectory } from '../../batches/tokenizedTrajectory'
import { trainedPositions } from '../../batches/stepRewards'

export interface DpoLimits {
  readonly maxTokens: number
  readonly maxPositions: number
  readonly vocabulary: number
}

const sidesOf = ({ chosen, rejected }: DpoPair): readonly [DpoSide, DpoSide] => [chosen, rejected]
const tokensOf = (pair: DpoPair): number => sidesOf(pair).reduce((sum, { sequence }) => sum + sequence.ids.length, 0)
export const tokenCount = (pairs: readonly DpoPair[]): number => pairs.reduce((sum, pair) => sum + tokensOf(pair), 0)

/** Throws one sentence for a pair the model, the micro-batch or the vocabulary cannot hold. */
export function checkPairs(pairs: readonly DpoPair[], { maxTokens, maxPositions, vocabulary }: DpoLimits): void {
  for (const pair of pairs) {
    for (const { source, sequence } of sidesOf(pair)) {
      const length = sequence.ids.length
      if (length > maxPositions)
        throw new Error(
          `${source.trajectoryId}: ${length} tokens, but the model reads at most ${maxPositions}: lower max_context_len or max_response_len`,
        )
      const stray = sequence.ids.find((id) => id >= vocabulary)
      if (stray !== undefined)
        throw new Error(
          `${source.trajectoryId}: token id ${stray} is outside the model's vocabulary of ${vocabulary}: these ids belong to another tokenizer`,
        )
    }
    if (tokensOf(pair) > maxTokens)
      throw new Error(
        `${pair.chosen.source.trajectoryId} and ${pair.rejected.source.trajectoryId}: a pair of ${tokensOf(pair)} tokens does not fit max_tokens_per_micro_batch ${maxTokens}: raise it, or lower max_context_len`,
      )
  }
}

/** Divides consecutive pairs into parts with limited numbers of pairs and tokens. A pair is never divided, because the slope of one side depends on the other. */
export function pairParts(
  pairs: readonly DpoPair[],
  limits: Pick<DpoConfig, 'per_device_train_batch_size' | 'max_tokens_per_micro_batch'>,
): DpoPair[][] {
  const parts: DpoPair[][] = []
  let tokens = Number.POSITIVE_INFINITY
  for (const pair of pairs) {
    const last = parts.at(-1)
    if (!last || last.length === limits.per_device_train_batch_size || tokens + tokensOf(pair) > limits.max_tokens_per_micro_batch) {
      parts.push([pair])
      tokens = tokensOf(pair)
    } else {
      last.push(pair)
      tokens += tokensOf(pair)
    }
  }
  return parts
}

/** The number of pairs that the plan of a micro-batch is made for; it is rounded up, so that few plans are needed. */
export const pairBucket = (pairs: number): number => powerOfTwo(pairs, 1)

export interface DpoBatch {
  readonly packed: PackedBatch
  readonly pairBucket: number
  /** [rows]: which sequence of the batch a row belongs to. */
  readonly rowSequence: Uint32Array
  /** [2 · pairs + 1]: first row of each sequence, then the number of rows. */
  readonly firstRow: Uint32Array
  /** [rows]: log π_ref of the row's token. */
  readonly ref: Float32Array
}

/** @param reference log π_ref of every own token of a trajectory, as `referenceSequences` lists them. */
export function packPairs(
  pairs: readonly DpoPair[],
  reference: ReadonlyMap<TokenizedTrajectory, Float32Array>,
  vocabulary: number,
): DpoBatch {
  const sides = pairs.flatMap(sidesOf)
  const packed = packSequences(
    sides.map(({ sequence }) => sequence),
    vocabulary,
  )
  const firstRow = new Uint32Array(sides.length + 1)
  const ref = new Float32Array(packed.targetCount)
  sides.forEach(({ source, sequence, skipped }, index) => {
    const first = firstRow[index] ?? 0
    const rows = sequence.targets.length
    firstRow[index + 1] = first + rows
    const known = reference.get(source)
    if (!known) throw new Error(`${source.trajectoryId}: the reference was not computed`)
    ref.set(known.subarray(skipped, skipped + rows), first)
  })
  return { packed, pairBucket: pairBucket(pairs.length), rowSequence: packed.rowSequence, firstRow, ref }
}

/** Every trajectory of the pairs once, with all its own tokens as targets. */
export function referenceSequences(pairs: readonly DpoPair[]): { readonly source: TokenizedTrajectory; readonly sequence: Sequence }[] {
  const sources = new Set(pairs.flatMap((pair) => sidesOf(pair).map(({ source }) => source)))
  return [...sources].map((source) => ({ source, sequence: { ids: source.ids, targets: trainedPositions(source, 'no_score') } }))
}
