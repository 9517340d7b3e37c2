/**
 * What settings of `sft`, `rft`, `grpo` and `dpo` become in SFTConfig, GRPOConfig, DPOConfig and ModelConfig of trl 1.16.0; the first three extend
 * TrainingArguments of transformers 5.23.0.
 */
import type { SftConfig } from '../algorithms/sft/loop'
import type { DpoConfig } from '../algorithms/dpo/config'
import type { GrpoConfig } from '../algorithms/grpo/config'
import type { RftConfig } from '../algorithms/rft/config'
import { becomes, fixedAt, implied, nearly, nowhere, type Fate, type Fates } from './fieldMapping'

const MEMORY = 'It bounds memory and changes no result.'
const ids = (encoding: string): Fate => fixedAt(!encoding.startsWith('text'), 'The trainer learns from the token ids that were sampled.')

// ModelConfig's own default is a dropout of 0.05.
export const adapterAlways = { 'ModelConfig.use_peft': true, 'ModelConfig.lora_dropout': 0 }
const initFate = ({ init_lora_weights }: Pick<GrpoConfig, 'init_lora_weights'>): Fate =>
  fixedAt(init_lora_weights === 'kaiming', 'ModelConfig has PEFT’s own init alone: hand the trainer a LoraConfig with init_lora_weights.')
const refFate = ({ ref_adapter }: Pick<GrpoConfig, 'ref_adapter'>): Fate =>
  fixedAt(ref_adapter === 'initial', 'TRL holds a policy that begins from an adapter to a frozen copy of it.')
export const sftAlways = ({ trainable }: SftConfig): Readonly<Record<string, unknown>> => ({
  'SFTConfig.assistant_only_loss': true,
  ...(trainable === 'lora' ? adapterAlways : {}),
})

/** These settings have one name in all of TrainingArguments' descendants. */
const optimizerFates = (
  config: 'SFTConfig' | 'GRPOConfig' | 'DPOConfig',
  settings: Pick<
    SftConfig,
    'weight_decay' | 'adam_beta1' | 'adam_beta2' | 'adam_epsilon' | 'max_grad_norm' | 'learning_rate' | 'gradient_checkpointing'
  >,
): Fates<typeof settings> => ({
  learning_rate: becomes({ [`${config}.learning_rate`]: settings.learning_rate }),
  weight_decay: becomes({ [`${config}.weight_decay`]: settings.weight_decay }),
  adam_beta1: becomes({ [`${config}.adam_beta1`]: settings.adam_beta1 }),
  adam_beta2: becomes({ [`${config}.adam_beta2`]: settings.adam_beta2 }),
  adam_epsilon: becomes({ [`${config}.adam_epsilon`]: settings.adam_epsilon }),
  gradient_checkpointing: becomes({ [`${config}.gradient_checkpointing`]: settings.gradient_checkpointing }),
  // transformers too takes 0 as no clipping.
  max_grad_norm: becomes({ [`${config}.max_grad_norm`]: settings.max_grad_norm }),
})

export function sftFates(settings: SftConfig): Fates<SftConfig> {
  const adapter = (name: string, value: unknown): Fate =>
    settings.trainable === 'lora' ? becomes({ [`ModelConfig.${name}`]: value }) : implied('Every weight is trained: there is no adapter.')
  return {
    ...optimizerFates('SFTConfig', settings),
    max_steps: becomes({ 'SFTConfig.max_steps': settings.max_steps }),
    tokens_per_batch: nearly(
      { 'SFTConfig.packing': true, 'SFTConfig.max_length': settings.tokens_per_batch, 'SFTConfig.per_device_train_batch_size': 1 },
      'TRL packs by best fit, Hone in order, so batches hold other samples; packing needs a flash-attention kernel there.',
    ),
    mask_history: settings.mask_history
      ? nearly(
          { 'SFTConfig.completion_only_loss': true },
          'TRL masks what stands before a row’s completion: make rows whose prompt is every message before the last assistant turn.',
        )
      : implied('Rows of messages carry loss on every assistant turn.'),
    gradient_accumulation_steps: becomes({ 'SFTConfig.gradient_accumulation_steps': settings.gradient_accumulation_steps }),
    trainable: becomes({ 'ModelConfig.use_peft': settings.trainable === 'lora' }),
    lora_r: adapter('lora_r', settings.lora_r),
    lora_alpha: adapter('lora_alpha', settings.lora_alpha),
    lora_dropout: adapter('lora_dropout', settings.lora_dropout),
    lora_targets: adapter('lora_target_modules', settings.lora_targets),
    use_rslora: adapter('use_rslora', settings.use_rslora),
    init_lora_weights: initFate(settings),
    warmup_steps: becomes({ 'SFTConfig.warmup_steps': settings.warmup_steps }),
    lr_scheduler_type: becomes({ 'SFTConfig.lr_scheduler_type': settings.lr_scheduler_type }),
  }
}

const SELECTED = 'SFTTrainer takes its data as it is: sample and select beforehand.'

export const rftFates = (settings: RftConfig): Fates<RftConfig> => ({
  ...sftFates(settings),
  num_train_epochs: nearly(
    { 'SFTConfig.num_train_epochs': settings.num_train_epochs },
    'In TRL max_steps overrules it; Hone takes whichever ends sooner.',
  ),
  generation_batch_size: nowhere(SELECTED),
  num_generations: nowhere(SELECTED),
  sampling_rounds: nowhere(SELECTED),
  reward: nowhere(SELECTED),
  reward_threshold: nowhere(SELECTED),
  max_samples_per_query: nowhere(SELECTED),
  step_filtered: fixedAt(!settings.step_filtered, 'TRL masks by role: take the steps labelled 0 out of the assistant’s mask yourself.'),
  max_context_len: nowhere('TRL has one length for a whole sample: SFTConfig.max_length.'),
  max_response_len: nowhere('TRL has one length for a whole sample: SFTConfig.max_length.'),
  encoding: nowhere('SFTTrainer encodes text itself.'),
})

