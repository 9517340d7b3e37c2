/** RFT's settings, which are those of supervised fine-tuning and of the selection of attempts, and its metrics. */
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
    .meta({ group: 'Length and batches', help: 'The run makes at most this many optimizer updates, over all rounds.', essential: true }),
  num_train_epochs: z.int().positive().default(3).meta({
    group: 'Length and batches',
    help: 'This sets the number of passes over the attempts a round selected. A round ends earlier if its share of max_steps is used up.',
    essential: true,
  }),
  generation_batch_size: z.int().positive().default(256).meta({
    group: 'Length and batches',
    help: 'This sets the number of attempts an online run samples in each round. It must be a multiple of num_generations.',
    essential: true,
  }),
  num_generations: z.int().positive().default(8).meta({
    group: 'Length and batches',
    help: 'This sets the number of attempts an online run samples at each query. More attempts solve harder queries, and take longer.',
    essential: true,
  }),
  sampling_rounds: z.int().positive().default(1).meta({
    group: 'Length and batches',
    help: 'This sets the number of rounds of sampling and imitation in an online run. With 1 the initial model makes all attempts; more rounds are expert iteration.',
  }),
  reward: z.enum(RFT_REWARDS).default('final_step').meta({
    group: 'Reward and advantage',
    help: 'This sets the reward that must reach reward_threshold. final_step uses the label of the final step, or the attempt’s status if that has no label. status always uses its status. step_mean and step_min use the mean or the minimum of its labelled steps.',
    essential: true,
  }),
  reward_threshold: z.number().default(1).meta({
    group: 'Reward and advantage',
    help: 'An attempt is imitated if its reward is at least this. 1 means solved, ½ unsure.',
    essential: true,
  }),
  max_samples_per_query: z.int().positive().default(4).meta({
    group: 'Length and batches',
    help: 'At most this many of a query’s passing attempts are imitated, chosen at random, so that easy queries do not dominate.',
    essential: true,
  }),
  step_filtered: z.boolean().default(false).meta({
    group: 'Reward and advantage',
    help: 'If on, steps labelled 0 carry no loss and are only context. With mask_history, an attempt whose last step is labelled 0 is left out.',
    essential: true,
  }),
  ...sequenceSettings({ context: 4096, essential: false }),
  max_response_len: z.int().positive().default(1024).meta({
    group: 'Sequences',
    help: 'At most this many tokens of the final response are used, and at most a quarter of tokens_per_batch. Together with the context they must fit tokens_per_batch.',
  }),
})
export type RftConfig = z.output<typeof rftConfig>

/** Every metric and its meaning. */
export const rftMetricMeanings = {
  ...sftMetricMeanings,
  'rft/sampled': 'This is the number of attempts in this round.',
  'rft/passed': 'This is the number of attempts whose reward reached reward_threshold.',
  'rft/blank': 'This is the number of passing attempts that have no token to train on.',
  'rft/deduped': 'This is the number of passing attempts that were dropped because another attempt at the query has the same tokens.',
  'rft/capped': 'This is the number of passing attempts that were dropped because their query had more than max_samples_per_query.',
  'rft/kept': 'This is the number of attempts that this round imitates.',
  'rft/queries': 'This is the number of queries from which the imitated attempts come.',
  'rft/filtered_steps':
    'This is the number of steps of the imitated attempts that carry no loss because they are labelled 0 (step_filtered).',
} as const
