/**
 * Reads the `config.json` of a Hugging Face checkpoint into one shape. Where the file says nothing, the architecture's defaults hold, which are
 * those of transformers' configuration classes. transformers ≥ 5 writes RoPE under `rope_parameters`, older versions in `rope_theta` and
 * `rope_scaling` (`type` or `rope_type`); both are read, and where a file has both, `rope_scaling` replaces the other, as in transformers. Keys
 * that may change the model and that the forward pass cannot compute are refused by name (`configKeys.ts`).
 */
import { z } from 'zod'
import { CheckpointError, type JsonObject } from '../weights/byteSource'
import type { Architecture } from './architecture'
import { unusedKey } from './configKeys'
import { architectures } from './index'
import { configFileSchema, positive, ropeScaling } from './modelConfig'
import type { ConfigFile, ModelConfig, RopeScaling, tokenIds } from './modelConfig'

export type { ModelConfig } from './modelConfig'

/** The longest context that is supported: rotary tables of a million positions would take 500 MB. */
const MOST_POSITIONS = 131_072

function issueText(error: z.ZodError, prefix = ''): string {
  return error.issues
    .map((issue) => `${[prefix, ...issue.path].filter((part) => part !== '').join('.') || 'the file'}: ${issue.message}`)
    .join('; ')
}

type Fail = (message: string) => never

/** Parses `config.json`. Throws a CheckpointError that names the file, the field, what was expected and what was found. */
export function parseModelConfig(json: unknown, file = 'config.json'): ModelConfig {
  const fail: Fail = (message) => {
    throw new CheckpointError(`${file}: ${message}`)
  }
  const { raw, architecture } = readFields(json, fail)
  const { defaults } = architecture
  checkSizes(raw, fail)
  const act = raw.hidden_act ?? 'silu'
  const headShape = readHeads(raw, architecture, fail)
  if (act !== 'silu' && act !== 'swish') fail(`hidden_act "${act}" is not supported; expected silu`)
  if (raw.quantization_config) fail('quantised checkpoints (quantization_config) are not supported; use the original 16-bit weights')
  if (raw.attention_dropout)
    fail(
      `attention_dropout ${raw.attention_dropout} is not supported: training does not drop attention; expected 0, which generates the same`,
    )
  const stated = raw.max_position_embeddings ?? defaults.max_position_embeddings
  const positions = Math.min(stated, MOST_POSITIONS)
  checkLayerTypes(raw, fail)
  if (slides(raw, architecture, positions)) fail('sliding-window attention is not supported; expected full attention in every layer')
  const rope = readRope(raw, file, stated)
  return {
    model_type: raw.model_type,
    vocab_size: raw.vocab_size,
    hidden_size: raw.hidden_size,
    intermediate_size: raw.intermediate_size,
    num_hidden_layers: raw.num_hidden_layers,
    ...headShape,
    max_position_embeddings: positions,
    rms_norm_eps: raw.rms_norm_eps ?? 1e-6,
    rope_theta: rope.theta,
    rope_scaling: rope.scaling,
    tie_word_embeddings: raw.tie_word_embeddings ?? defaults.tie_word_embeddings,
    ...architecture.flags(raw),
    weight_format: 'f32',
    kv_dtype: 'f32',
    torch_dtype: raw.dtype ?? raw.torch_dtype ?? null,
    // null in the file means none; a file without the key means the class's default.
    bos_token_id: idList(raw.bos_token_id === undefined ? defaults.bos_token_id : raw.bos_token_id)[0] ?? null,
    eos_token_ids: idList(raw.eos_token_id === undefined ? defaults.eos_token_id : raw.eos_token_id),
    pad_token_id: idList(raw.pad_token_id)[0] ?? null,
  }
}

function readFields(json: unknown, fail: Fail): { raw: ConfigFile; architecture: Architecture } {
  const names = Object.keys(architectures).join(', ')
  const named = z.object({ model_type: z.string() }).safeParse(json)
  if (!named.success) return fail(`expected a "model_type" of ${names}; ${issueText(named.error)}`)
  const architecture = architectures[named.data.model_type]
  if (!architecture) return fail(`model_type "${named.data.model_type}" is not supported; expected ${names}`)
  const parsed = configFileSchema.safeParse(json)
  if (!parsed.success) return fail(issueText(parsed.error))
  const unused = unusedKey(json as JsonObject, architecture.name)
  return unused === null ? { raw: parsed.data, architecture } : fail(unused)
}

/** Far above every published model: beyond them a file is wrong or means harm, and nothing is built from it. */
const MOST = {
  num_hidden_layers: 1024,
  hidden_size: 65_536,
  intermediate_size: 1 << 20,
  num_attention_heads: 1024,
  head_dim: 2048,
  vocab_size: 1 << 22,
} as const

function checkSizes(raw: ConfigFile, fail: Fail): void {
  for (const [name, most] of Object.entries(MOST) as [keyof typeof MOST, number][]) {
    const found = raw[name] ?? 0
    if (found > most) fail(`${name} ${found} is not supported; expected at most ${most}`)
  }
}

