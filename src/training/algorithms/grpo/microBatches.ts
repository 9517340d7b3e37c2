/** Decides which micro-batches a step of GRPO scores and trains on. The loop and the memory estimate both use it. */
import { layoutBatch, microBatches, minibatchesOf } from '../../batches/batchLayout'
import type { BatchItem, BatchLayout, BatchLimits } from '../../batches/batchLayout'
import type { GrpoConfig } from './config'
import { updatesOf } from './groups'
import type { GrpoSample, GrpoUpdate } from './groups'

type UpdateSettings = Pick<
  GrpoConfig,
  'num_iterations' | 'steps_per_generation' | 'max_tokens_per_micro_batch' | 'loss_type' | 'max_completion_length'
>

/** Attempts that may be trained on, as rows. */
export function layoutOfStep(
  samples: readonly GrpoSample[],
  settings: Pick<GrpoConfig, 'mask_truncated_completions'>,
  limits: BatchLimits,
): BatchLayout {
  const kept = settings.mask_truncated_completions ? samples.filter(({ isTruncated }) => !isTruncated) : samples
  return layoutBatch(
    kept.map(({ sequence }) => sequence),
    { step_reward_weighting: 'paper', unlabelled_steps: 'no_score' },
    limits,
  )
}

/** The micro-batches in which a batch is scored. */
export const scoredParts = (batch: BatchLayout, settings: Pick<UpdateSettings, 'max_tokens_per_micro_batch'>): BatchItem[][] =>
  microBatches(batch.items, settings.max_tokens_per_micro_batch)

/** The optimizer updates of a step in order, each with its micro-batches. */
export function* updatesOfStep(
  batch: BatchLayout,
  samples: readonly GrpoSample[],
  settings: UpdateSettings,
  seed: number,
  step: number,
): Generator<GrpoUpdate & { readonly parts: readonly (readonly BatchItem[])[] }> {
  const size = Math.ceil(samples.length / settings.steps_per_generation)
  for (let iteration = 0; iteration < settings.num_iterations; iteration++)
    for (const update of updatesOf(batch, samples, minibatchesOf(samples.length, size, seed, step, iteration), settings))
      yield { ...update, parts: microBatches(update.items, settings.max_tokens_per_micro_batch) }
}
