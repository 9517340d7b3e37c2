/** A packed batch knows where sequences end from their lengths, never from ids: the padding token may be a word of the text. */
import { expect, it } from 'vitest'
import { NO_TARGET } from '../../src/engine/ops/gatherRows'
import { packSequences } from '../../src/training/batches/packing'

it('the end-of-sequence token inside and at the end of a sequence is a token like any other, also where it is the one that fills buckets', () => {
  const EOS = 0
  const sequences = [
    { ids: [5, EOS, 6, EOS], targets: [1, 2, 3] },
    { ids: [EOS, EOS, 7], targets: [1, 2] },
  ]
  const { arrays, tokens, targetCount, tokenBucket, targetBucket, segments } = packSequences(sequences, 16)
  expect([tokens, targetCount]).toEqual([7, 5])
  expect(tokenBucket).toBeGreaterThan(tokens)
  expect([...arrays.counts]).toEqual([7, 5, 2, 0])
  expect(segments.map(({ start, length }) => [start, length])).toEqual([
    [0, 4],
    [4, 3],
  ])
  expect([...arrays.ids.slice(0, 7)]).toEqual([5, EOS, 6, EOS, EOS, EOS, 7])
  expect([...arrays.targetIds.slice(0, 5)]).toEqual([EOS, 6, EOS, EOS, 7])
  expect([...arrays.rowOf.slice(0, 5)]).toEqual([0, 1, 2, 4, 5])
  expect([...arrays.positions.slice(0, 7)]).toEqual([0, 1, 2, 3, 0, 1, 2])
  // Of each token the sequence it attends within; the first pair is the number of live tokens.
  expect([...arrays.spans.slice(0, 16)]).toEqual([7, 0, 0, 4, 0, 4, 0, 4, 0, 4, 4, 7, 4, 7, 4, 7])
  // A last token of a sequence predicts nothing, nor does what fills the bucket.
  expect([...arrays.targetOf]).toEqual([0, 1, 2, NO_TARGET, 3, 4, ...new Array<number>(tokenBucket - 6).fill(NO_TARGET)])
  expect(targetBucket).toBeGreaterThanOrEqual(5)
})
