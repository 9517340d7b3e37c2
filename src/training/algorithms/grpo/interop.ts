/** GRPO's settings in TRL (GRPOConfig and ModelConfig) and in verl. */
import { approximate, fixedValue, mapsTo, unmapped, type FieldMapping, type FieldMappings } from '../../recipes/fieldMapping'
import type { RecipeInterop, TrlImport } from '../../recipes/interop'
import {
  adapterAlways,
  adapterMappings,
  BOUNDS_MEMORY,
  initialReference,
  optimizerMappings,
  tokenIds,
  TRL_RELEASE,
  trlRunFields,
} from '../../recipes/trlFields'
import { VERL_RELEASE, verlRunFields } from '../../recipes/verlFields'
import type { GrpoConfig } from './config'
import { grpoVerlAlways, grpoVerlMappings } from './verlMapping'

/** The default of per_device_train_batch_size in TrainingArguments, from which GRPO's batch follows. */
const TRL_DEVICE_BATCH = 8

const fromTrl: TrlImport = {
  configClass: 'GRPOConfig',
  claims: (fields) => 'num_generations' in fields || 'max_completion_length' in fields || 'reward_funcs' in fields,
  defaults: { max_completion_length: 512, lora_r: 16, lora_alpha: 32 },
  settledFields: ['per_device_train_batch_size', 'gradient_accumulation_steps'],
  settle: ({ config, assumed }) => {
    const count = (name: string): number | null => (typeof config[name] === 'number' ? config[name] : null)
    const device = count('per_device_train_batch_size') ?? TRL_DEVICE_BATCH
    const accumulated = count('gradient_accumulation_steps') ?? 1
    // TRL's steps_per_generation counts backward passes over `device` attempts, of which gradient_accumulation_steps make an update; Hone's counts updates.
    const passes = count('steps_per_generation') ?? accumulated
    if (!('per_device_train_batch_size' in config))
      assumed.push({
        field: 'per_device_train_batch_size',
        value: device,
        reason: 'This is TRL’s default, because the file does not set the field.',
      })
    delete config.per_device_train_batch_size
    delete config.gradient_accumulation_steps
    config.generation_batch_size ??= device * passes
    const attempts = count('generation_batch_size')
    if (attempts !== null) config.steps_per_generation = Math.max(1, Math.round(attempts / (device * accumulated)))
    else if (count('steps_per_generation') !== null) config.steps_per_generation = Math.max(1, Math.round(passes / accumulated))
    const updates = count('max_steps')
    if (updates !== null)
      config.max_steps = Math.max(1, Math.round(updates / ((count('num_iterations') ?? 1) * (count('steps_per_generation') ?? 1))))
  },
}

export const grpoInterop: RecipeInterop<GrpoConfig> = {
  toTrl: (settings, run) => ({
    requires: TRL_RELEASE,
    run: trlRunFields('GRPOConfig', run),
    settings: grpoTrlMappings(settings),
    always: adapterAlways,
  }),
  toVerl: (settings, run) => ({
    requires: VERL_RELEASE,
    run: verlRunFields(['actor_rollout_ref'], run, settings),
    settings: grpoVerlMappings(settings),
    always: grpoVerlAlways,
  }),
  fromTrl,
}

function grpoTrlMappings(settings: GrpoConfig): FieldMappings<GrpoConfig> {
  const config = 'GRPOConfig'
  const { steps_per_generation: parts, generation_batch_size: attempts } = settings
  const same = (name: keyof GrpoConfig): FieldMapping => mapsTo({ [`${config}.${name}`]: settings[name] })
  return {
    ...optimizerMappings(config, settings),
    max_steps: approximate(
      { [`${config}.max_steps`]: settings.max_steps * settings.num_iterations * parts },
      'TRL counts updates, Hone batches: max_steps · num_iterations · steps_per_generation.',
    ),
    generation_batch_size: same('generation_batch_size'),
    num_generations: same('num_generations'),
    // TRL refuses both batch size and steps_per_generation: it derives the latter from the size of a part.
    steps_per_generation:
      attempts % parts === 0
        ? mapsTo({ [`${config}.per_device_train_batch_size`]: attempts / parts, [`${config}.gradient_accumulation_steps`]: 1 })
        : approximate(
            { [`${config}.per_device_train_batch_size`]: attempts, [`${config}.gradient_accumulation_steps`]: 1 },
            `TRL divides a batch into equal parts, and ${attempts} attempts are not a multiple of ${parts}, so the exported recipe makes one update per pass.`,
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
    reward: unmapped('GRPOTrainer takes reward functions (reward_funcs).'),
    advantage_level: fixedValue(settings.advantage_level === 'trajectory', 'TRL has one advantage for all tokens of an attempt.'),
    mask_truncated_completions: same('mask_truncated_completions'),
    dynamic_sampling_rounds: fixedValue(settings.dynamic_sampling_rounds === 0, 'TRL keeps groups whose rewards are all equal.'),
    max_completion_length: approximate(
      { [`${config}.max_completion_length`]: settings.max_completion_length },
      'In TRL it also limits the length of an attempt, including tool replies.',
    ),
    lr_scheduler_type: same('lr_scheduler_type'),
    warmup_steps: same('warmup_steps'),
    ...adapterMappings(settings),
    ref_adapter: initialReference(settings.ref_adapter),
    max_context_len: unmapped('GRPOTrainer does not shorten what came before.'),
    max_response_len: unmapped('TRL has one length for all turns of an attempt: max_completion_length.'),
    encoding: tokenIds(settings.encoding),
    max_tokens_per_micro_batch: BOUNDS_MEMORY,
  }
}
