/** The adapter's settings under PEFT's names, and the trainable set they stand for. */
import { z } from 'zod'
import { PROJECTIONS } from '../models/architectures/decoder'
import type { Projection } from '../models/architectures/decoder'
import type { TrainableSet } from './policyPlans'

export const adapterSettings = (rank: number) => ({
  lora_r: z.int().positive().default(rank).meta({ help: 'Rank of the adapter.', essential: true }),
  lora_alpha: z.number().positive().default(16).meta({ help: 'The adapter is scaled by alpha / r.' }),
  lora_targets: z
    .array(z.enum(PROJECTIONS))
    .min(1)
    .default([...PROJECTIONS])
    .meta({ help: 'Projections that get an adapter.' }),
})

interface AdapterSettings {
  readonly lora_r: number
  readonly lora_alpha: number
  readonly lora_targets: readonly Projection[]
  readonly gradient_checkpointing: boolean
}

export const adapterTrainable = (settings: AdapterSettings, { valueHead }: { readonly valueHead: boolean }): TrainableSet => ({
  kind: 'lora',
  lora: { rank: settings.lora_r, alpha: settings.lora_alpha, targets: settings.lora_targets },
  valueHead,
  gradientCheckpointing: settings.gradient_checkpointing,
})
