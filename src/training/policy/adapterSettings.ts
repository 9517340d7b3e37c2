/** The adapter's settings under PEFT's names, and the trainable set they stand for. */
import { z } from 'zod'
import { PROJECTIONS } from '../../models/architectures/decoder'
import type { Projection } from '../../models/architectures/decoder'
import type { TrainableSet } from './policyPlans'

/** How an adapter's matrices begin: as PEFT's `init_lora_weights` true and "gaussian". B is zero either way. */
const LORA_INITS = ['kaiming', 'gaussian'] as const

export const adapterSettings = (rank: number) => ({
  lora_r: z.int().positive().default(rank).meta({ group: 'Adapter', help: 'Rank of the adapter.', essential: true }),
  lora_alpha: z.number().positive().default(16).meta({ group: 'Adapter', help: 'The adapter is scaled by alpha / r.' }),
  lora_targets: z
    .array(z.enum(PROJECTIONS))
    .min(1)
    .default([...PROJECTIONS])
    .meta({ group: 'Adapter', help: 'Projections that get an adapter.' }),
  use_rslora: z
    .boolean()
    .default(false)
    .meta({ group: 'Adapter', help: 'The adapter is scaled by alpha / √r instead (rsLoRA): large ranks learn as fast as small ones.' }),
  init_lora_weights: z.enum(LORA_INITS).default('kaiming').meta({
    group: 'Adapter',
    help: 'How A begins: uniform within ±1/√inputs (PEFT’s default), or normal with deviation 1/r. B begins at 0.',
  }),
})

/** What holds a run that goes on with an adapter: TRL loads a frozen copy of it named "ref". */
const REF_ADAPTERS = ['initial', 'none'] as const

/** Of algorithms that hold the policy near a reference. */
export const referenceSettings = {
  ref_adapter: z.enum(REF_ADAPTERS).default('initial').meta({
    group: 'Reference policy and KL',
    help: 'The reference of a run that begins from an adapter. initial: a frozen copy of that adapter, as in TRL 1.16. none: the base with the adapter off, as in TRL 0.11’s PPO and verl. A new adapter begins as the base: there both are the same.',
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
