/**
 * Both PPOs' settings as keyword arguments of the classic PPOConfig and of AutoModelForCausalLMWithValueHead.from_pretrained of trl 0.11.4, the
 * last release with a PPOTrainer that StepTool's StepPPOTrainer can subclass, and of LoraConfig of peft 0.21.2 (the same in 0.5.0).
 */
import { checkpointOf } from '../../recipes/checkpointName'
import { approximate, fixedValue, implied, mapsTo, unmapped, type FieldMapping, type FieldMappings } from '../../recipes/fieldMapping'
import type { RunFields } from '../../recipes/interop'
import { ANOTHER_GENERATOR, DATASET_OBJECT, NO_CHECKPOINT, NO_MAX_STEPS } from '../../recipes/trlFields'
import type { PpoSettings } from './config'
import type { SteptoolPpoConfig } from './config'
import type { PpoConfig } from './config'

export const CLASSIC_TRL_RELEASE = 'trl==0.11.4'

// A constant rate, Adam without decay and no dropout are what PPOTrainer and StepTool's forward pass do.
export const ppoTrlAlways = {
  'LoraConfig.bias': 'none',
  'LoraConfig.task_type': 'CAUSAL_LM',
  'LoraConfig.lora_dropout': 0,
  'AutoModelForCausalLMWithValueHead.summary_dropout_prob': 0,
}

/** The settings that both PPOs have. */
function sharedMappings(settings: PpoSettings): FieldMappings<PpoSettings> {
  const same = (name: keyof PpoSettings): FieldMapping => mapsTo({ [`PPOConfig.${name}`]: settings[name] })
  const adam = (isDefault: boolean): FieldMapping =>
    fixedValue(isDefault, 'PPOTrainer makes its own Adam with torch’s defaults; hand it another as its argument optimizer.')
  const { batch_size: batch, mini_batch_size: mini, gradient_accumulation_steps: parts } = settings
  const script = (flag: string): FieldMapping => unmapped(`It is an argument of StepTool’s script (--${flag}), not of PPOConfig.`)
  return {
    learning_rate: same('learning_rate'),
    max_steps: approximate(
      { 'PPOConfig.steps': settings.max_steps * batch },
      'TRL counts trajectories, Hone batches; the loop around PPOTrainer.step must stop by itself.',
    ),
    batch_size: same('batch_size'),
    mini_batch_size: same('mini_batch_size'),
    gradient_accumulation_steps:
      batch % (mini * parts) === 0
        ? same('gradient_accumulation_steps')
        : unmapped(
            `TRL refuses a batch_size (${batch}) that is no multiple of mini_batch_size · gradient_accumulation_steps (${mini * parts}).`,
          ),
    ppo_epochs: same('ppo_epochs'),
    init_kl_coef: same('init_kl_coef'),
    adap_kl_ctrl: same('adap_kl_ctrl'),
    target: same('target'),
    horizon: same('horizon'),
    kl_penalty: settings.kl_penalty === 'low_var_kl' ? unmapped('PPOConfig has kl, abs, mse and full.') : same('kl_penalty'),
    gamma: same('gamma'),
    lam: same('lam'),
    cliprange: same('cliprange'),
    cliprange_value: same('cliprange_value'),
    vf_coef: same('vf_coef'),
    ratio_threshold: same('ratio_threshold'),
    whiten_advantages: fixedValue(settings.whiten_advantages, 'PPOTrainer always whitens advantages.'),
    max_grad_norm: mapsTo({ 'PPOConfig.max_grad_norm': settings.max_grad_norm === 0 ? null : settings.max_grad_norm }),
    gae_mask_mode: fixedValue(settings.gae_mask_mode === 'trl_classic', 'In TRL advantages decay over every token of a tool reply.'),
    reward_dtype: fixedValue(
      settings.reward_dtype === 'float32',
      'PPOTrainer keeps rewards as they are; StepTool’s script rounds them to float16.',
    ),
    value_head_init:
      settings.value_head_init === 'zero'
        ? mapsTo({
            'AutoModelForCausalLMWithValueHead.v_head_init_strategy': 'normal',
            'AutoModelForCausalLMWithValueHead.v_head_initializer_range': 0,
          })
        : implied('The value head is initialized as torch’s nn.Linear is.'),
    ...loraMappings(settings),
    // `init_adapter` has the remark.
    ref_adapter: implied('It only matters if a run starts from an adapter.'),
    max_context_len: script('max_context_len'),
    max_response_len: script('max_response_len'),
    encoding: unmapped('PPOTrainer.step takes token ids; StepTool’s script encodes every segment anew.'),
    max_tokens_per_micro_batch: unmapped('mini_batch_size bounds memory in TRL.'),
    gradient_checkpointing: unmapped('Call gradient_checkpointing_enable() on the model instead.'),
    adam_beta1: adam(settings.adam_beta1 === 0.9),
    adam_beta2: adam(settings.adam_beta2 === 0.999),
    adam_epsilon: adam(settings.adam_epsilon === 1e-8),
  }
}

