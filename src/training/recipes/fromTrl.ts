/**
 * TRL's configuration as a recipe: its classes by name (with ModelConfig or LoraConfig), as `exportRecipe` writes them, or the flat fields of a
 * `trl` command's YAML. Fields are those of trl 1.16.0, of PPOConfig those of 0.11.4. Each algorithm's interop says which class is its own,
 * and what only that trainer's fields mean.
 */
import { PROJECTIONS } from '../../models/architectures/decoder'
import type { FieldRemark } from '../../records/fieldRemark'
import type { Algorithm } from '../algorithm'
import { algorithms } from '../algorithms'
import type { Fields, TrlImport } from './interop'
import { recipeFromObject, type ReadRecipe } from './recipe'

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)

/** An algorithm that TRL's files can be for. */
interface Target {
  readonly name: string
  /** Its settings by name. */
  readonly shape: Fields
  readonly trl: TrlImport
}
const targets: readonly Target[] = Object.entries<Algorithm>(algorithms).flatMap(([name, { config, interop }]) =>
  interop.fromTrl === undefined ? [] : [{ name, shape: config.shape, trl: interop.fromTrl }],
)
const classes = new Set(targets.map(({ trl }) => trl.configClass))
/** Classes beside them: of the model and its adapter. */
const OTHERS = ['ModelConfig', 'LoraConfig', 'AutoModelForCausalLMWithValueHead', 'ScriptArguments']
/** Fields that flat TRL files have and Hone's settings have not. */
const MARKERS = ['model_name_or_path', 'use_peft', 'lora_target_modules', 'dataset_name', 'output_dir', 'report_to']

const OWN_WAY: Readonly<Record<string, string>> = {
  output_dir: 'The folder of a run is chosen when it starts.',
  dataset_name: 'Data is chosen beside the recipe.',
  dataset_path: 'Data is chosen beside the recipe.',
  reward_funcs: 'Rewards come from the environment, the labels or a judge.',
  report_to: 'Hone stores metrics itself. A run’s page and hone export --to wandb can send them to Weights & Biases.',
  log_with: 'Hone stores metrics itself. A run’s page and hone export --to wandb can send them to Weights & Biases.',
  run_name: 'Hone stores metrics itself.',
  bf16: 'The precision of weights is chosen with dtype.',
  fp16: 'The precision of weights is chosen with dtype.',
  torch_dtype: 'The precision of weights is chosen with dtype.',
  dtype: 'The precision of weights is a field of the recipe (dtype), not a setting.',
  load_in_4bit: 'Choose dtype int4.',
  load_in_8bit: 'Choose dtype int8.',
  gradient_checkpointing_kwargs: 'Hone has only one way to recompute activations.',
  attn_implementation: 'Hone has only one implementation of attention.',
  use_vllm: 'Hone samples with its own engine.',
  max_length: 'max_context_len and max_response_len limit the two parts of a sequence.',
  max_prompt_length: 'max_context_len limits the tokens before the final response.',
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
  return Object.keys(inner).some((key) => classes.has(key)) || MARKERS.some((field) => field in found)
}

/** The state of the reading. */
interface Reading {
  /** null: the file does not say which trainer it is for. */
  readonly target: Target | null
  readonly config: Record<string, unknown>
  model: string | null
  revision: string | null
  seed: unknown
  /** A share of all updates, under the name the file gives it. */
  warmup: { readonly shown: string; readonly share: number } | null
  readonly ignored: FieldRemark[]
  readonly assumed: FieldRemark[]
}

/** A field of the file: `shown` has the class it stands under. */
interface Field {
  readonly name: string
  readonly value: unknown
  readonly shown: string
}

/** Throws one sentence for a value that no recipe can have. */
export function recipeFromTrl(file: string, found: Fields): ReadRecipe {
  const inner = isFields(found.config) ? found.config : found
  const named = Object.keys(inner).find((key) => classes.has(key))
  const listed = listedSettings(found)
  const target = (named === undefined ? targets.find(({ trl }) => trl.claims(inner)) : targetOf(named, listed)) ?? null
  const reading: Reading = { target, config: {}, model: null, revision: null, seed: undefined, warmup: null, ignored: [], assumed: [] }
  for (const field of fieldsOf(inner)) read(reading, field)
  settle(reading)
  Object.assign(reading.config, listed)
  assumeDefaults(reading)
  const { model: name, revision, seed, config, ignored, assumed } = reading
  const model = name === null || revision === null ? name : `${name}@${revision}`
  const { recipe } = recipeFromObject(file, { version: 1, algorithm: target?.name ?? null, seed, model, config })
  return { recipe, ignored, assumed }
}

