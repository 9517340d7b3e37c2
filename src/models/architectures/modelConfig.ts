/** The fields of `config.json` as Hugging Face names them, and the one shape in which the rest of the code reads a model's configuration. */
import { z } from 'zod'
import type { KvDtype } from '../../engine/ops/kvCache'
import type { WeightFormat } from '../../engine/weightFormat'

export const positive = z.number().positive()
const count = z.int().positive()

/** RoPE scaling; frequencies are computed from it in f64 on the CPU. Fields as in transformers `modeling_rope_utils.py`. */
export const ropeScaling = z.discriminatedUnion('rope_type', [
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

/** One id, or several. */
export const tokenIds = z.union([z.int(), z.array(z.int())]).nullish()

/** The fields of the file that are read. */
export const configFileSchema = z.object({
  model_type: z.string(),
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
  original_max_position_embeddings: count.nullish(),
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
export type ConfigFile = z.infer<typeof configFileSchema>

/** A decoder-only transformer: RMSNorm, rotary attention with grouped key/value heads, SwiGLU. Every default is resolved. */
export interface ModelConfig {
  /** The architecture's name in the catalogue. */
  readonly model_type: string
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
  /** Whether q, k and v have biases; `o_bias` and `mlp_bias` say the same of the other projections. */
  readonly qkv_bias: boolean
  readonly o_bias: boolean
  readonly mlp_bias: boolean
  /** Whether queries and keys are RMS-normalised over head_dim. */
  readonly qk_norm: boolean
  /** Storage format of frozen matrices on the GPU. The caller that opens the model chooses it; it is not in the file. Trained matrices are always f32. */
  readonly weight_format: WeightFormat
  /** Precision of generation's key and value cache. Training rounds its keys and values alike, so that both see one policy. Not in the file either. */
  readonly kv_dtype: KvDtype
  /** Dtype the checkpoint declares (`float32`, `bfloat16`, `float16`); the tensors' own dtype decides. */
  readonly torch_dtype: string | null
  readonly bos_token_id: number | null
  /** Generation ends at any of these. */
  readonly eos_token_ids: readonly number[]
  readonly pad_token_id: number | null
}
