/**
 * TRL's configuration as a recipe: its classes by name (GRPOConfig, SFTConfig, DPOConfig, the classic PPOConfig with ModelConfig or LoraConfig), as
 * `toTrl` writes them, or the flat fields of a `trl` command's YAML. Fields and defaults are those of trl 1.16.0, of PPOConfig those of 0.11.4.
 */
import { PROJECTIONS } from '../../models/architectures/decoder'
import { algorithms } from '../algorithms'
import { isAlgorithmName, recipeFromObject, type AlgorithmName, type FieldRemark, type ReadRecipe } from './recipe'
import { trlDefaults as classicPpoDefaults } from './stepTool'

type Fields = Readonly<Record<string, unknown>>
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)

const CLASSES: Readonly<Record<string, AlgorithmName>> = { GRPOConfig: 'grpo', SFTConfig: 'sft', DPOConfig: 'dpo', PPOConfig: 'ppo' }
/** Classes beside them: of the model and its adapter. */
const OTHERS = ['ModelConfig', 'LoraConfig', 'AutoModelForCausalLMWithValueHead', 'ScriptArguments']
/** Fields that flat TRL files have and Hone's settings have not. */
const MARKERS = ['model_name_or_path', 'use_peft', 'lora_target_modules', 'dataset_name', 'output_dir', 'report_to']

/** Defaults, under Hone's names, where they are not Hone's. */
const DEFAULTS: Readonly<Partial<Record<AlgorithmName, Fields>>> = {
  sft: {
    learning_rate: 2e-5,
    lr_scheduler_type: 'linear',
    warmup_steps: 0,
    lora_r: 16,
    lora_alpha: 32,
    lora_dropout: 0.05,
    tokens_per_batch: 1024,
  },
  grpo: { max_completion_length: 512, lora_r: 16, lora_alpha: 32 },
  dpo: { per_device_train_batch_size: 8, learning_rate: 1e-6, gradient_accumulation_steps: 1, lora_alpha: 32 },
  ppo: classicPpoDefaults,
}

const OWN_WAY: Readonly<Record<string, string>> = {
  output_dir: 'Where a run is kept is chosen when it starts.',
  dataset_name: 'Data is chosen beside the recipe.',
  dataset_path: 'Data is chosen beside the recipe.',
  reward_funcs: 'Rewards come from the world, the labels or a judge.',
  report_to: 'Hone keeps metrics itself; a run’s page and hone export --to wandb send them there.',
  log_with: 'Hone keeps metrics itself; a run’s page and hone export --to wandb send them there.',
  run_name: 'Hone keeps metrics itself.',
  bf16: 'How weights are held is chosen with dtype.',
  fp16: 'How weights are held is chosen with dtype.',
  torch_dtype: 'How weights are held is chosen with dtype.',
  dtype: 'How weights are held is chosen beside the recipe (dtype).',
  load_in_4bit: 'Choose dtype int4.',
  load_in_8bit: 'Choose dtype int8.',
  attn_implementation: 'Hone has one attention.',
  use_vllm: 'Hone samples with its own engine.',
  max_length: 'max_context_len and max_response_len bound both parts.',
  max_prompt_length: 'max_context_len bounds what comes before the final response.',
}
const ANYWAY: Fields = {
  bias: 'none',
  task_type: 'CAUSAL_LM',
  summary_dropout_prob: 0,
  packing: true,
  assistant_only_loss: true,
  temperature: 1,
  top_p: 1,
  top_k: 0,
  repetition_penalty: 1,
}

/** Whether a file's fields are TRL's. */
export const isTrlConfig = (found: Fields): boolean => {
  const inner = isFields(found.config) ? found.config : found
  return Object.keys(inner).some((key) => key in CLASSES) || MARKERS.some((field) => field in found)
}

/** Of TrainingArguments, per_device_train_batch_size: GRPO's batch follows from it. */
const TRL_DEVICE_BATCH = 8

interface Place {
  config: Record<string, unknown>
  model: string | null
  revision: string | null
  seed: unknown
  /** A share of all updates, as the file says it. */
  warmup: { readonly shown: string; readonly share: number } | null
  ignored: FieldRemark[]
  assumed: FieldRemark[]
}

