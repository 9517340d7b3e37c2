/** Which micro-batches a step of supervised fine-tuning trains on: the loop runs them, the memory estimate counts them. */
import type { ModelConfig } from '../../../models/architectures/config'
import { bucketFor } from '../../batches/packing'
import type { Sequence } from '../../batches/packing'
import type { SampleSource } from '../../batches/sampleSource'
import type { SftConfig } from './config'

/** Rows the micro-batches of a run are planned for: one size for all. */
export const tokenBucketOf = (settings: SftConfig): number => Math.max(bucketFor(1), Math.ceil(settings.tokens_per_batch / 32) * 32)

/** Target rows a micro-batch is planned for. */
export const targetBucketOf = (sequences: readonly Sequence[]): number =>
  bucketFor(sequences.reduce((sum, { targets }) => sum + targets.length, 0))

/** The micro-batches of one update, from sample `cursor` on, and the sample the next update begins with. */
export function microBatchesOfStep(
  data: SampleSource,
  cursor: number,
  settings: Pick<SftConfig, 'tokens_per_batch' | 'gradient_accumulation_steps'>,
  model: Pick<ModelConfig, 'max_position_embeddings'>,
): { micros: Sequence[][]; cursor: number } {
  const micros: Sequence[][] = []
  let at = cursor
  for (let index = 0; index < settings.gradient_accumulation_steps; index++) {
    const filled = fillBatch(data, at, settings.tokens_per_batch, model)
    at = filled.cursor
    micros.push(filled.sequences)
  }
  return { micros, cursor: at }
}

/** Samples from `cursor` on (cyclic) until the next would pass the token budget. */
export function fillBatch(
  data: SampleSource,
  cursor: number,
  budget: number,
  { max_position_embeddings: positions }: Pick<ModelConfig, 'max_position_embeddings'>,
): { sequences: Sequence[]; cursor: number } {
  const sequences: Sequence[] = []
  let tokens = 0
  let at = cursor
  for (;;) {
    const sequence = data.sample(at % data.length)
    if (sequence.ids.length > budget)
      throw new Error(`sample ${at % data.length} has ${sequence.ids.length} tokens, more than tokens_per_batch ${budget}`)
    if (sequence.ids.length > positions)
      throw new Error(
        `sample ${at % data.length} has ${sequence.ids.length} tokens, but the model reads at most ${positions}: lower tokens_per_batch to that or shorten it`,
      )
    if (tokens + sequence.ids.length > budget) break
    tokens += sequence.ids.length
    if (sequence.targets.length > 0) sequences.push(sequence)
    at++
    if (sequences.length >= budget) break
  }
  return { sequences, cursor: at }
}
