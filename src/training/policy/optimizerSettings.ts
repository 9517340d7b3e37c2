/** AdamW's settings, under the names that all algorithms use. */
import { z } from 'zod'
import type { AdamWHyper } from '../../engine/ops/adamW'

export const adamSettings = {
  adam_beta1: z.number().min(0).lt(1).default(0.9).meta({
    group: 'Optimizer',
    help: 'This sets the decay rate of AdamW’s first moment. A larger value averages gradients over more updates.',
  }),
  adam_beta2: z.number().min(0).lt(1).default(0.999).meta({
    group: 'Optimizer',
    help: 'This sets the decay rate of AdamW’s second moment. A larger value averages squared gradients over more updates.',
  }),
  adam_epsilon: z
    .number()
    .positive()
    .default(1e-8)
    .meta({ group: 'Optimizer', help: 'This is added to the square root of the second moment, so that AdamW never divides by 0.' }),
}

interface OptimizerSettings {
  readonly adam_beta1: number
  readonly adam_beta2: number
  readonly adam_epsilon: number
  readonly weight_decay: number
  readonly max_grad_norm: number
}

/** The hyper-parameters of an update whose accumulated gradient is that of the loss itself. */
export function hyperOf(settings: OptimizerSettings, learningRate: number): AdamWHyper {
  return {
    learningRate,
    beta1: settings.adam_beta1,
    beta2: settings.adam_beta2,
    eps: settings.adam_epsilon,
    weightDecay: settings.weight_decay,
    maxGradNorm: settings.max_grad_norm,
    gradScale: 1,
  }
}
