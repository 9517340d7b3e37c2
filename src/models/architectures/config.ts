/**
 * `config.json` of a Hugging Face checkpoint, read into one shape. Field names stay Hugging Face's; defaults are those of
 * transformers' Qwen2Config, Qwen3Config and LlamaConfig. transformers ≥ 5 keeps RoPE under `rope_parameters`, older ones in
 * `rope_theta` and `rope_scaling` (`type` or `rope_type`): both are read. What the forward cannot do is refused here, by name.
 */
import { z } from 'zod'
import type { KvDtype } from '../../engine/ops/kvCache'
import type { WeightFormat } from '../../engine/weightFormat'
import { CheckpointError } from '../weights/byteSource'

const positive = z.number().positive()
const count = z.int().positive()

/** RoPE scaling; frequencies are computed from it in f64 on the CPU. Fields as in transformers `modeling_rope_utils.py`. */
const ropeScaling = z.discriminatedUnion('rope_type', [
  z.object({ rope_type: z.literal('linear'), factor: positive }),
  z.object({ rope_type: z.literal('dynamic'), factor: positive, original_max_position_embeddings: count.nullish() }),
  z.object({
    rope_type: z.literal('llama3'),
    factor: positive,
    low_freq_factor: positive,
    high_freq_factor: positive,
    original_max_position_embeddings: count,
  }),
  z.object({
    rope_type: z.literal('yarn'),
    factor: positive,
    original_max_position_embeddings: count.nullish(),
    attention_factor: positive.nullish(),
    beta_fast: positive.nullish(),
    beta_slow: positive.nullish(),
    mscale: positive.nullish(),
    mscale_all_dim: positive.nullish(),
    truncate: z.boolean().nullish(),
  }),
])
export type RopeScaling = z.infer<typeof ropeScaling>

const modelType = z.enum(['qwen2', 'qwen3', 'llama'])
export type ModelType = z.infer<typeof modelType>

/** One id, or several. */
export const tokenIds = z.union([z.int(), z.array(z.int())]).nullish()

/** The fields as they may stand in the file. */
const fileSchema = z.object({
  model_type: modelType,
  architectures: z.array(z.string()).nullish(),
  vocab_size: count,
  hidden_size: count,
  intermediate_size: count,
  num_hidden_layers: count,
  num_attention_heads: count,
  num_key_value_heads: count.nullish(),
  head_dim: count.nullish(),
  max_position_embeddings: count.nullish(),
  rms_norm_eps: positive.nullish(),
  hidden_act: z.string().nullish(),
  tie_word_embeddings: z.boolean().nullish(),
  attention_bias: z.boolean().nullish(),
  mlp_bias: z.boolean().nullish(),
  rope_theta: positive.nullish(),
  rope_scaling: z.record(z.string(), z.unknown()).nullish(),
  rope_parameters: z.record(z.string(), z.unknown()).nullish(),
  partial_rotary_factor: z.number().nullish(),
  use_sliding_window: z.boolean().nullish(),
  sliding_window: z.number().nullish(),
  max_window_layers: z.number().nullish(),
  layer_types: z.array(z.string()).nullish(),
  attention_dropout: z.number().nullish(),
  torch_dtype: z.string().nullish(),
  dtype: z.string().nullish(),
  bos_token_id: tokenIds,
  eos_token_id: tokenIds,
  pad_token_id: tokenIds,
  quantization_config: z.unknown().optional(),
})

/** A decoder-only transformer: RMSNorm, rotary attention with grouped key/value heads, SwiGLU. Every default is resolved. */
export interface ModelConfig {
  readonly model_type: ModelType
  readonly vocab_size: number
  readonly hidden_size: number
  readonly intermediate_size: number
  readonly num_hidden_layers: number
  readonly num_attention_heads: number
  readonly num_key_value_heads: number
  readonly head_dim: number
  readonly max_position_embeddings: number
  readonly rms_norm_eps: number
  readonly rope_theta: number
  /** null: plain RoPE. */
  readonly rope_scaling: RopeScaling | null
  /** true: the LM head is `model.embed_tokens.weight`, there is no `lm_head.weight`. */
  readonly tie_word_embeddings: boolean
  /** Biases on q, k and v (always in Qwen2, never on its o). */
  readonly qkv_bias: boolean
  readonly o_bias: boolean
  readonly mlp_bias: boolean
  /** RMSNorm over head_dim on queries and keys (Qwen3). */
  readonly qk_norm: boolean
  /** How frozen matrices are held on the GPU: not of the file, chosen by whoever opens it. Trained ones are always f32. */
  readonly weight_format: WeightFormat
  /** How generation keeps keys and values; training rounds its own alike, so that both see one policy. Not of the file either. */
  readonly kv_dtype: KvDtype
  /** Dtype the checkpoint declares (`float32`, `bfloat16`, `float16`); the tensors' own dtype decides. */
  readonly torch_dtype: string | null
  readonly bos_token_id: number | null
  /** Generation ends at any of these. */
  readonly eos_token_ids: readonly number[]
  readonly pad_token_id: number | null
}

/** Longer contexts than anybody runs here are not prepared for: rotary tables of a model of a million positions would take 500 MB. */
const MOST_POSITIONS = 131_072