/** Throws one sentence for a value that no recipe can have. */
export function recipeFromTrl(file: string, found: Fields): ReadRecipe {
  const inner = isFields(found.config) ? found.config : found
  const named = Object.keys(inner).find((key) => key in CLASSES)
  const told = toldBy(found)
  const algorithm = named === undefined ? guess(inner) : 'step_reward_weighting' in told ? 'steptool-ppo' : CLASSES[named]
  const groups: [string, Fields][] =
    named === undefined
      ? [['', inner]]
      : Object.entries(inner).flatMap(([key, value]): [string, Fields][] =>
          (key in CLASSES || OTHERS.includes(key)) && isFields(value) ? [[key, value]] : [['', { [key]: value }]],
        )
  const place: Place = { config: {}, model: null, revision: null, seed: undefined, warmup: null, ignored: [], assumed: [] }
  for (const [group, fields] of groups)
    for (const [field, value] of Object.entries(fields))
      take(place, algorithm ?? null, field, value, group === '' ? field : `${group}.${field}`)
  settle(place, algorithm ?? null)
  const config = { ...place.config, ...told }
  const defaults = assumed(algorithm ?? null, config)
  const model = place.model === null ? null : place.revision === null ? place.model : `${place.model}@${place.revision}`
  const { recipe } = recipeFromObject(file, { version: 1, algorithm: algorithm ?? null, seed: place.seed, model, config })
  return { recipe, ignored: place.ignored, assumed: [...place.assumed, ...defaults] }
}

/** Settings that `toTrl` could not hand over are listed in its file: they come back from there. */
function toldBy(found: Fields): Record<string, unknown> {
  const rows = [found.unmapped, found.implied].flatMap((list) => (Array.isArray(list) ? (list as readonly unknown[]) : []))
  return Object.fromEntries(
    rows.flatMap((row) => {
      const field = isFields(row) && typeof row.field === 'string' ? /^config\.(.+)$/.exec(row.field)?.[1] : undefined
      return field === undefined || !isFields(row) || !('value' in row) ? [] : [[field, row.value]]
    }),
  )
}

/** Which trainer flat fields are for; undefined when they do not say. */
function guess(fields: Fields): AlgorithmName | undefined {
  if ('num_generations' in fields || 'max_completion_length' in fields || 'reward_funcs' in fields) return 'grpo'
  if ('ppo_epochs' in fields || 'init_kl_coef' in fields) return 'ppo'
  if ('assistant_only_loss' in fields || 'completion_only_loss' in fields || 'packing' in fields) return 'sft'
  if ('beta' in fields || 'max_prompt_length' in fields || 'precompute_ref_log_probs' in fields) return 'dpo'
  return undefined
}

function take(place: Place, algorithm: AlgorithmName | null, field: string, value: unknown, shown: string): void {
  const ignore = (reason: string): void => void place.ignored.push({ field: shown, value, reason })
  const shape: Fields = algorithm === null ? {} : algorithms[algorithm].config.shape
  const set = (name: string, own: unknown): void => {
    if (algorithm === null || name in shape) place.config[name] = own
    else ignore(`${algorithm} has no such setting.`)
  }
  switch (field) {
    case 'seed':
      place.seed = value
      return
    case 'model_name_or_path':
    case 'pretrained_model_name_or_path':
      place.model = typeof value === 'string' ? modelName(value) : null
      return
    case 'model_revision':
      place.revision = typeof value === 'string' ? value : null
      return
    case 'r':
      set('lora_r', value)
      return
    case 'lora_dropout':
      if (algorithm === null || field in shape) set(field, value)
      else
        ignore(value === 0 ? 'Hone does so anyway.' : 'It is for sft and rft: elsewhere log-probs under different masks would be compared.')
      return
    case 'init_lora_weights':
      set(field, value === true ? 'kaiming' : value)
      return
    case 'lora_target_modules':
    case 'target_modules': {
      const targets = value === 'all-linear' ? [...PROJECTIONS] : typeof value === 'string' ? [value] : value
      const isAll = Array.isArray(targets) && PROJECTIONS.every((name) => targets.includes(name))
      if ('lora_targets' in shape || algorithm === null) set('lora_targets', targets)
      else ignore(isAll ? 'Every projection gets an adapter anyway.' : `${algorithm} adapts every projection.`)
      return
    }
    case 'completion_only_loss':
      // A completion is what stands last: Hone’s rows tell it from the prompt by its turn.
      if ('mask_history' in shape && value === true) set('mask_history', true)
      else ignore('mask_history says whether the last turn alone carries loss; no prompt does.')
      return
    case 'use_peft':
      if ('trainable' in shape) set('trainable', value === true ? 'lora' : 'all')
      else ignore(value === true ? 'An adapter is trained anyway.' : 'An adapter is trained: there is no training of all weights here.')
      return
    case 'steps':
      set('max_steps', value)
      return
    case 'warmup_ratio':
    case 'warmup_steps': {
      // Newer releases take a share as warmup_steps too.
      const isShare = typeof value === 'number' && value >= 0 && (field === 'warmup_ratio' || value < 1)
      if (isShare && 'warmup_steps' in shape) place.warmup ??= value === 0 ? null : { shown, share: value }
      else set('warmup_steps', value)
      return
    }
    case 'scale_rewards':
      set('scale_rewards', value === true ? 'group' : value === false ? 'none' : value)
      return
    case 'max_grad_norm':
      set('max_grad_norm', value ?? 0)
      return
    case 'loss_type':
      set('loss_type', Array.isArray(value) && value.length === 1 ? (value as readonly unknown[])[0] : value)
      return
    case 'max_steps':
      if (typeof value === 'number' && value < 1) ignore('TRL’s −1 is as many as num_train_epochs has: choose the steps.')
      else set('max_steps', value)
      return
    case 'max_length':
      if ('tokens_per_batch' in shape) set('tokens_per_batch', value)
      else ignore(OWN_WAY.max_length ?? '')
      return
    case 'v_head_init_strategy':
      set('value_head_init', value === 'normal' ? 'zero' : 'torch')
      return
    case 'v_head_initializer_range':
      if (value !== 0) ignore('A random value head starts as nn.Linear does (value_head_init torch).')
      return
    case 'gradient_accumulation_steps':
      // GRPO's two are kept until the size of the batch is known.
      if (algorithm === 'grpo') place.config[field] = value
      else set(field, value)
      return
    case 'per_device_train_batch_size':
      if (algorithm === 'grpo' || 'per_device_train_batch_size' in shape || algorithm === null) place.config[field] = value
      else ignore('tokens_per_batch bounds a micro-batch.')
      return
    default:
      if (field in ANYWAY)
        ignore(ANYWAY[field] === value ? 'Hone does so anyway.' : `Hone has ${JSON.stringify(ANYWAY[field])} and nothing else.`)
      else if (field in shape || (algorithm === null && !Object.hasOwn(OWN_WAY, field))) place.config[field] = value
      else ignore((Object.hasOwn(OWN_WAY, field) ? OWN_WAY[field] : undefined) ?? `${algorithm ?? 'A recipe'} has no such setting.`)
  }
}

