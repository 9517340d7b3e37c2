/**
 * Packed batches: sequences laid end to end with a segment table, no padding between them. Buckets leave tail rows; the live
 * counts stop every kernel before them.
 */
import { sortIds } from '../../engine/ops/embedding'
import { NO_TARGET } from '../../engine/ops/gatherRows'
import type { Executable } from '../../engine/plan/executable'

export interface Sequence {
  readonly ids: readonly number[]
  /** Positions t whose token is a training target, t ≥ 1, ascending. */
  readonly targets: readonly number[]
}

/** One row of the segment table. `parent`: segment whose tokens this one continues; −1 for none. */
export interface Segment {
  readonly start: number
  readonly length: number
  readonly positionBase: number
  readonly parent: number
}

export interface PackedBatch {
  readonly tokenBucket: number
  readonly targetBucket: number
  readonly segments: readonly Segment[]
  readonly tokens: number
  readonly targetCount: number
  readonly arrays: {
    readonly ids: Uint32Array
    readonly positions: Uint32Array
    readonly spans: Uint32Array
    readonly counts: Uint32Array
    readonly order: Uint32Array
    readonly starts: Uint32Array
    /** Row r of the head reads the hidden state of token rowOf[r] and predicts targetIds[r]. */
    readonly rowOf: Uint32Array
    readonly targetOf: Uint32Array
    readonly targetIds: Uint32Array
  }
  /** For each target row: index of its sequence in the batch, and its position in it. */
  readonly rowSequence: Uint32Array
  readonly rowPosition: Uint32Array
}

/** Smallest bucket ≥ count: multiples of 32 that grow by at most a quarter. */
export function bucketFor(count: number, smallest = 32): number {
  let bucket = smallest
  while (bucket < count) bucket = Math.max(bucket + 32, Math.floor((bucket * 1.25) / 32) * 32)
  return bucket
}

/**
 * Lays the sequences end to end.
 * @param bucket room in the batch; default `bucketFor` what is in it. Throws for one that is too small.
 */
export function packSequences(
  sequences: readonly Sequence[],
  vocabulary: number,
  bucket?: { tokens?: number; targets?: number },
): PackedBatch {
  const tokens = sequences.reduce((sum, sequence) => sum + sequence.ids.length, 0)
  const targetCount = sequences.reduce((sum, sequence) => sum + sequence.targets.length, 0)
  const tokenBucket = bucket?.tokens ?? bucketFor(tokens)
  const targetBucket = bucket?.targets ?? bucketFor(targetCount)
  if (tokens > tokenBucket || targetCount > targetBucket)
    throw new Error(`${tokens} tokens and ${targetCount} targets do not fit a bucket of ${tokenBucket} and ${targetBucket}`)

  const { ids, positions, spans, segments } = packTokens(sequences, tokenBucket)
  const { rowOf, targetOf, targetIds, rowSequence, rowPosition } = packTargets(sequences, segments, tokenBucket, targetBucket)
  return {
    tokenBucket,
    targetBucket,
    segments,
    tokens,
    targetCount,
    arrays: {
      ids,
      positions,
      spans,
      counts: Uint32Array.of(tokens, targetCount, sequences.length, 0),
      ...sortIds(ids, tokens, vocabulary),
      rowOf,
      targetOf,
      targetIds,
    },
    rowSequence,
    rowPosition,
  }
}

/** Ids and positions of all tokens; `spans` [bucket + 1, 2]: the number of tokens, then each token's segment as [start, end). */
function packTokens(sequences: readonly Sequence[], tokenBucket: number) {
  const ids = new Uint32Array(tokenBucket)
  const positions = new Uint32Array(tokenBucket)
  const spans = new Uint32Array((tokenBucket + 1) * 2)
  const segments: Segment[] = []
  let start = 0
  for (const sequence of sequences) {
    const { length } = sequence.ids
    segments.push({ start, length, positionBase: 0, parent: -1 })
    sequence.ids.forEach((id, position) => {
      ids[start + position] = id
      positions[start + position] = position
      spans[(start + position + 1) * 2] = start
      spans[(start + position + 1) * 2 + 1] = start + length
    })
    start += length
  }
  spans[0] = start
  return { ids, positions, spans, segments }
}

/** The rows of the head: each reads the token before its target. Throws for a target that has none. */
function packTargets(sequences: readonly Sequence[], segments: readonly Segment[], tokenBucket: number, targetBucket: number) {
  const rowOf = new Uint32Array(targetBucket)
  const targetOf = new Uint32Array(tokenBucket).fill(NO_TARGET)
  const targetIds = new Uint32Array(targetBucket)
  const rowSequence: number[] = []
  const rowPosition: number[] = []
  sequences.forEach(({ ids, targets }, index) => {
    const start = segments[index]?.start ?? 0
    for (const position of targets) {
      if (position < 1 || position >= ids.length)
        throw new Error(`sequence ${index}: target position ${position} is outside 1 … ${ids.length - 1}`)
      const row = rowSequence.length
      rowOf[row] = start + position - 1
      targetOf[start + position - 1] = row
      targetIds[row] = ids[position] ?? 0
      rowSequence.push(index)
      rowPosition.push(position)
    }
  })
  return { rowOf, targetOf, targetIds, rowSequence: Uint32Array.from(rowSequence), rowPosition: Uint32Array.from(rowPosition) }
}

export function uploadBatch(executable: Executable, batch: PackedBatch): void {
  for (const [name, data] of Object.entries(batch.arrays)) executable.write(name, data)
}
