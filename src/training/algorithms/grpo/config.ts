/** GRPO's settings under TRL's names. */
import { z } from 'zod'
import { adapterSettings, referenceSettings } from '../../policy/adapterSettings'
import { memorySettings } from '../../policy/memorySettings'
import { adamSettings } from '../../policy/optimizerSettings'
import { sequenceSettings } from '../../batches/sequenceSettings'
import { GRPO_LOSS_TYPES, SCALE_REWARDS } from './arithmetic'
import { SCHEDULES } from '../../policy/schedule'

export const grpoConfig = z.object({
  learning_rate: z.number().positive().default(1e-6).meta({
    group: 'Optimizer',
    small: 2e-3,
    help: 'This sets the peak learning rate of AdamW. 1e-6 suits 7B models; an adapter on a small model needs 1e-4 or more.',
    essential: true,
  }),
  max_steps: z.int().positive().default(100).meta({
    group: 'Length and batches',
    help: 'The run ends after this many batches; each is sampled and then trained on.',
    essential: true,
  }),
  generation_batch_size: z.int().positive().default(32).meta({
    group: 'Length and batches',
    small: 64,
    help: 'This sets the number of attempts in a batch. It must be a multiple of num_generations.',
    essential: true,
  }),
  num_generations: z.int().min(2).default(8).meta({
    group: 'Length and batches',
    help: 'This sets the number of attempts at each query. Together they are the group with which each attempt is compared.',
    essential: true,
  }),
  steps_per_generation: z
    .int()
    .positive()
    .default(1)
    .meta({ group: 'Length and batches', small: 4, help: 'This sets the number of updates in one pass over a batch.' }),
  num_iterations: z.int().positive().default(1).meta({
    group: 'Length and batches',
    help: 'This sets the number of passes over each batch. More passes use the samples longer, but move the policy away from the one that drew them.',
  }),
  loss_type: z.enum(GRPO_LOSS_TYPES).default('dapo').meta({
    group: 'Loss',
    help: 'This sets how the loss is averaged over tokens. dapo weights every token of a batch equally, bnpo every token of an update. grpo weights every attempt equally, so that tokens of long attempts count less. dr_grpo divides by max_completion_length. cispo weights tokens by the clipped ratio and drops none.',
    essential: true,
  }),
  scale_rewards: z.enum(SCALE_REWARDS).default('group').meta({
    group: 'Reward and advantage',
    help: 'group or batch divides advantages by the standard deviation of that group or batch; none does not divide them (Dr. GRPO).',
  }),
  importance_sampling_level: z.enum(['token', 'sequence']).default('token').meta({
    group: 'Loss',
    help: 'token computes one ratio per token. sequence computes one per attempt (GSPO), which needs an epsilon near 3e-4.',
  }),
  epsilon: z
    .number()
    .positive()
    .default(0.2)
    .meta({ group: 'Loss', help: 'The ratio π_new / π_old is clipped from below at 1 − this. A larger value allows larger updates.' }),
  epsilon_high: z.number().positive().nullable().default(null).meta({
    group: 'Loss',
    help: 'The ratio is clipped from above at 1 + this. If empty, it is epsilon; DAPO recommends 0.28. With cispo this is the largest weight, and 5 is recommended.',
  }),
  delta: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .meta({ group: 'Loss', help: 'This sets the upper bound of the ratio if the advantage is negative. If empty, there is none.' }),
  beta: z.number().nonnegative().default(0).meta({
    group: 'Reference policy and KL',
    help: 'This sets the weight of the KL to the reference. A larger value keeps the policy closer to it; at 0 the reference is not computed.',
    essential: true,
  }),
  use_bias_correction_kl: z.boolean().default(true).meta({
    group: 'Reference policy and KL',
    help: 'If on, the KL of a token is weighted by its ratio, so that its gradient is the unbiased one of the reverse KL (DeepSeek-V3.2; TRL’s default). This matters only if beta is above 0.',
  }),
  reward: z.enum(['outcome', 'step_sum', 'step_mean']).default('outcome').meta({
    group: 'Reward and advantage',
    help: 'This sets the reward of an attempt: that of its final step, or the sum or mean of all its step rewards.',
    essential: true,
  }),
  advantage_level: z.enum(['trajectory', 'step']).default('trajectory').meta({
    group: 'Reward and advantage',
    help: 'trajectory gives all tokens of an attempt one advantage. step compares each step’s reward with those of its group.',
    essential: true,
  }),
  mask_truncated_completions: z
    .boolean()
    .default(false)
    .meta({ group: 'Loss', help: 'If on, attempts that ran out of calls or tokens are not trained on.' }),
  dynamic_sampling_rounds: z.int().nonnegative().default(0).meta({
    group: 'Length and batches',
    help: 'Groups whose rewards are all equal have no gradient. They are replaced by new ones in at most this many further rounds of sampling (DAPO); at 0 they stay in the batch.',
  }),
  max_completion_length: z
    .int()
    .positive()
    .default(256)
    .meta({ group: 'Sequences', help: 'With loss_type dr_grpo the loss is divided by this length; other losses ignore it.' }),
  max_grad_norm: z
    .number()
    .nonnegative()
    .default(1)
    .meta({ group: 'Optimizer', help: 'Gradients are scaled down until their global norm is at most this; 0 turns clipping off.' }),
  lr_scheduler_type: z
    .enum(SCHEDULES)
    .default('linear')
    .meta({ group: 'Optimizer', help: 'This sets how the learning rate changes after warm-up.' }),
  warmup_steps: z
    .int()
    .nonnegative()
    .default(0)
    .meta({ group: 'Optimizer', help: 'This sets the number of updates over which the learning rate rises from 0.' }),
  weight_decay: z.number().nonnegative().default(0).meta({
    group: 'Optimizer',
    help: 'This sets how much AdamW shrinks matrices at each update, apart from the gradient (decoupled weight decay).',
  }),
  ...adapterSettings(8),
  ...referenceSettings,
  ...sequenceSettings({ context: 4096, essential: false }),
  max_tokens_per_micro_batch: z.int().min(32).default(5120).meta({
    group: 'Memory',
    help: 'At most this many tokens are processed at once. A smaller value takes less memory and gives the same result. The longest attempt must fit.',
  }),
  ...adamSettings,
  ...memorySettings,
})
export type GrpoConfig = z.output<typeof grpoConfig>