/** The algorithm of a class whose own setting is listed; if there is none, the one without a setting of its own. */
function targetOf(configClass: string, listed: Fields): Target | undefined {
  const ofClass = targets.filter(({ trl }) => trl.configClass === configClass)
  return (
    ofClass.find(({ trl }) => trl.ownSetting !== undefined && trl.ownSetting in listed) ??
    ofClass.find(({ trl }) => trl.ownSetting === undefined)
  )
}

function fieldsOf(inner: Fields): Field[] {
  return Object.entries(inner).flatMap(([group, fields]) =>
    (classes.has(group) || OTHERS.includes(group)) && isFields(fields)
      ? Object.entries(fields).map(([name, value]) => ({ name, value, shown: `${group}.${name}` }))
      : [{ name: group, value: fields, shown: group }],
  )
}

/** Settings that `exportRecipe` had no field for are listed in its file: they are read from that list. */
function listedSettings(found: Fields): Fields {
  const rows = [found.unmapped, found.implied].flatMap((list) => (Array.isArray(list) ? (list as readonly unknown[]) : []))
  return Object.fromEntries(
    rows.flatMap((row) => {
      const field = isFields(row) && typeof row.field === 'string' ? /^config\.(.+)$/.exec(row.field)?.[1] : undefined
      return field === undefined || !isFields(row) || !('value' in row) ? [] : [[field, row.value]]
    }),
  )
}

const hasSetting = ({ target }: Reading, name: string): boolean => target !== null && Object.hasOwn(target.shape, name)
const nameOf = ({ target }: Reading): string => target?.name ?? 'A recipe'
const ignore = ({ ignored }: Reading, { shown, value }: Field, reason: string): void => void ignored.push({ field: shown, value, reason })

/** Sets `setting` from a field, or lists the field where the algorithm has no such setting. */
function set(reading: Reading, field: Field, setting: string, value: unknown): void {
  if (reading.target === null || hasSetting(reading, setting)) reading.config[setting] = value
  else ignore(reading, field, `${nameOf(reading)} has no such setting.`)
}

function read(reading: Reading, field: Field): void {
  const { name, value } = field
  const special = Object.hasOwn(specialFields, name) ? specialFields[name] : undefined
  if (name === '__proto__') ignore(reading, field, 'A recipe has no such field.')
  else if (reading.target?.trl.settledFields?.includes(name) === true) reading.config[name] = value
  else if (special !== undefined) special(reading, field)
  else if (Object.hasOwn(ANYWAY, name))
    ignore(reading, field, ANYWAY[name] === value ? 'Hone always does so.' : `Hone supports only ${JSON.stringify(ANYWAY[name])}.`)
  else if (hasSetting(reading, name) || (reading.target === null && !Object.hasOwn(OWN_WAY, name))) reading.config[name] = value
  else ignore(reading, field, (Object.hasOwn(OWN_WAY, name) ? OWN_WAY[name] : undefined) ?? `${nameOf(reading)} has no such setting.`)
}

const targetModules = (reading: Reading, field: Field): void => {
  const { value } = field
  const modules = value === 'all-linear' ? [...PROJECTIONS] : typeof value === 'string' ? [value] : value
  const isAll = Array.isArray(modules) && PROJECTIONS.every((name) => modules.includes(name))
  if (reading.target === null || hasSetting(reading, 'lora_targets')) reading.config.lora_targets = modules
  else ignore(reading, field, isAll ? 'Every projection always gets an adapter.' : `${nameOf(reading)} adapts every projection.`)
}

const modelPath = (reading: Reading, { value }: Field): void => {
  reading.model = typeof value === 'string' ? modelName(value) : null
}

const warmup = (reading: Reading, field: Field): void => {
  const { name, value, shown } = field
  // Newer releases take a share as warmup_steps too.
  const isShare = typeof value === 'number' && value >= 0 && (name === 'warmup_ratio' || value < 1)
  if (isShare && hasSetting(reading, 'warmup_steps')) reading.warmup ??= value === 0 ? null : { shown, share: value }
  else set(reading, field, 'warmup_steps', value)
}

