/**
 * `adapter_config.json` as peft 0.21's `LoraConfig` writes it. Every field is known: it is read, or it changes nothing of what the adapter computes, or
 * it is accepted only while it turns nothing on, and refused by name otherwise. What an adapter computes is what peft computes with it.
 */
import { z } from 'zod'
import { CheckpointError } from './byteSource'
import { modulePattern, targetMatcher } from './loraTargets'

export const ADAPTER_CONFIG = 'adapter_config.json'

/** Initialisations that take their part out of the base: W becomes W − s·B₀·A₀, again whenever peft loads the adapter. */
export type BaseInit = 'pissa' | 'olora'

export interface LoraConfig {
  readonly dropout: number
  readonly useRslora: boolean
  readonly useDora: boolean
  readonly loraBias: boolean
  readonly usesVelora: boolean
  /** The head of a tied model gets the embedding's matrices too. */
  readonly ensuresTying: boolean
  readonly baseModel: string
  readonly revision: string | null
  /** null: the base stays as it is. */
  readonly baseInit: BaseInit | null
  readonly modulesToSave: readonly string[]
  /** What target_modules and the fields beside it say, for an error. */
  readonly targetsText: string
  /** Of a module by its path in the base model, such as `model.layers.0.self_attn.q_proj`. */
  rankOf(path: string): number
  alphaOf(path: string): number
  /** Whether peft puts an adapter on the module. */
  adapts(path: string): boolean
}

const pattern = z.record(z.string(), z.number().positive()).nullish()
const names = z.union([z.string(), z.array(z.string())]).nullish()

const fields = z.object({
  base_model_name_or_path: z.string().nullish(),
  revision: z.string().nullish(),
  r: z.int().positive(),
  lora_alpha: z.number().positive(),
  lora_dropout: z.number().min(0).max(1).default(0),
  // Trained biases are among the tensors, and are read from there.
  bias: z.enum(['none', 'all', 'lora_only']).default('none'),
  use_rslora: z.boolean().default(false),
  use_dora: z.boolean().default(false),
  lora_bias: z.boolean().default(false),
  ensure_weight_tying: z.boolean().default(false),
  // VeLoRA changes the backward pass alone.
  velora_config: z.record(z.string(), z.unknown()).nullish(),
  init_lora_weights: z.union([z.boolean(), z.string()]).default(true),
  modules_to_save: z.array(z.string()).nullish(),
  rank_pattern: pattern,
  alpha_pattern: pattern,
  target_modules: names,
  exclude_modules: names,
  layers_to_transform: z.union([z.int(), z.array(z.int())]).nullish(),
  layers_pattern: names,
})
type Fields = z.infer<typeof fields>

/**
 * Fields whose value changes nothing of what the adapter computes: notes on where it comes from, and settings of
 * methods that another field turns on. fan_in_fan_out is for Conv1D: peft sets it to false on linear layers.
 */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set([
  ...['auto_mapping', 'inference_mode', 'peft_version', 'runtime_config', 'fan_in_fan_out'],
  ...['corda_config', 'eva_config', 'loftq_config', 'lora_ga_config', 'megatron_core', 'qalora_group_size'],
])

/** Fields that are accepted only while they turn nothing on, with what they would turn on. */
const REFUSED: Readonly<Record<string, string>> = {
  alora_invocation_tokens: 'aLoRA, whose adapter acts only after those tokens and cannot be merged',
  arrow_config: 'Arrow, which chooses among several adapters token by token',
  kasa_config: 'KaSA, which cuts the smallest singular values off the base and puts a diagonal between A and B',
  layer_replication: 'layers that are stacked anew',
  megatron_config: 'layers of Megatron',
  monteclora_config: 'MonteCLoRA, which draws its weights at random',
  target_parameters: 'LoRA on parameters instead of layers',
  trainable_token_indices: 'rows of the embedding that were trained',
  use_bdlora: 'BD-LoRA, whose matrices are block-diagonal',
  use_qalora: 'QALoRA, which pools the inputs of A',
}

const MERGE_ADVICE = 'Merge it into its base with peft (merge_and_unload, save_pretrained), and load the merged model instead.'
const TRAIN_ADVICE = 'Hone computes plain LoRA, rsLoRA, DoRA, PiSSA and OLoRA adapters.'
const CONVERT_ADVICE =
  'Save it with peft’s path_initial_model_for_weight_conversion, which writes a plain LoRA adapter, or merge it into its base with peft and load the merged model.'

export const adapterConfigError = (field: string, found: unknown, expected: string, advice: string): CheckpointError =>
  new CheckpointError(`${ADAPTER_CONFIG}: ${field} is ${textOf(found)}; expected ${expected}. ${advice}`)

