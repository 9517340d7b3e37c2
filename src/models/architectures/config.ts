/**
 * Reads the `config.json` of a Hugging Face checkpoint into one shape. Where the file says nothing, the architecture's defaults hold, which are
 * those of transformers' configuration classes. transformers ≥ 5 writes RoPE under `rope_parameters`, older versions in `rope_theta` and
 * `rope_scaling` (`type` or `rope_type`); both are read. Settings that the forward pass cannot compute are refused by name.
 */
import { z } from 'zod'
import { CheckpointError } from '../weights/byteSource'
import type { Architecture } from './architecture'
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
  const act = raw.hidden_act ?? 'silu'
  const headShape = readHeads(raw, architecture, fail)
  if (act !== 'silu' && act !== 'swish') fail(`hidden_act "${act}" is not supported; expected silu`)
  if (raw.quantization_config) fail('quantised checkpoints (quantization_config) are not supported; use the original 16-bit weights')
  const stated = raw.max_position_embeddings ?? architecture.defaults.max_position_embeddings
  const positions = Math.min(stated, MOST_POSITIONS)
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
    tie_word_embeddings: raw.tie_word_embeddings ?? architecture.defaults.tie_word_embeddings,
    ...architecture.flags(raw),
    weight_format: 'f32',
    kv_dtype: 'f32',
    torch_dtype: raw.dtype ?? raw.torch_dtype ?? null,
    bos_token_id: idList(raw.bos_token_id)[0] ?? null,
    eos_token_ids: idList(raw.eos_token_id),
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
  return parsed.success ? { raw: parsed.data, architecture } : fail(issueText(parsed.error))
}

function readHeads(
  raw: ConfigFile,
  { defaults }: Architecture,
  fail: Fail,
): Pick<ModelConfig, 'num_attention_heads' | 'num_key_value_heads' | 'head_dim'> {
  const heads = raw.num_attention_heads
  const kvHeads = raw.num_key_value_heads ?? heads
  if (heads % kvHeads !== 0) fail(`num_attention_heads ${heads} should be a multiple of num_key_value_heads ${kvHeads}`)
  if (!raw.head_dim && defaults.head_dim === null && raw.hidden_size % heads !== 0) {
    fail(`hidden_size ${raw.hidden_size} should be a multiple of num_attention_heads ${heads} when head_dim is not given`)
  }
  const headDim = raw.head_dim ?? defaults.head_dim ?? raw.hidden_size / heads
  if (headDim % 2 !== 0) fail(`head_dim should be even for rotary positions, found ${headDim}`)
  return { num_attention_heads: heads, num_key_value_heads: kvHeads, head_dim: headDim }
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

/** @param positions the context length that YaRN stretches where the file does not give the original one. */
function readRope(raw: ConfigFile, file: string, positions: number): { theta: number; scaling: RopeScaling | null } {
  const where = raw.rope_parameters ? 'rope_parameters' : 'rope_scaling'
  const fields: Record<string, unknown> = raw.rope_parameters ?? raw.rope_scaling ?? {}
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
  const kind = shared.data.rope_type ?? shared.data.type ?? 'default'
  if (kind === 'default') {
    const nested = Object.keys(fields).find((key) => typeof fields[key] === 'object' && fields[key] !== null)
    if (nested) throw new CheckpointError(`${file}: ${where}.${nested}: RoPE per layer type is not supported`)
    return { theta, scaling: null }
  }
  const known = ropeScaling.options.map((option) => option.shape.rope_type.value)
  if (!known.some((name) => name === kind)) {
    throw new CheckpointError(`${file}: ${where}: rope type "${kind}" is not supported; expected default, ${known.join(', ')}`)
  }
  const scaling = ropeScaling.safeParse({ ...fields, rope_type: kind })
  if (!scaling.success) throw new CheckpointError(`${file}: ${issueText(scaling.error, where)}`)
  const { data } = scaling
  return {
    theta,
    scaling:
      data.rope_type === 'yarn' ? { ...data, original_max_position_embeddings: data.original_max_position_embeddings ?? positions } : data,
  }
}