/** Fields whose name or value is not the setting's own. */
const specialFields: Readonly<Record<string, (reading: Reading, field: Field) => void>> = {
  seed: (reading, { value }) => {
    reading.seed = value
  },
  model_name_or_path: modelPath,
  pretrained_model_name_or_path: modelPath,
  model_revision: (reading, { value }) => {
    reading.revision = typeof value === 'string' ? value : null
  },
  r: (reading, field) => set(reading, field, 'lora_r', field.value),
  lora_dropout: (reading, field) => {
    if (reading.target === null || hasSetting(reading, field.name)) reading.config[field.name] = field.value
    else
      ignore(
        reading,
        field,
        field.value === 0
          ? 'Hone always does so.'
          : `${nameOf(reading)} compares log-probs, and dropout would compute them under different masks.`,
      )
  },
  init_lora_weights: (reading, field) => set(reading, field, field.name, field.value === true ? 'kaiming' : field.value),
  lora_target_modules: targetModules,
  target_modules: targetModules,
  completion_only_loss: (reading, field) => {
    // A completion is what stands last: Hone’s rows tell it from the prompt by its turn.
    if (hasSetting(reading, 'mask_history') && field.value === true) set(reading, field, 'mask_history', true)
    else ignore(reading, field, 'mask_history decides whether only the last turn carries loss. Prompts never do.')
  },
  use_peft: (reading, field) => {
    if (hasSetting(reading, 'trainable')) set(reading, field, 'trainable', field.value === true ? 'lora' : 'all')
    else
      ignore(
        reading,
        field,
        field.value === true
          ? 'This algorithm always trains an adapter.'
          : 'This algorithm always trains an adapter; it cannot train all weights.',
      )
  },
  steps: (reading, field) => set(reading, field, 'max_steps', field.value),
  warmup_ratio: warmup,
  warmup_steps: warmup,
  scale_rewards: (reading, field) =>
    set(reading, field, field.name, field.value === true ? 'group' : field.value === false ? 'none' : field.value),
  max_grad_norm: (reading, field) => set(reading, field, field.name, field.value ?? 0),
  loss_type: (reading, field) => {
    const { name, value } = field
    set(reading, field, name, Array.isArray(value) && value.length === 1 ? (value as readonly unknown[])[0] : value)
  },
  max_steps: (reading, field) => {
    if (typeof field.value === 'number' && field.value < 1)
      ignore(reading, field, 'In TRL −1 means that num_train_epochs decides. Set max_steps to a number.')
    else set(reading, field, field.name, field.value)
  },
  max_length: (reading, field) => {
    if (hasSetting(reading, 'tokens_per_batch')) set(reading, field, 'tokens_per_batch', field.value)
    else ignore(reading, field, OWN_WAY.max_length ?? '')
  },
  v_head_init_strategy: (reading, field) => set(reading, field, 'value_head_init', field.value === 'normal' ? 'zero' : 'torch'),
  v_head_initializer_range: (reading, field) => {
    if (field.value !== 0) ignore(reading, field, 'A random value head is initialized as nn.Linear is (value_head_init: torch).')
  },
  gradient_accumulation_steps: (reading, field) => set(reading, field, field.name, field.value),
  per_device_train_batch_size: (reading, field) => {
    if (reading.target === null || hasSetting(reading, field.name)) reading.config[field.name] = field.value
    else ignore(reading, field, 'tokens_per_batch limits the size of a micro-batch.')
  },
}

/** Settings that follow from several fields together. */
function settle({ target, config, warmup, ignored, assumed }: Reading): void {
  const allUpdates = typeof config.max_steps === 'number' ? config.max_steps : null
  if (warmup && allUpdates !== null) config.warmup_steps = Math.ceil(warmup.share * allUpdates)
  else if (warmup)
    ignored.push({
      field: warmup.shown,
      value: warmup.share,
      reason: 'It is a fraction of max_steps, which the file does not set. Set warmup_steps.',
    })
  target?.trl.settle?.({ config, ignored, assumed })
}

/** Adds TRL's defaults to the settings, with a remark for each. */
function assumeDefaults({ target, config, assumed }: Reading): void {
  if (target === null) return
  for (const [field, value] of Object.entries(target.trl.defaults)) {
    if (field in config || !(field in target.shape)) continue
    config[field] = value
    assumed.push({ field, value, reason: 'This is TRL’s default, because the file does not set the field.' })
  }
}

/** `owner/name` is the Hub's; anything else a folder. */
const modelName = (name: string): string => (/^[\w-][\w.-]*\/[\w.-]+$/.test(name) ? `hf:${name}` : name)
