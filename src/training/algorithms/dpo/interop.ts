/** DPO's settings in TRL: DPOConfig and ModelConfig. */
import { approximate, fixedValue, mapsTo, unmapped, type FieldMapping, type FieldMappings } from '../../recipes/fieldMapping'
import type { RecipeInterop } from '../../recipes/interop'
import {
  adapterAlways,
  adapterMappings,
  BOUNDS_MEMORY,
  initialReference,
  optimizerMappings,
  TRL_RELEASE,
  trlRunFields,
} from '../../recipes/trlFields'
import type { DpoConfig } from './config'

export const dpoInterop: RecipeInterop<DpoConfig> = {
  toTrl: (settings, run) => ({
    requires: TRL_RELEASE,
    run: trlRunFields('DPOConfig', run),
    settings: dpoTrlMappings(settings),
    always: adapterAlways,
  }),
  fromTrl: {
    configClass: 'DPOConfig',
    claims: (fields) => 'beta' in fields || 'max_prompt_length' in fields || 'precompute_ref_log_probs' in fields,
    defaults: { per_device_train_batch_size: 8, learning_rate: 1e-6, gradient_accumulation_steps: 1, lora_alpha: 32 },
    settle: ({ config, ignored }) => {
      if (!Array.isArray(config.loss_type)) return
      ignored.push({ field: 'loss_type', value: config.loss_type, reason: 'Hone does not combine several losses. Choose one.' })
      delete config.loss_type
    },
  },
}

function dpoTrlMappings(settings: DpoConfig): FieldMappings<DpoConfig> {
  const config = 'DPOConfig'
  const same = (name: keyof DpoConfig): FieldMapping => mapsTo({ [`${config}.${name}`]: settings[name] })
  return {
    ...optimizerMappings(config, settings),
    max_steps: same('max_steps'),
    per_device_train_batch_size: same('per_device_train_batch_size'),
    gradient_accumulation_steps: same('gradient_accumulation_steps'),
    beta: same('beta'),
    // A list: TRL can add losses up.
    loss_type: mapsTo({ [`${config}.loss_type`]: [settings.loss_type] }),
    label_smoothing:
      settings.loss_type === 'sigmoid' && settings.label_smoothing > 0
        ? unmapped('TRL 1.16’s sigmoid loss has none (cDPO).')
        : same('label_smoothing'),
    max_pairs_per_query: unmapped('TRL takes pairs as they are: make them beforehand.'),
    overlong_pairs: fixedValue(
      settings.overlong_pairs === 'keep',
      'TRL 1.16 shortens pairs to max_length; the released loss of whole answers is gone.',
    ),
    lr_scheduler_type: same('lr_scheduler_type'),
    warmup_steps: same('warmup_steps'),
    ...adapterMappings(settings),
    ref_adapter: initialReference(settings.ref_adapter),
    max_context_len: approximate(
      { [`${config}.max_length`]: settings.max_context_len + settings.max_response_len },
      'TRL has one length for prompt and answer, and cuts the end, not the oldest.',
    ),
    max_response_len: approximate({}, 'It is part of max_length.'),
    encoding: unmapped('DPOTrainer encodes text itself.'),
    max_tokens_per_micro_batch: BOUNDS_MEMORY,
  }
}