/** What follows from several fields together. */
function settle({ config, warmup, ignored, assumed: told }: Place, algorithm: AlgorithmName | null): void {
  const count = (name: string): number | null => (typeof config[name] === 'number' ? config[name] : null)
  const allUpdates = count('max_steps')
  if (warmup && allUpdates !== null) config.warmup_steps = Math.ceil(warmup.share * allUpdates)
  else if (warmup)
    ignored.push({
      field: warmup.shown,
      value: warmup.share,
      reason: 'It is a share of max_steps, which the file does not say: choose warmup_steps.',
    })
  if (algorithm === 'grpo') {
    const device = count('per_device_train_batch_size') ?? TRL_DEVICE_BATCH
    const accumulated = count('gradient_accumulation_steps') ?? 1
    // TRL's steps_per_generation counts backward passes over `device` attempts, of which gradient_accumulation_steps make an update; Hone's counts updates.
    const passes = count('steps_per_generation') ?? accumulated
    if (!('per_device_train_batch_size' in config))
      told.push({ field: 'per_device_train_batch_size', value: device, reason: 'TRL’s default where the file names none.' })
    delete config.per_device_train_batch_size
    delete config.gradient_accumulation_steps
    config.generation_batch_size ??= device * passes
    const attempts = count('generation_batch_size')
    if (attempts !== null) config.steps_per_generation = Math.max(1, Math.round(attempts / (device * accumulated)))
    else if (count('steps_per_generation') !== null) config.steps_per_generation = Math.max(1, Math.round(passes / accumulated))
    if (allUpdates !== null)
      config.max_steps = Math.max(1, Math.round(allUpdates / ((count('num_iterations') ?? 1) * (count('steps_per_generation') ?? 1))))
  }
  if (algorithm === 'ppo' || algorithm === 'steptool-ppo') {
    const trajectories = count('max_steps')
    const batch = count('batch_size') ?? classicPpoDefaults.batch_size
    if (trajectories !== null) config.max_steps = Math.max(1, Math.round(trajectories / batch))
  }
  if (algorithm === 'dpo' && Array.isArray(config.loss_type)) {
    ignored.push({ field: 'loss_type', value: config.loss_type, reason: 'Losses are not added up here: choose one.' })
    delete config.loss_type
  }
}

/** Adds TRL's defaults to the settings, and says which. */
function assumed(algorithm: AlgorithmName | null, config: Record<string, unknown>): FieldRemark[] {
  const defaults = algorithm === null ? {} : (DEFAULTS[algorithm === 'steptool-ppo' ? 'ppo' : algorithm] ?? {})
  return Object.entries(defaults).flatMap(([field, value]) => {
    if (field in config || algorithm === null || !isAlgorithmName(algorithm) || !(field in algorithms[algorithm].config.shape)) return []
    config[field] = value
    return [{ field, value, reason: 'TRL’s default where the file names none.' }]
  })
}

/** `owner/name` is the Hub's; anything else a folder. */
const modelName = (name: string): string => (/^[\w-][\w.-]*\/[\w.-]+$/.test(name) ? `hf:${name}` : name)
