/**
 * What the algorithms' mappings to trl 1.16.0 share: fields of TrainingArguments (transformers 5.23.0), which SFTConfig, GRPOConfig and
 * DPOConfig extend, and of ModelConfig.
 */
import { checkpointOf } from './checkpointName'
import { approximate, fixedValue, mapsTo, unmapped, type FieldMapping, type FieldMappings } from './fieldMapping'
import type { RunFields } from './interop'

export const TRL_RELEASE = 'trl==1.16.0'

export const BOUNDS_MEMORY = unmapped('It limits memory and does not change the result.')
export const tokenIds = (encoding: string): FieldMapping =>
  fixedValue(!encoding.startsWith('text'), 'The trainer learns from the token ids that were sampled.')

// ModelConfig's own default is a dropout of 0.05.
export const adapterAlways = { 'ModelConfig.use_peft': true, 'ModelConfig.lora_dropout': 0 }
export const initWeights = (init_lora_weights: string): FieldMapping =>
  fixedValue(
    init_lora_weights === 'kaiming',
    'ModelConfig supports only PEFT’s default initialization. Pass the trainer a LoraConfig with init_lora_weights.',
  )
export const initialReference = (ref_adapter: string): FieldMapping =>
  fixedValue(ref_adapter === 'initial', 'If a run starts from an adapter, TRL’s KL reference is a frozen copy of that adapter.')

interface Adapter {
  readonly lora_r: number
  readonly lora_alpha: number
  readonly lora_targets: readonly string[]
  readonly use_rslora: boolean
  readonly init_lora_weights: string
}
export const adapterMappings = (settings: Adapter): FieldMappings<Adapter> => ({
  lora_r: mapsTo({ 'ModelConfig.lora_r': settings.lora_r }),
  lora_alpha: mapsTo({ 'ModelConfig.lora_alpha': settings.lora_alpha }),
  lora_targets: mapsTo({ 'ModelConfig.lora_target_modules': settings.lora_targets }),
  use_rslora: mapsTo({ 'ModelConfig.use_rslora': settings.use_rslora }),
  init_lora_weights: initWeights(settings.init_lora_weights),
})

interface OptimizerFields {
  readonly learning_rate: number
  readonly weight_decay: number
  readonly adam_beta1: number
  readonly adam_beta2: number
  readonly adam_epsilon: number
  readonly gradient_checkpointing: boolean
  readonly max_grad_norm: number
}
/** These settings have one name in all of TrainingArguments' descendants; transformers too takes a max_grad_norm of 0 as no clipping. */
export const optimizerMappings = (config: string, settings: OptimizerFields): FieldMappings<OptimizerFields> => ({
  learning_rate: mapsTo({ [`${config}.learning_rate`]: settings.learning_rate }),
  weight_decay: mapsTo({ [`${config}.weight_decay`]: settings.weight_decay }),
  adam_beta1: mapsTo({ [`${config}.adam_beta1`]: settings.adam_beta1 }),
  adam_beta2: mapsTo({ [`${config}.adam_beta2`]: settings.adam_beta2 }),
  adam_epsilon: mapsTo({ [`${config}.adam_epsilon`]: settings.adam_epsilon }),
  gradient_checkpointing: mapsTo({ [`${config}.gradient_checkpointing`]: settings.gradient_checkpointing }),
  max_grad_norm: mapsTo({ [`${config}.max_grad_norm`]: settings.max_grad_norm }),
})

export const ANOTHER_GENERATOR = 'The two programs use different random number generators, so the same seed gives different numbers.'
export const NO_MAX_STEPS = unmapped('The algorithm has no max_steps.')
export const NO_CHECKPOINT = unmapped('It is not a folder or name of a checkpoint that transformers can load.')
export const DATASET_OBJECT = unmapped('TRL’s trainers take a dataset object, not files.')

/** Seed, model and adapter, for trainers that load the model of a ModelConfig. */
export function trlRunFields(config: string, { seed, model }: RunFields): FieldMappings<RunFields> {
  const checkpoint = checkpointOf(model)
  return {
    seed: approximate({ [`${config}.seed`]: seed }, ANOTHER_GENERATOR),
    steps: NO_MAX_STEPS,
    model:
      checkpoint === null
        ? NO_CHECKPOINT
        : mapsTo({
            'ModelConfig.model_name_or_path': checkpoint.name,
            ...(checkpoint.revision === null ? {} : { 'ModelConfig.model_revision': checkpoint.revision }),
          }),
    data: DATASET_OBJECT,
    init_adapter: approximate(
      { 'ModelConfig.use_peft': false },
      `Pass PeftModel.from_pretrained(base, adapter, is_trainable=True) to the trainer as its model. Do not pass a peft_config, which would add a new adapter.`,
    ),
  }
}
