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
    help: 'Peak learning rate of AdamW. 1e-6 suits 7B models; an adapter on a small one takes 1e-4 and more.',
    essential: true,
  }),
  max_steps: z
    .int()
    .positive()
    .default(100)
    .meta({ group: 'Length and batches', help: 'Batches to practise and train on.', essential: true }),
  generation_batch_size: z
    .int()
    .positive()
    .default(32)
    .meta({ group: 'Length and batches', small: 64, help: 'Attempts per batch: a multiple of num_generations.', essential: true }),
  num_generations: z
    .int()
    .min(2)
    .default(8)
    .meta({ group: 'Length and batches', help: 'Attempts at each query: the group an attempt is compared with.', essential: true }),
  steps_per_generation: z
    .int()
    .positive()
    .default(1)
    .meta({ group: 'Length and batches', small: 4, help: 'Updates one pass over a batch is cut into.' }),
  num_iterations: z.int().positive().default(1).meta({ group: 'Length and batches', help: 'Passes over each batch.' }),
  loss_type: z.enum(GRPO_LOSS_TYPES).default('dapo').meta({
    group: 'Loss',
    help: 'How tokens are averaged. dapo: every token of a batch alike. bnpo: every token of an update alike. grpo: every attempt alike, so long ones count less per token. dr_grpo: by max_completion_length. cispo: the ratio is a weight, never a reason to drop a token.',
    essential: true,
  }),
  scale_rewards: z.enum(SCALE_REWARDS).default('group').meta({
    group: 'Reward and advantage',
    help: 'Advantages are divided by the standard deviation of the group, of the batch, or not at all (Dr. GRPO).',
  }),
  importance_sampling_level: z
    .enum(['token', 'sequence'])
    .default('token')
    .meta({ group: 'Loss', help: 'token: a ratio per token. sequence: one per attempt (GSPO), with an epsilon near 3e-4.' }),
  epsilon: z.number().positive().default(0.2).meta({ group: 'Loss', help: 'The ratio earns nothing below 1 − this.' }),
  epsilon_high: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .meta({ group: 'Loss', help: '… nor above 1 + this; empty: epsilon. DAPO advises 0.28. For cispo the largest weight, 5 advised.' }),
  delta: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .meta({ group: 'Loss', help: 'Upper bound of the ratio where the advantage is negative; empty: none.' }),
  beta: z.number().nonnegative().default(0).meta({
    group: 'Reference policy and KL',
    help: 'Weight of the KL to the reference (adapter off). 0: the reference is not computed.',
    essential: true,
  }),
  use_bias_correction_kl: z.boolean().default(true).meta({
    group: 'Reference policy and KL',
    help: 'Weigh the KL of a token by its ratio: its gradient is then the unbiased one of the reverse KL (DeepSeek-V3.2; TRL’s default). Counts where beta > 0.',
  }),
  reward: z.enum(['outcome', 'step_sum', 'step_mean']).default('outcome').meta({
    group: 'Reward and advantage',
    help: 'Of an attempt: the reward of its final step, or the sum or mean of all its step rewards.',
    essential: true,
  }),
  advantage_level: z.enum(['trajectory', 'step']).default('trajectory').meta({
    group: 'Reward and advantage',
    help: 'trajectory: one advantage for all tokens of an attempt. step: each step’s reward against those of its group.',
    essential: true,
  }),
  mask_truncated_completions: z
    .boolean()
    .default(false)
    .meta({ group: 'Loss', help: 'Attempts that ran out of calls or tokens are not trained on.' }),
  dynamic_sampling_rounds: z.int().nonnegative().default(0).meta({
    group: 'Length and batches',
    help: 'Groups whose rewards are all equal (frac_reward_zero_std) teach nothing: practise up to so many times more to replace them (DAPO). 0: keep them.',
  }),
  max_completion_length: z.int().positive().default(256).meta({ group: 'Sequences', help: 'The length dr_grpo divides by.' }),
  max_grad_norm: z
    .number()
    .nonnegative()
    .default(1)
    .meta({ group: 'Optimizer', help: 'Gradients are scaled down to this global norm; 0 turns clipping off.' }),
  lr_scheduler_type: z.enum(SCHEDULES).default('linear').meta({ group: 'Optimizer', help: 'How the learning rate moves after warm-up.' }),
  warmup_steps: z.int().nonnegative().default(0).meta({ group: 'Optimizer', help: 'Updates over which the learning rate rises from 0.' }),
  weight_decay: z.number().nonnegative().default(0).meta({ group: 'Optimizer', help: 'Decoupled decay on matrices.' }),
  ...adapterSettings(8),
  ...referenceSettings,
  ...sequenceSettings({ context: 4096, essential: false }),
  max_tokens_per_micro_batch: z
    .int()
    .min(32)
    .default(5120)
    .meta({ group: 'Memory', help: 'Tokens processed at once: bounds memory, changes no result. At least the longest attempt.' }),
  ...adamSettings,
  ...memorySettings,
})
export type GrpoConfig = z.output<typeof grpoConfig>
