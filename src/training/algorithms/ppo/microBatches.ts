/** Decides which micro-batches a step of PPO scores and trains on. The loop and the memory estimate both use it. */
import { chunk, layoutBatch, meanStepReward, microBatches, minibatchesOf } from '../../batches/batchLayout'
import type { BatchItem, BatchLayout, BatchLimits } from '../../batches/batchLayout'
import type { TokenizedTrajectory } from '../../batches/tokenizedTrajectory'
import type { SteptoolPpoConfig } from './config'

type LayoutSettings = Pick<SteptoolPpoConfig, 'step_reward_weighting' | 'unlabelled_steps' | 'center_step_rewards'>
type UpdateSettings = Pick<
  SteptoolPpoConfig,
  'ppo_epochs' | 'mini_batch_size' | 'gradient_accumulation_steps' | 'max_tokens_per_micro_batch'
>

export const layoutOfStep = (sequences: readonly TokenizedTrajectory[], settings: LayoutSettings, limits: BatchLimits): BatchLayout =>
  layoutBatch(
    sequences,
    {
      step_reward_weighting: settings.step_reward_weighting,
      unlabelled_steps: settings.unlabelled_steps,
      baseline: settings.center_step_rewards ? meanStepReward(sequences) : 0,
    },
    limits,
  )

/** The micro-batches in which a batch is scored. */
export const scoredParts = (batch: BatchLayout, settings: Pick<UpdateSettings, 'max_tokens_per_micro_batch'>): BatchItem[][] =>
  microBatches(batch.items, settings.max_tokens_per_micro_batch)

export interface PpoMinibatch {
  readonly items: readonly BatchItem[]
  /** Trained tokens: the loss is the mean over them. */
  readonly rows: number
  /** The micro-batches it is cut into. */
  readonly parts: readonly (readonly BatchItem[])[]
}

/** The optimizer updates of a step, in order: each is the list of mini-batches whose gradients are accumulated. */
export function* updatesOfStep(
  batch: BatchLayout,
  settings: UpdateSettings,
  seed: number,
  step: number,
): Generator<readonly PpoMinibatch[]> {
  for (let epoch = 0; epoch < settings.ppo_epochs; epoch++) {
    const order = minibatchesOf(batch.items.length, settings.mini_batch_size, seed, step, epoch)
    for (const group of chunk(order, settings.gradient_accumulation_steps))
      yield group.map((members) => {
        const items = members.flatMap((index) => batch.items[index] ?? [])
        return {
          items,
          rows: items.reduce((sum, item) => sum + item.sequence.targets.length, 0),
          parts: microBatches(items, settings.max_tokens_per_micro_batch),
        }
      })
  }
}
