/** Supervised samples: ids with the positions that carry loss. */
import type { Sequence } from './packing'

/** Each sample is a pure function of its index. */
export interface SampleSource {
  readonly length: number
  sample(index: number): Sequence
}

/** @throws when there are none. */
export function samplesOf(sequences: readonly Sequence[]): SampleSource {
  const [first] = sequences
  if (!first) throw new Error('there is nothing to imitate')
  return { length: sequences.length, sample: (index) => sequences[index] ?? first }
}