export function grpoFates(settings: GrpoConfig): Fates<GrpoConfig> {
  const config = 'GRPOConfig'
  const { steps_per_generation: parts, generation_batch_size: attempts } = settings
  const same = (name: keyof GrpoConfig): Fate => becomes({ [`${config}.${name}`]: settings[name] })
  return {
    ...optimizerFates(config, settings),
    max_steps: nearly(
      { [`${config}.max_steps`]: settings.max_steps * settings.num_iterations * parts },
      'TRL counts updates, Hone batches: max_steps · num_iterations · steps_per_generation.',
    ),
    generation_batch_size: same('generation_batch_size'),
    num_generations: same('num_generations'),
    // TRL refuses both batch size and steps_per_generation: it derives the latter from the size of a part.
    steps_per_generation:
      attempts % parts === 0
        ? becomes({ [`${config}.per_device_train_batch_size`]: attempts / parts, [`${config}.gradient_accumulation_steps`]: 1 })
        : nearly(
            { [`${config}.per_device_train_batch_size`]: attempts, [`${config}.gradient_accumulation_steps`]: 1 },
            `TRL cuts a batch into equal parts, and ${attempts} attempts are no multiple of ${parts}: it is one part there.`,
          ),
    num_iterations: same('num_iterations'),
    loss_type: same('loss_type'),
    scale_rewards: same('scale_rewards'),
    importance_sampling_level: same('importance_sampling_level'),
    epsilon: same('epsilon'),
    epsilon_high: same('epsilon_high'),
    delta: same('delta'),
    beta: same('beta'),
    use_bias_correction_kl: same('use_bias_correction_kl'),
    reward: nowhere('GRPOTrainer takes reward functions (reward_funcs).'),
    advantage_level: fixedAt(settings.advantage_level === 'trajectory', 'TRL has one advantage for all tokens of an attempt.'),
    mask_truncated_completions: same('mask_truncated_completions'),
    dynamic_sampling_rounds: fixedAt(settings.dynamic_sampling_rounds === 0, 'TRL keeps groups whose rewards are all equal.'),
    max_completion_length: nearly(
      { [`${config}.max_completion_length`]: settings.max_completion_length },
      'In TRL it is also where an attempt, tool replies included, is cut off.',
    ),
    lr_scheduler_type: same('lr_scheduler_type'),
    warmup_steps: same('warmup_steps'),
    lora_r: becomes({ 'ModelConfig.lora_r': settings.lora_r }),
    lora_alpha: becomes({ 'ModelConfig.lora_alpha': settings.lora_alpha }),
    lora_targets: becomes({ 'ModelConfig.lora_target_modules': settings.lora_targets }),
    use_rslora: becomes({ 'ModelConfig.use_rslora': settings.use_rslora }),
    init_lora_weights: initFate(settings),
    ref_adapter: refFate(settings),
    max_context_len: nowhere('GRPOTrainer does not shorten what came before.'),
    max_response_len: nowhere('TRL has one length for all turns of an attempt: max_completion_length.'),
    encoding: ids(settings.encoding),
    max_tokens_per_micro_batch: nowhere(MEMORY),
  }
}

export function dpoFates(settings: DpoConfig): Fates<DpoConfig> {
  const config = 'DPOConfig'
  const same = (name: keyof DpoConfig): Fate => becomes({ [`${config}.${name}`]: settings[name] })
  return {
    ...optimizerFates(config, settings),
    max_steps: same('max_steps'),
    per_device_train_batch_size: same('per_device_train_batch_size'),
    gradient_accumulation_steps: same('gradient_accumulation_steps'),
    beta: same('beta'),
    // A list: TRL can add losses up.
    loss_type: becomes({ [`${config}.loss_type`]: [settings.loss_type] }),
    label_smoothing:
      settings.loss_type === 'sigmoid' && settings.label_smoothing > 0
        ? nowhere('TRL 1.16’s sigmoid loss has none (cDPO).')
        : same('label_smoothing'),
    max_pairs_per_query: nowhere('TRL takes pairs as they are: make them beforehand.'),
    overlong_pairs: fixedAt(
      settings.overlong_pairs === 'keep',
      'TRL 1.16 shortens pairs to max_length; the released loss of whole answers is gone.',
    ),
    lr_scheduler_type: same('lr_scheduler_type'),
    warmup_steps: same('warmup_steps'),
    lora_r: becomes({ 'ModelConfig.lora_r': settings.lora_r }),
    lora_alpha: becomes({ 'ModelConfig.lora_alpha': settings.lora_alpha }),
    lora_targets: becomes({ 'ModelConfig.lora_target_modules': settings.lora_targets }),
    use_rslora: becomes({ 'ModelConfig.use_rslora': settings.use_rslora }),
    init_lora_weights: initFate(settings),
    ref_adapter: refFate(settings),
    max_context_len: nearly(
      { [`${config}.max_length`]: settings.max_context_len + settings.max_response_len },
      'TRL has one length for prompt and answer, and cuts the end, not the oldest.',
    ),
    max_response_len: nearly({}, 'It is part of max_length.'),
    encoding: nowhere('DPOTrainer encodes text itself.'),
    max_tokens_per_micro_batch: nowhere(MEMORY),
  }
}