function readHeads(
  raw: ConfigFile,
  { defaults }: Architecture,
  fail: Fail,
): Pick<ModelConfig, 'num_attention_heads' | 'num_key_value_heads' | 'head_dim'> {
  const heads = raw.num_attention_heads
  const kvHeads = raw.num_key_value_heads === undefined ? (defaults.num_key_value_heads ?? heads) : (raw.num_key_value_heads ?? heads)
  if (heads % kvHeads !== 0) fail(`num_attention_heads ${heads} should be a multiple of num_key_value_heads ${kvHeads}`)
  if (!raw.head_dim && defaults.head_dim === null && raw.hidden_size % heads !== 0) {
    fail(`hidden_size ${raw.hidden_size} should be a multiple of num_attention_heads ${heads} when head_dim is not given`)
  }
  const headDim = raw.head_dim ?? defaults.head_dim ?? raw.hidden_size / heads
  if (headDim % 2 !== 0) fail(`head_dim should be even for rotary positions, found ${headDim}`)
  return { num_attention_heads: heads, num_key_value_heads: kvHeads, head_dim: headDim }
}

function checkLayerTypes({ layer_types: kinds, num_hidden_layers: layers }: ConfigFile, fail: Fail): void {
  if (!kinds) return
  if (kinds.length !== layers) fail(`layer_types: expected ${layers} entries, one for each of num_hidden_layers, found ${kinds.length}`)
  const other = kinds.find((kind) => kind !== 'full_attention' && kind !== 'sliding_attention')
  if (other !== undefined) fail(`layer_types: "${other.slice(0, 60)}" is not supported; expected full_attention in every layer`)
}

/**
 * Whether some layer sees less than the whole context. Layers before `max_window_layers` do not slide, and a window as long as the context never
 * cuts anything off.
 */
function slides(raw: ConfigFile, architecture: Architecture, positions: number): boolean {
  const { layer_types: kinds, sliding_window: window, max_window_layers: first } = raw
  if (typeof window === 'number' && window >= positions) return false
  if (kinds) return kinds.some((kind) => kind !== 'full_attention')
  const isUsed = architecture.hasSlidingWindow && raw.use_sliding_window === true && typeof window === 'number'
  return isUsed && (first ?? MAX_WINDOW_LAYERS) < raw.num_hidden_layers
}
/** transformers' default for the Qwen family. */
const MAX_WINDOW_LAYERS = 28

/** Llama 3 lists several ends; some fine-tunes write −1 for "none". */
export function idList(ids: z.infer<typeof tokenIds>): number[] {
  return (typeof ids === 'number' ? [ids] : (ids ?? [])).filter((id) => id >= 0)
}

type RopeFields = Readonly<Record<string, unknown>>
const hasFields = (fields: RopeFields | null | undefined): fields is RopeFields => !!fields && Object.keys(fields).length > 0

/** @param positions the context length that is stretched where the file does not give the original one. */
function readRope(raw: ConfigFile, file: string, positions: number): { theta: number; scaling: RopeScaling | null } {
  // transformers: `rope_scaling or rope_parameters`, so that the former's fields hold alone, without the latter's rope_theta.
  const where = hasFields(raw.rope_scaling) ? 'rope_scaling' : 'rope_parameters'
  const fields: RopeFields = (hasFields(raw.rope_scaling) ? raw.rope_scaling : raw.rope_parameters) ?? {}
  const shared = z
    .object({
      rope_theta: positive.nullish(),
      rope_type: z.string().nullish(),
      type: z.string().nullish(),
      partial_rotary_factor: z.number().nullish(),
    })
    .safeParse(fields)
  if (!shared.success) throw new CheckpointError(`${file}: ${issueText(shared.error, where)}`)
  const theta = shared.data.rope_theta ?? raw.rope_theta ?? 10000
  const rotary = shared.data.partial_rotary_factor ?? raw.partial_rotary_factor ?? 1
  if (rotary !== 1) throw new CheckpointError(`${file}: partial_rotary_factor ${rotary} is not supported; expected 1`)
  const nested = Object.keys(fields).find((key) => typeof fields[key] === 'object' && fields[key] !== null && !Array.isArray(fields[key]))
  if (nested) throw new CheckpointError(`${file}: ${where}.${nested}: RoPE per layer type is not supported`)
  const kind = shared.data.rope_type ?? shared.data.type ?? 'default'
  return { theta, scaling: kind === 'default' ? null : readScaling(raw, { ...fields, rope_type: kind }, { file, where, positions }) }
}

interface RopePlace {
  readonly file: string
  readonly where: string
  readonly positions: number
}

function readScaling(
  raw: ConfigFile,
  fields: RopeFields & { readonly rope_type: string },
  { file, where, positions }: RopePlace,
): RopeScaling {
  const known = ropeScaling.options.map((option) => option.shape.rope_type.value)
  const kind = fields.rope_type
  if (!known.some((name) => name === kind)) {
    throw new CheckpointError(`${file}: ${where}: rope type "${kind}" is not supported; expected default, ${known.join(', ')}`)
  }
  // The key beside the map wins over the one inside it.
  const original = raw.original_max_position_embeddings ?? fields.original_max_position_embeddings ?? positions
  const isStretched = kind === 'yarn' || kind === 'llama3'
  const factor = kind === 'yarn' && fields.factor === null && typeof original === 'number' ? { factor: positions / original } : {}
  const scaling = ropeScaling.safeParse({ ...fields, ...(isStretched && { original_max_position_embeddings: original }), ...factor })
  if (!scaling.success) throw new CheckpointError(`${file}: ${issueText(scaling.error, where)}`)
  return scaling.data
}
