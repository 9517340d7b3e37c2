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
    help: 'Peak learning rate of AdamW. LoRA likes about 2e-4; training all weights of a small model from scratch 1e-3 and more.',
    essential: true,
  }),
  max_steps: z.int().positive().default(100).meta({ group: 'Length and batches', help: 'Optimizer updates to take.', essential: true }),
  tokens_per_batch: z
    .int()
    .min(32)
    .default(2048)
    .meta({ group: 'Length and batches', help: 'Tokens packed into one micro-batch.', essential: true }),
  mask_history: z.boolean().default(false).meta({
    group: 'Loss',
    help: 'Loss on the last assistant turn alone: turns before it are context. Off: on every assistant turn. Never on prompts and tool replies.',
  }),
  gradient_accumulation_steps: z
    .int()
    .positive()
    .default(1)
    .meta({ group: 'Length and batches', help: 'Micro-batches whose gradients add up to one update.' }),
  trainable: z
    .enum(['lora', 'all'])
    .default('lora')
    .meta({ group: 'Adapter', help: 'lora: a low-rank adapter on a frozen base. all: every weight.', essential: true }),
  lora_dropout: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .meta({ group: 'Adapter', help: 'Share of inputs an adapter does not see in a step, drawn anew for each.' }),
  ...adapterSettings(8),
  warmup_steps: z.int().nonnegative().default(10).meta({ group: 'Optimizer', help: 'Steps over which the learning rate rises from 0.' }),
  lr_scheduler_type: z.enum(SCHEDULES).default('cosine').meta({ group: 'Optimizer', help: 'How the learning rate moves after warm-up.' }),
  weight_decay: z.number().nonnegative().default(0).meta({ group: 'Optimizer', help: 'Decoupled decay on matrices.' }),
  ...adamSettings,
  ...memorySettings,
  max_grad_norm: z
    .number()
    .nonnegative()
    .default(1)
    .meta({ group: 'Optimizer', help: 'Gradients are scaled down to this global norm; 0 turns clipping off.' }),
})
export type SftConfig = z.output<typeof sftConfig>

/** Every metric and what it means. */
export const sftMetricMeanings = {
  loss: 'Mean −log p of the target tokens of this step, in nats.',
  entropy: 'Mean entropy of the model over the vocabulary at these tokens, in nats.',
  mean_token_accuracy: 'Share of these tokens that the model thinks likeliest.',
  grad_norm: 'Global gradient norm before clipping; −1 when a gradient was not finite and the step was skipped.',
  learning_rate: 'Learning rate of this step.',
  num_tokens: 'Tokens processed since the start.',
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
