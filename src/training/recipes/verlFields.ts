/**
 * What the algorithms' mappings to verl share: overrides of `verl.trainer.main_ppo`, under the names in verl 0.9.1's trainer/config (fsdp
 * workers; test/golden/verl_fields.json has them all). What verl does with a value was read in its trainer/ppo/core_algos.py and workers/.
 */
import { checkpointOf } from './checkpointName'
import { approximate, fixedValue, implied, mapsTo, unmapped, type FieldMappings } from './fieldMapping'
import type { Fields, RunFields } from './interop'

export const VERL_RELEASE = 'verl==0.9.1'
export const ACTOR = 'actor_rollout_ref.actor'
/** verl can neither leave gradients unclipped nor a ratio unbounded: a bound never reached is the same. */
export const NO_BOUND = 1e9

/** One name in several workers' sections. */
export const each = (workers: readonly string[], name: string, value: unknown): Record<string, unknown> =>
  Object.fromEntries(workers.map((worker) => [`${worker}.${name}`, value]))

/** `init_adapter` has the remark. */
export const refAdapter = implied('It only matters if a run starts from an adapter.')

/** Seed, model and adapter, with the model of each of `workers`. */
export function verlRunFields(
  workers: readonly string[],
  { seed, model, init_adapter }: RunFields,
  settings: Fields,
): FieldMappings<RunFields> {
  const checkpoint = checkpointOf(model)
  const paths = each(workers, 'model.path', checkpoint?.name)
  const adapter = { 'actor_rollout_ref.model.lora_adapter_path': init_adapter }
  return {
    seed: approximate(
      { 'data.seed': seed, 'actor_rollout_ref.rollout.seed': seed, [`${ACTOR}.data_loader_seed`]: seed },
      'The two programs use different random number generators, so the same seed gives different numbers.',
    ),
    steps: unmapped('The algorithm has no max_steps.'),
    model: !checkpoint
      ? unmapped('It is not a folder or name of a checkpoint that transformers can load.')
      : checkpoint.revision === null
        ? mapsTo(paths)
        : approximate(paths, 'verl has no field for a revision. Download that revision and set the path of its folder.'),
    data: unmapped('verl reads prompts from parquet files: data.train_files.'),
    init_adapter:
      settings.ref_adapter === 'none'
        ? mapsTo(adapter)
        : approximate(adapter, 'verl’s KL reference is the base model without the adapter (ref_adapter: none), not a copy of the adapter.'),
  }
}

interface Adam {
  readonly adam_beta1: number
  readonly adam_beta2: number
  readonly adam_epsilon: number
}
export const adamMappings = (settings: Adam, workers: readonly string[]): FieldMappings<Adam> => ({
  adam_beta1: mapsTo(each(workers, 'optim.betas', [settings.adam_beta1, settings.adam_beta2])),
  adam_beta2: mapsTo({}),
  adam_epsilon:
    settings.adam_epsilon === 1e-8
      ? implied('It is torch’s default.')
      : mapsTo(each(workers, 'optim.override_optimizer_config', { eps: settings.adam_epsilon })),
})

interface Adapter {
  readonly lora_r: number
  readonly lora_alpha: number
  readonly lora_targets: readonly string[]
  readonly use_rslora: boolean
  readonly init_lora_weights: string
}
export const adapterMappings = (settings: Adapter, models: readonly string[]): FieldMappings<Adapter> => ({
  lora_r: mapsTo(each(models, 'lora_rank', settings.lora_r)),
  lora_alpha: mapsTo(each(models, 'lora_alpha', settings.lora_alpha)),
  lora_targets: mapsTo(each(models, 'target_modules', settings.lora_targets)),
  use_rslora: fixedValue(!settings.use_rslora, 'verl always scales an adapter by alpha / r.'),
  init_lora_weights: fixedValue(settings.init_lora_weights === 'kaiming', 'verl always uses PEFT’s default initialization of adapters.'),
})

interface Lengths {
  readonly max_context_len: number
  readonly max_response_len: number
  readonly encoding: string
  readonly max_tokens_per_micro_batch: number
  readonly gradient_checkpointing: boolean
}
export const lengthMappings = (settings: Lengths): FieldMappings<Lengths> => ({
  max_context_len: approximate(
    { 'data.max_prompt_length': settings.max_context_len, 'data.truncation': 'left' },
    'In verl the prompt ends where the first response begins. In Hone the context includes all turns before the final response.',
  ),
  max_response_len: approximate(
    { 'data.max_response_length': settings.max_response_len },
    'In verl the response includes all turns and tool replies. Raise it to the length of an episode.',
  ),
  encoding: fixedValue(!settings.encoding.startsWith('text'), 'verl learns from the token ids that were sampled.'),
  gradient_checkpointing: mapsTo({ 'actor_rollout_ref.model.enable_gradient_checkpointing': settings.gradient_checkpointing }),
  max_tokens_per_micro_batch: mapsTo({
    [`${ACTOR}.use_dynamic_bsz`]: true,
    [`${ACTOR}.ppo_max_token_len_per_gpu`]: settings.max_tokens_per_micro_batch,
  }),
})