const DEFAULTS = {
  llama: { max_position_embeddings: 2048 },
  qwen2: { max_position_embeddings: 32768 },
  qwen3: { max_position_embeddings: 32768 },
} as const satisfies Record<ModelType, unknown>

function issueText(error: z.ZodError, prefix = ''): string {
  return error.issues
    .map((issue) => `${[prefix, ...issue.path].filter((part) => part !== '').join('.') || 'the file'}: ${issue.message}`)
    .join('; ')
}

/** Parses `config.json`. Throws CheckpointError that names the file, the field, what was expected and what was found. */
export function parseModelConfig(json: unknown, file = 'config.json'): ModelConfig {
  const fail = (message: string): never => {
    throw new CheckpointError(`${file}: ${message}`)
  }
  const named = z.object({ model_type: z.string() }).safeParse(json)
  if (!named.success) return fail(`expected a "model_type" of ${modelType.options.join(', ')}; ${issueText(named.error)}`)
  if (!modelType.safeParse(named.data.model_type).success) {
    fail(`model_type "${named.data.model_type}" is not supported; expected ${modelType.options.join(', ')}`)
  }
  const parsed = fileSchema.safeParse(json)
  if (!parsed.success) return fail(issueText(parsed.error))
  const raw = parsed.data

  const heads = raw.num_attention_heads
  const kvHeads = raw.num_key_value_heads ?? heads
  if (heads % kvHeads !== 0) fail(`num_attention_heads ${heads} should be a multiple of num_key_value_heads ${kvHeads}`)
  if (!raw.head_dim && raw.model_type !== 'qwen3' && raw.hidden_size % heads !== 0) {
    fail(`hidden_size ${raw.hidden_size} should be a multiple of num_attention_heads ${heads} when head_dim is not given`)
  }
  const headDim = raw.head_dim ?? (raw.model_type === 'qwen3' ? 128 : raw.hidden_size / heads)
  if (headDim % 2 !== 0) fail(`head_dim should be even for rotary positions, found ${headDim}`)

  const act = raw.hidden_act ?? 'silu'
  if (act !== 'silu' && act !== 'swish') fail(`hidden_act "${act}" is not supported; expected silu`)
  if (raw.quantization_config) fail('quantised checkpoints (quantization_config) are not supported; use the original 16-bit weights')
  const stated = raw.max_position_embeddings ?? DEFAULTS[raw.model_type].max_position_embeddings
  const positions = Math.min(stated, MOST_POSITIONS)
  if (slides(raw, positions)) fail('sliding-window attention is not supported; expected full attention in every layer')
  const rope = readRope(raw, file, stated)
  const attentionBias = raw.attention_bias ?? false
  const qwen2 = raw.model_type === 'qwen2'
  return {
    model_type: raw.model_type,
    vocab_size: raw.vocab_size,
    hidden_size: raw.hidden_size,
    intermediate_size: raw.intermediate_size,
    num_hidden_layers: raw.num_hidden_layers,
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    head_dim: headDim,
    max_position_embeddings: positions,
    rms_norm_eps: raw.rms_norm_eps ?? 1e-6,
    rope_theta: rope.theta,
    rope_scaling: rope.scaling,
    tie_word_embeddings: raw.tie_word_embeddings ?? false,
    qkv_bias: qwen2 || attentionBias,
    o_bias: !qwen2 && attentionBias,
    mlp_bias: raw.model_type === 'llama' && (raw.mlp_bias ?? false),
    qk_norm: raw.model_type === 'qwen3',
    weight_format: 'f32',
    kv_dtype: 'f32',
    torch_dtype: raw.dtype ?? raw.torch_dtype ?? null,
    bos_token_id: idList(raw.bos_token_id)[0] ?? null,
    eos_token_ids: idList(raw.eos_token_id),
    pad_token_id: idList(raw.pad_token_id)[0] ?? null,
  }
}

/**
 * Whether some layer sees less than the whole context: layers before `max_window_layers` do not slide, and a window as long as the context never
 * cuts. Llama's own configuration has no window.
 */
function slides(raw: z.infer<typeof fileSchema>, positions: number): boolean {
  const { layer_types: kinds, sliding_window: window, max_window_layers: first } = raw
  if (typeof window === 'number' && window >= positions) return false
  if (kinds) return kinds.some((kind) => kind !== 'full_attention')
  const isUsed = raw.model_type !== 'llama' && raw.use_sliding_window === true && typeof window === 'number'
  return isUsed && (first ?? MAX_WINDOW_LAYERS) < raw.num_hidden_layers
}
/** transformers' default for the Qwen family. */
const MAX_WINDOW_LAYERS = 28

/** Llama 3 lists several ends; some fine-tunes write −1 for "none". */
export function idList(ids: z.infer<typeof tokenIds>): number[] {
  return (typeof ids === 'number' ? [ids] : (ids ?? [])).filter((id) => id >= 0)
}

/** @param positions what YaRN stretches from, where it does not say. */
function readRope(raw: z.infer<typeof fileSchema>, file: string, positions: number): { theta: number; scaling: RopeScaling | null } {
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
