/** RFT's settings: those of supervised fine-tuning, and what is kept to fine-tune on; and its metrics. */
import { z } from 'zod'
import { sftConfig, sftMetricMeanings } from '../sft/config'
import { OUTCOMES } from '../../batches/outcome'
import { sequenceSettings } from '../../batches/sequenceSettings'

const RFT_REWARDS = [...OUTCOMES, 'step_mean', 'step_min'] as const

export const rftConfig = z.object({
  ...sftConfig.shape,
  max_steps: z
    .int()
    .positive()
    .default(100)
    .meta({ group: 'Length and batches', help: 'Optimizer updates to take at most, over all rounds.', essential: true }),
  num_train_epochs: z.int().positive().default(3).meta({
    group: 'Length and batches',
    help: 'Passes over what a round kept. It ends sooner where its share of max_steps is used up.',
    essential: true,
  }),
  generation_batch_size: z
    .int()
    .positive()
    .default(256)
    .meta({ group: 'Length and batches', help: 'Practice: attempts of a round, a multiple of num_generations.', essential: true }),
  num_generations: z
    .int()
    .positive()
    .default(8)
    .meta({ group: 'Length and batches', help: 'Practice: attempts at each query.', essential: true }),
  sampling_rounds: z.int().positive().default(1).meta({
    group: 'Length and batches',
    help: 'Practice: times to sample and imitate. 1: all attempts are the starting model’s. More: expert iteration.',
  }),
  reward: z.enum(RFT_REWARDS).default('final_step').meta({
    group: 'Reward and advantage',
    help: 'What must reach reward_threshold. final_step: the label of the final step, or how the attempt ended where it has none. status: how it ended, whatever the labels say. step_mean, step_min: the mean or least of its labelled steps.',
    essential: true,
  }),
  reward_threshold: z
    .number()
    .default(1)
    .meta({ group: 'Reward and advantage', help: 'An attempt passes with at least this: 1 is solved, ½ unsure.', essential: true }),
  max_samples_per_query: z.int().positive().default(4).meta({
    group: 'Length and batches',
    help: 'Attempts kept of one query, drawn from its passes: a cap, so that easy queries do not rule.',
    essential: true,
  }),
  step_filtered: z.boolean().default(false).meta({
    group: 'Reward and advantage',
    help: 'Steps labelled 0 are context only: no loss on them. With mask_history, an attempt whose last step is labelled 0 is left out.',
    essential: true,
  }),
  ...sequenceSettings({ context: 4096, essential: false }),
  max_response_len: z.int().positive().default(1024).meta({
    group: 'Sequences',
    help: 'Tokens kept of the final response. Both together fit tokens_per_batch, the response at most a quarter of it.',
  }),
})
export type RftConfig = z.output<typeof rftConfig>

/** Every metric and what it means. */
export const rftMetricMeanings = {
  ...sftMetricMeanings,
  'rft/sampled': 'Attempts of this round.',
  'rft/passed': 'Attempts whose reward reached reward_threshold.',
  'rft/blank': 'Passes without a token to train on.',
  'rft/deduped': 'Passes with the same tokens as another at the same query: kept once.',
  'rft/capped': 'Passes beyond max_samples_per_query.',
  'rft/kept': 'Attempts this round imitates.',
  'rft/queries': 'Queries these are from.',
  'rft/filtered_steps': 'Steps of the kept attempts that carry no loss, being labelled 0 (step_filtered).',
} as const
