/** DPO's settings under TRL's names, and its metrics. */
import { z } from 'zod'
import { adapterSettings, referenceSettings } from '../../policy/adapterSettings'
import { memorySettings } from '../../policy/memorySettings'
import { adamSettings } from '../../policy/optimizerSettings'
import { sequenceSettings } from '../../batches/sequenceSettings'
import { DPO_LOSS_TYPES } from '../../../engine/ops/dpoLoss'
import { SCHEDULES } from '../../policy/schedule'

export const dpoConfig = z.object({
  learning_rate: z.number().positive().default(1e-5).meta({
    group: 'Optimizer',
    small: 1e-3,
    help: 'Peak learning rate of AdamW. 1e-5 suits an adapter on a 7B model, StepTool’s ETO takes 1e-4; small models take more.',
    essential: true,
  }),
  max_steps: z.int().positive().default(100).meta({ group: 'Length and batches', help: 'Optimizer updates to take.', essential: true }),
  per_device_train_batch_size: z
    .int()
    .positive()
    .default(1)
    .meta({ group: 'Length and batches', help: 'Pairs processed at once, as far as they fit.' }),
  gradient_accumulation_steps: z
    .int()
    .positive()
    .default(8)
    .meta({ group: 'Length and batches', help: 'An update is the mean over per_device_train_batch_size × this pairs.', essential: true }),
  beta: z.number().positive().default(0.1).meta({
    group: 'Reference policy and KL',
    help: 'How hard the policy is held near the reference (adapter off): larger stays nearer. For ipo the paper’s τ.',
    essential: true,
  }),
  loss_type: z.enum(DPO_LOSS_TYPES).default('sigmoid').meta({
    group: 'Loss',
    help: 'sigmoid: DPO, −log σ of the margin. robust: its unbiased form for noisy pairs. hinge: nothing beyond a margin of 1. ipo: a set margin of token means, so that it cannot run away.',
    essential: true,
  }),
  label_smoothing: z.number().min(0).lt(0.5).default(0).meta({
    group: 'Loss',
    help: 'Share of pairs taken to be the wrong way round: with sigmoid cDPO, with robust Robust DPO. hinge and ipo have none.',
  }),
  max_pairs_per_query: z.int().positive().default(4).meta({
    group: 'Length and batches',
    help: 'Pairs of a success and a failure made for one query: a cap, so that queries tried often do not rule. A file of pairs gives all of its own.',
    essential: true,
  }),
  overlong_pairs: z.enum(['keep', 'released']).default('keep').meta({
    group: 'Sequences',
    help: 'keep: pairs of any length train. released: as StepTool’s ETO script, where pairs of more than 512 tokens lose their answers: loss ln 2, no gradient.',
  }),
  max_grad_norm: z
    .number()
    .nonnegative()
    .default(1)
    .meta({ group: 'Optimizer', help: 'Gradients are scaled down to this global norm; 0 turns clipping off.' }),
  lr_scheduler_type: z
    .enum(SCHEDULES)
    .default('linear')
    .meta({ group: 'Optimizer', help: 'How the learning rate moves after warm-up. ETO: cosine.' }),
  warmup_steps: z.int().nonnegative().default(0).meta({ group: 'Optimizer', help: 'Updates over which the learning rate rises from 0.' }),
  weight_decay: z.number().nonnegative().default(0).meta({ group: 'Optimizer', help: 'Decoupled decay on matrices.' }),
  ...adapterSettings(16),
  ...referenceSettings,
  ...sequenceSettings({ context: 7168, essential: false }),
  max_tokens_per_micro_batch: z
    .int()
    .min(32)
    .default(16_384)
    .meta({ group: 'Memory', help: 'Tokens processed at once: bounds memory, changes no result. At least the longest pair.' }),
  ...adamSettings,
  ...memorySettings,
})
export type DpoConfig = z.output<typeof dpoConfig>

/** Every metric and what it means; `dpo.metrics`. */
export const dpoMetricMeanings = {
  loss: 'Mean loss of the update’s pairs. With sigmoid it starts at ln 2 = 0.6931, where the policy is the reference.',
  'rewards/chosen': 'Mean beta · (log π − log π_ref) of the successes’ own tokens.',
  'rewards/rejected': 'The same of the failures.',
  'rewards/accuracies': 'Share of pairs whose success has the higher reward. 0 at the first update, where both are 0.',
  'rewards/margins': 'Mean of rewards/chosen − rewards/rejected. It should rise; look at logps/chosen with it.',
  'logps/chosen': 'Mean log π of the successes, summed over their own tokens. That it falls while margins rise is DPO’s known failing.',
  'logps/rejected': 'The same of the failures.',
  'logits/chosen':
    'Mean logit, over the vocabulary and the successes’ own tokens. Only its drift says something: scores before softmax have no zero.',
  'logits/rejected': 'The same of the failures.',
  entropy: 'Mean entropy of π over the vocabulary at the trained tokens, in nats.',
  mean_token_accuracy: 'Share of the successes’ own tokens that π thinks likeliest.',
  grad_norm: 'Global gradient norm before clipping; −1 when a gradient was not finite and the update was skipped.',
  learning_rate: 'Learning rate of this update.',
  num_tokens: 'Tokens of both sides of all pairs trained on since the start.',
} as const
