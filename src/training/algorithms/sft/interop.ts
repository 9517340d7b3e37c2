/** SFT's settings in TRL: SFTConfig and ModelConfig. */
import { approximate, implied, mapsTo, type FieldMapping, type FieldMappings } from '../../recipes/fieldMapping'
import type { Fields, RecipeInterop } from '../../recipes/interop'
import { adapterAlways, initWeights, optimizerMappings, TRL_RELEASE, trlRunFields } from '../../recipes/trlFields'
import type { SftConfig } from './config'

export const sftInterop: RecipeInterop<SftConfig> = {
  toTrl: (settings, run) => ({
    requires: TRL_RELEASE,
    run: trlRunFields('SFTConfig', run),
    settings: sftTrlMappings(settings),
    always: sftTrlAlways(settings),
  }),
  fromTrl: {
    configClass: 'SFTConfig',
    claims: (fields) => 'assistant_only_loss' in fields || 'completion_only_loss' in fields || 'packing' in fields,
    defaults: {
      learning_rate: 2e-5,
      lr_scheduler_type: 'linear',
      warmup_steps: 0,
      lora_r: 16,
      lora_alpha: 32,
      lora_dropout: 0.05,
      tokens_per_batch: 1024,
    },
  },
}

export const sftTrlAlways = ({ trainable }: Pick<SftConfig, 'trainable'>): Fields => ({
  'SFTConfig.assistant_only_loss': true,
  ...(trainable === 'lora' ? adapterAlways : {}),
})

export function sftTrlMappings(settings: SftConfig): FieldMappings<SftConfig> {
  const adapter = (name: string, value: unknown): FieldMapping =>
    settings.trainable === 'lora' ? mapsTo({ [`ModelConfig.${name}`]: value }) : implied('Every weight is trained: there is no adapter.')
  return {
    ...optimizerMappings('SFTConfig', settings),
    max_steps: mapsTo({ 'SFTConfig.max_steps': settings.max_steps }),
    tokens_per_batch: approximate(
      { 'SFTConfig.packing': true, 'SFTConfig.max_length': settings.tokens_per_batch, 'SFTConfig.per_device_train_batch_size': 1 },
      'TRL packs by best fit, Hone in order, so batches hold other samples; packing needs a flash-attention kernel there.',
    ),
    mask_history: settings.mask_history
      ? approximate(
          { 'SFTConfig.completion_only_loss': true },
          'TRL masks what stands before a row’s completion: make rows whose prompt is every message before the last assistant turn.',
        )
      : implied('Rows of messages carry loss on every assistant turn.'),
    gradient_accumulation_steps: mapsTo({ 'SFTConfig.gradient_accumulation_steps': settings.gradient_accumulation_steps }),
    trainable: mapsTo({ 'ModelConfig.use_peft': settings.trainable === 'lora' }),
    lora_r: adapter('lora_r', settings.lora_r),
    lora_alpha: adapter('lora_alpha', settings.lora_alpha),
    lora_dropout: adapter('lora_dropout', settings.lora_dropout),
    lora_targets: adapter('lora_target_modules', settings.lora_targets),
    use_rslora: adapter('use_rslora', settings.use_rslora),
    init_lora_weights: initWeights(settings.init_lora_weights),
    warmup_steps: mapsTo({ 'SFTConfig.warmup_steps': settings.warmup_steps }),
    lr_scheduler_type: mapsTo({ 'SFTConfig.lr_scheduler_type': settings.lr_scheduler_type }),
  }
}