const textOf = (value: unknown): string => {
  const text = JSON.stringify(value)
  return text.length > 120 ? `${text.slice(0, 120)}…` : text
}

const isOff = (value: unknown): boolean =>
  value === null || value === false || value === '' || (typeof value === 'object' && Object.keys(value).length === 0)

/** Throws CheckpointError with one sentence about the first field whose meaning is not computed here. */
export function parseLoraConfig(json: unknown): LoraConfig {
  const object = z.record(z.string(), z.unknown()).safeParse(json)
  if (!object.success) throw new CheckpointError(`${ADAPTER_CONFIG}: the file: ${object.error.issues[0]?.message ?? 'not an object'}`)
  const { peft_type: type, task_type: task = null, ...rest } = object.data
  if (type !== 'LORA') throw adapterConfigError('peft_type', type ?? null, '"LORA"', TRAIN_ADVICE)
  if (task !== null && task !== 'CAUSAL_LM')
    throw adapterConfigError('task_type', task, '"CAUSAL_LM" or null', 'Hone runs models that write text.')
  for (const [field, value] of Object.entries(rest)) checkKnown(field, value)
  const parsed = fields.safeParse(rest)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new CheckpointError(`${ADAPTER_CONFIG}: ${issue?.path.join('.') || 'the file'}: ${issue?.message ?? 'not an adapter'}`)
  }
  return configOf(parsed.data)
}

function checkKnown(field: string, value: unknown): void {
  if (field in fields.shape || WITHOUT_EFFECT.has(field) || isOff(value)) return
  const what = REFUSED[field]
  if (what === undefined)
    throw adapterConfigError(field, value, `no such field, or null`, `Hone does not know what it means. ${MERGE_ADVICE}`)
  const isMergeable = field !== 'alora_invocation_tokens' && field !== 'arrow_config' && field !== 'layer_replication'
  throw adapterConfigError(field, value, 'it to be off', `It stands for ${what}. ${isMergeable ? MERGE_ADVICE : TRAIN_ADVICE}`)
}

function configOf(file: Fields): LoraConfig {
  const ranks = patterns('rank_pattern', file.rank_pattern)
  const alphas = patterns('alpha_pattern', file.alpha_pattern)
  const modulesToSave = file.modules_to_save ?? []
  return {
    dropout: file.lora_dropout,
    useRslora: file.use_rslora,
    useDora: file.use_dora,
    loraBias: file.lora_bias,
    ensuresTying: file.ensure_weight_tying,
    usesVelora: (file.velora_config ?? null) !== null,
    baseModel: file.base_model_name_or_path ?? '',
    revision: file.revision ?? null,
    baseInit: baseInitOf(file.init_lora_weights),
    modulesToSave,
    targetsText: `target_modules ${textOf(file.target_modules ?? null)}`,
    rankOf: (path) => ranks(path) ?? file.r,
    alphaOf: (path) => alphas(path) ?? file.lora_alpha,
    adapts: targetMatcher({
      targetModules: file.target_modules ?? null,
      excludeModules: file.exclude_modules ?? null,
      layersToTransform: file.layers_to_transform ?? null,
      layersPattern: file.layers_pattern ?? null,
      modulesToSave,
    }),
  }
}

/** peft's `get_pattern_key`: the first pattern that the end of a module's path matches. */
function patterns(field: string, given: Fields['rank_pattern']): (path: string) => number | undefined {
  const known = Object.entries(given ?? {}).map(([key, value]) => ({ matches: modulePattern(field, `(?:.*\\.)?(?:${key})`, key), value }))
  return (path) => known.find(({ matches }) => matches(path))?.value
}

/** How peft begins matters only where loading the adapter changes the base: the matrices themselves are in the file. */
function baseInitOf(init: boolean | string): BaseInit | null {
  const name = typeof init === 'string' ? init.toLowerCase() : init
  if (typeof name === 'boolean' || ['gaussian', 'eva', 'orthogonal', 'mica'].includes(name)) return null
  if (name === 'pissa' || name === 'olora') return name
  const expected = 'true, false, "gaussian", "eva", "orthogonal", "mica", "pissa" or "olora"'
  const why = name.startsWith('pissa_niter')
    ? 'The part it took out of the base was drawn at random, and the adapter does not hold it.'
    : ['corda', 'loftq', 'lora_ga'].includes(name)
      ? 'It took a part out of the base that the adapter does not hold.'
      : 'Hone does not know this initialisation.'
  throw adapterConfigError('init_lora_weights', init, expected, `${why} ${CONVERT_ADVICE}`)
}
