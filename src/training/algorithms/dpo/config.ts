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
    help: 'This sets the peak learning rate of AdamW. 1e-5 suits an adapter on a 7B model, and StepTool’s ETO script uses 1e-4; small models need more.',
    essential: true,
  }),
  max_steps: z
    .int()
    .positive()
    .default(100)
    .meta({ group: 'Length and batches', help: 'The run ends after this many optimizer updates.', essential: true }),
  per_device_train_batch_size: z.int().positive().default(1).meta({
    group: 'Length and batches',
    help: 'This sets the number of pairs processed at once, if they fit max_tokens_per_micro_batch.',
  }),
  gradient_accumulation_steps: z.int().positive().default(8).meta({
    group: 'Length and batches',
    help: 'This sets the number of batches per update: an update averages the loss of per_device_train_batch_size × this many pairs.',
    essential: true,
  }),
  beta: z.number().positive().default(0.1).meta({
    group: 'Reference policy and KL',
    help: 'This sets how strongly the policy is pulled towards the reference: a larger value allows smaller changes. For ipo this is the paper’s τ.',
    essential: true,
  }),
  loss_type: z.enum(DPO_LOSS_TYPES).default('sigmoid').meta({
    group: 'Loss',
    help: 'This sets the loss of a pair. sigmoid is DPO’s −log σ of the margin. robust is its unbiased form for noisy pairs. hinge is zero beyond a margin of 1. ipo aims at a fixed margin of per-token means, so that the margin cannot grow without bound.',
    essential: true,
  }),
  label_smoothing: z.number().min(0).lt(0.5).default(0).meta({
    group: 'Loss',
    help: 'This sets the fraction of pairs assumed to be labelled the wrong way round. With sigmoid this gives cDPO, with robust Robust DPO; hinge and ipo ignore it.',
  }),
  max_pairs_per_query: z.int().positive().default(4).meta({
    group: 'Length and batches',
    help: 'At most this many pairs of a success and a failure are made for one query, so that queries with many attempts do not dominate. Pairs that a file contains are all used.',
    essential: true,
  }),
  overlong_pairs: z.enum(['keep', 'released']).default('keep').meta({
    group: 'Sequences',
    help: 'This sets what happens to pairs of more than 512 tokens. keep trains on them. released cuts their answers away as StepTool’s ETO script does, so that their loss is ln 2 and they have no gradient.',
  }),
  max_grad_norm: z
    .number()
    .nonnegative()
    .default(1)
    .meta({ group: 'Optimizer', help: 'Gradients are scaled down until their global norm is at most this; 0 turns clipping off.' }),
  lr_scheduler_type: z
    .enum(SCHEDULES)
    .default('linear')
    .meta({ group: 'Optimizer', help: 'This sets how the learning rate changes after warm-up. StepTool’s ETO script uses cosine.' }),
  warmup_steps: z
    .int()
    .nonnegative()
    .default(0)
    .meta({ group: 'Optimizer', help: 'This sets the number of updates over which the learning rate rises from 0.' }),
  weight_decay: z.number().nonnegative().default(0).meta({
    group: 'Optimizer',
    help: 'This sets how much AdamW shrinks matrices at each update, apart from the gradient (decoupled weight decay).',
  }),
  ...adapterSettings(16),
  ...referenceSettings,
  ...sequenceSettings({ context: 7168, essential: false }),
  max_tokens_per_micro_batch: z.int().min(32).default(16_384).meta({
    group: 'Memory',
    help: 'At most this many tokens are processed at once. A smaller value takes less memory and gives the same result. The longest pair must fit.',
  }),
  ...adamSettings,
  ...memorySettings,
})
export type DpoConfig = z.output<typeof dpoConfig>

/** Every metric of DPO and its meaning. */
export const dpoMetricMeanings = {
  loss: 'This is the mean loss of the update’s pairs. With sigmoid it starts at ln 2 = 0.6931, because the policy then equals the reference.',
  'rewards/chosen': 'This is the mean of beta · (log π − log π_ref) over the chosen answers, each summed over its own tokens.',
  'rewards/rejected': 'This is the mean of beta · (log π − log π_ref) over the rejected answers, each summed over its own tokens.',
  'rewards/accuracies':
    'This is the fraction of pairs whose chosen answer has the higher reward. It is 0 at the first update, because both rewards are 0.',
  'rewards/margins': 'This is the mean of rewards/chosen − rewards/rejected. It should rise; read it together with logps/chosen.',
  'logps/chosen':
    'This is the mean log π of the chosen answers, each summed over its own tokens. DPO has a known weakness: this can fall while the margins rise.',
  'logps/rejected': 'This is the mean log π of the rejected answers, each summed over its own tokens.',
  'logits/chosen':
    'This is the mean logit over the vocabulary and the chosen answers’ own tokens. Only its change is informative, because softmax ignores a constant added to all logits.',
  'logits/rejected': 'This is the mean logit over the vocabulary and the rejected answers’ own tokens.',
  entropy: 'This is the mean entropy of π over the vocabulary at the trained tokens, in nats.',
  mean_token_accuracy: 'This is the fraction of the chosen answers’ own tokens that are the most likely ones under π.',
  grad_norm: 'This is the global gradient norm before clipping. It is −1 if a gradient was not finite and the update was skipped.',
  skipped_updates: 'This counts the updates that were skipped since the start because a gradient was not finite.',
  learning_rate: 'This is the learning rate of this update.',
  num_tokens: 'This counts the tokens of both answers of all pairs trained on since the start.',
} as const