type LoraSettings = Pick<PpoSettings, 'lora_r' | 'lora_alpha' | 'lora_targets' | 'use_rslora' | 'init_lora_weights'>

/** The adapter's settings as peft's LoraConfig. */
function loraMappings(settings: LoraSettings): FieldMappings<LoraSettings> {
  return {
    lora_r: mapsTo({ 'LoraConfig.r': settings.lora_r }),
    lora_alpha: mapsTo({ 'LoraConfig.lora_alpha': settings.lora_alpha }),
    lora_targets: mapsTo({ 'LoraConfig.target_modules': settings.lora_targets }),
    use_rslora: settings.use_rslora
      ? approximate({ 'LoraConfig.use_rslora': true }, 'peft 0.5.0, StepTool’s pin, has no rsLoRA.')
      : implied('LoraConfig’s default.'),
    init_lora_weights:
      settings.init_lora_weights === 'kaiming'
        ? implied('LoraConfig’s default.')
        : approximate({ 'LoraConfig.init_lora_weights': 'gaussian' }, 'peft 0.5.0, StepTool’s pin, has its own init alone.'),
  }
}

export const steptoolPpoTrlMappings = (settings: SteptoolPpoConfig): FieldMappings<SteptoolPpoConfig> => ({
  ...sharedMappings(settings),
  step_reward_weighting: unmapped(
    settings.step_reward_weighting === 'released'
      ? 'PPOTrainer adds one reward at the last token; rewards of steps need StepTool’s StepPPOTrainer.'
      : 'PPOTrainer adds one reward at the last token; StepTool’s StepPPOTrainer adds each step’s times n − i − 1: take the factor out of its compute_rewards.',
  ),
  center_step_rewards: unmapped('PPOTrainer takes rewards as they are: subtract their mean beforehand.'),
  unlabelled_steps: unmapped('PPOTrainer takes a reward for everything: leave out what has none beforehand.'),
})

export const outcomePpoTrlMappings = (settings: PpoConfig): FieldMappings<PpoConfig> => ({
  ...sharedMappings(settings),
  reward: unmapped('PPOTrainer.step is handed one reward for each response: the loop around it reads it off.'),
  literal_text_bug: fixedValue(
    !settings.literal_text_bug,
    'PPOTrainer.step takes token ids: StepTool’s script makes them from str() of its lists.',
  ),
})

/** Seed, model and adapter, for a model that is loaded with a value head. */
export function ppoTrlRunFields(
  { seed, model, init_adapter }: RunFields,
  settings: Pick<PpoSettings, 'ref_adapter'>,
): FieldMappings<RunFields> {
  const name = 'AutoModelForCausalLMWithValueHead.pretrained_model_name_or_path'
  const checkpoint = checkpointOf(model)
  const another =
    settings.ref_adapter === 'none'
      ? ''
      : ' TRL 0.11’s KL reference is the base with the adapter off (ref_adapter none), not a copy of the adapter.'
  return {
    seed: approximate({ 'PPOConfig.seed': seed }, ANOTHER_GENERATOR),
    steps: NO_MAX_STEPS,
    model:
      checkpoint === null
        ? NO_CHECKPOINT
        : checkpoint.revision === null
          ? mapsTo({ [name]: checkpoint.name })
          : approximate({ [name]: checkpoint.name }, 'Pass the revision to from_pretrained as well.'),
    data: DATASET_OBJECT,
    init_adapter: approximate({ [name]: init_adapter }, `Pass is_trainable=True to from_pretrained as well, and no peft_config.${another}`),
  }
}
