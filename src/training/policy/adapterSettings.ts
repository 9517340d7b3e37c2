/** The adapter's settings under PEFT's names, and the trainable set that they describe. */
import { z } from 'zod'
import { PROJECTIONS } from '../../models/architectures/decoder'
import type { Projection } from '../../models/architectures/decoder'
import type { TrainableSet } from './policyPlans'

/** The initialization of an adapter's matrix A, as PEFT's `init_lora_weights` true and "gaussian". B is always zero. */
const LORA_INITS = ['kaiming', 'gaussian'] as const

export const adapterSettings = (rank: number) => ({
  lora_r: z.int().positive().default(rank).meta({
    group: 'Adapter',
    help: 'This sets the rank of the LoRA adapter. A larger rank can learn more and takes more memory.',
    essential: true,
  }),
  lora_alpha: z.number().positive().default(16).meta({
    group: 'Adapter',
    help: 'The adapter’s output is multiplied by lora_alpha / lora_r; a larger value makes each update count more.',
  }),
  lora_targets: z
    .array(z.enum(PROJECTIONS))
    .min(1)
    .default([...PROJECTIONS])
    .meta({ group: 'Adapter', help: 'This sets the projections that get an adapter.' }),
  use_rslora: z.boolean().default(false).meta({
    group: 'Adapter',
    help: 'If on, the scale is lora_alpha / √lora_r (rsLoRA), so that large ranks learn as fast as small ones.',
  }),
  init_lora_weights: z.enum(LORA_INITS).default('kaiming').meta({
    group: 'Adapter',
    help: 'This sets how matrix A is initialized. kaiming draws it uniformly within ±1/√inputs, which is PEFT’s default; gaussian draws it with standard deviation 1/r. B is zero.',
  }),
})

/** The KL reference of a run that starts from an adapter. TRL uses a frozen copy of it named "ref". */
const REF_ADAPTERS = ['initial', 'none'] as const

/** Settings of algorithms with a KL penalty. */
export const referenceSettings = {
  ref_adapter: z.enum(REF_ADAPTERS).default('initial').meta({
    group: 'Reference policy and KL',
    help: 'This sets the KL reference of a run that starts from an adapter. initial uses a frozen copy of that adapter, as TRL 1.16 does. none uses the base model without an adapter, as verl and the PPO of TRL 0.11 do. With a new adapter both are the same.',
  }),
}

interface AdapterSettings {
  readonly lora_r: number
  readonly lora_alpha: number
  readonly lora_targets: readonly Projection[]
  readonly use_rslora: boolean
  readonly gradient_checkpointing: boolean
}

export const adapterTrainable = (
  settings: AdapterSettings,
  { valueHead, keepsReference = false }: { readonly valueHead: boolean; readonly keepsReference?: boolean },
): TrainableSet => ({
  kind: 'lora',
  lora: { rank: settings.lora_r, alpha: settings.lora_alpha, targets: settings.lora_targets, useRslora: settings.use_rslora },
  valueHead,
  gradientCheckpointing: settings.gradient_checkpointing,
  keepsReference,
})
