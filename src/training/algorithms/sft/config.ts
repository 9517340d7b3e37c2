/** The settings of supervised fine-tuning, and its metrics. */
import { z } from 'zod'
import { adapterSettings } from '../../policy/adapterSettings'
import { memorySettings } from '../../policy/memorySettings'
import { adamSettings } from '../../policy/optimizerSettings'
import type { TrainableSet } from '../../policy/policyPlans'
import { SCHEDULES } from '../../policy/schedule'

export const sftConfig = z.object({
  learning_rate: z.number().positive().default(2e-4).meta({
    group: 'Optimizer',
    small: 1e-3,
    help: 'This sets the peak learning rate of AdamW. About 2e-4 suits LoRA; 1e-3 or more suits training all weights of a small model from scratch.',
    essential: true,
  }),
  max_steps: z
    .int()
    .positive()
    .default(100)
    .meta({ group: 'Length and batches', help: 'The run ends after this many optimizer updates.', essential: true }),
  tokens_per_batch: z.int().min(32).default(2048).meta({
    group: 'Length and batches',
    help: 'This sets the number of tokens packed into one micro-batch. A larger value takes more memory.',
    essential: true,
  }),
  mask_history: z.boolean().default(false).meta({
    group: 'Loss',
    help: 'If on, only the last assistant turn carries loss and the turns before it are context. If off, every assistant turn does. Prompts and tool replies never carry loss.',
  }),
  gradient_accumulation_steps: z.int().positive().default(1).meta({
    group: 'Length and batches',
    help: 'This sets the number of micro-batches whose gradients make one update. A larger value gives steadier gradients and slower updates.',
  }),
  trainable: z.enum(['lora', 'all']).default('lora').meta({
    group: 'Adapter',
    help: 'This sets what is trained. lora trains a low-rank adapter on a frozen base model; all trains every weight.',
    essential: true,
  }),
  lora_dropout: z.number().min(0).lt(1).default(0).meta({
    group: 'Adapter',
    help: 'This sets the fraction of an adapter’s inputs that is set to 0 in each step, drawn at random. A larger value regularises more.',
  }),
  ...adapterSettings(8),
  warmup_steps: z
    .int()
    .nonnegative()
    .default(10)
    .meta({ group: 'Optimizer', help: 'This sets the number of updates over which the learning rate rises from 0.' }),
  lr_scheduler_type: z
    .enum(SCHEDULES)
    .default('cosine')
    .meta({ group: 'Optimizer', help: 'This sets how the learning rate changes after warm-up.' }),
  weight_decay: z.number().nonnegative().default(0).meta({
    group: 'Optimizer',
    help: 'This sets how much AdamW shrinks matrices at each update, apart from the gradient (decoupled weight decay).',
  }),
  ...adamSettings,
  ...memorySettings,
  max_grad_norm: z
    .number()
    .nonnegative()
    .default(1)
    .meta({ group: 'Optimizer', help: 'Gradients are scaled down until their global norm is at most this; 0 turns clipping off.' }),
})
export type SftConfig = z.output<typeof sftConfig>

/** Every metric and its meaning. */
export const sftMetricMeanings = {
  loss: 'This is the mean −log p of this step’s target tokens, in nats.',
  entropy: 'This is the mean entropy of the model over the vocabulary at the target tokens, in nats.',
  mean_token_accuracy: 'This is the fraction of target tokens that are the most likely ones under the model.',
  grad_norm: 'This is the global gradient norm before clipping. It is −1 if a gradient was not finite and the step was skipped.',
  skipped_updates: 'This counts the updates that were skipped since the start because a gradient was not finite.',
  learning_rate: 'This is the learning rate of this step.',
  num_tokens: 'This counts the tokens processed since the start.',
} as const

export function sftTrainable(settings: SftConfig): TrainableSet {
  return settings.trainable === 'all'
    ? { kind: 'all', valueHead: false, gradientCheckpointing: settings.gradient_checkpointing }
    : {
        kind: 'lora',
        lora: {
          ...{ rank: settings.lora_r, alpha: settings.lora_alpha, targets: settings.lora_targets },
          ...{ useRslora: settings.use_rslora, dropout: settings.lora_dropout },
        },
        valueHead: false,
        gradientCheckpointing: settings.gradient_checkpointing,
      }
}
