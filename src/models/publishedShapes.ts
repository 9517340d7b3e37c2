/** Shapes of checkpoints people train, as their config.json on the Hugging Face Hub gives them: what a plan needs to know of a model. */
import { parseModelConfig, type ModelConfig } from './architectures/config'

const files = {
  'llama-3.1-8b': {
    ...{ model_type: 'llama', vocab_size: 128_256, hidden_size: 4096, intermediate_size: 14_336, num_hidden_layers: 32 },
    ...{ num_attention_heads: 32, num_key_value_heads: 8, max_position_embeddings: 131_072, rms_norm_eps: 1e-5, rope_theta: 500_000 },
    rope_scaling: { rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 },
    ...{ tie_word_embeddings: false, torch_dtype: 'bfloat16', bos_token_id: 128_000, eos_token_id: 128_001 },
  },
  'qwen2.5-7b': {
    ...{ model_type: 'qwen2', vocab_size: 152_064, hidden_size: 3584, intermediate_size: 18_944, num_hidden_layers: 28 },
    ...{ num_attention_heads: 28, num_key_value_heads: 4, max_position_embeddings: 131_072, rms_norm_eps: 1e-6, rope_theta: 1e6 },
    ...{ tie_word_embeddings: false, torch_dtype: 'bfloat16', bos_token_id: 151_643, eos_token_id: 151_643 },
  },
  /** Llama 2 7B's. */
  'toolllama-2-7b': {
    ...{ model_type: 'llama', vocab_size: 32_000, hidden_size: 4096, intermediate_size: 11_008, num_hidden_layers: 32 },
    ...{ num_attention_heads: 32, num_key_value_heads: 32, max_position_embeddings: 4096, rms_norm_eps: 1e-5, rope_theta: 10_000 },
    ...{ tie_word_embeddings: false, torch_dtype: 'float16', bos_token_id: 1, eos_token_id: 2 },
  },
  'qwen2.5-0.5b': {
    ...{ model_type: 'qwen2', vocab_size: 151_936, hidden_size: 896, intermediate_size: 4864, num_hidden_layers: 24 },
    ...{ num_attention_heads: 14, num_key_value_heads: 2, max_position_embeddings: 32_768, rms_norm_eps: 1e-6, rope_theta: 1e6 },
    ...{ tie_word_embeddings: true, torch_dtype: 'bfloat16', bos_token_id: 151_643, eos_token_id: 151_643 },
  },
} as const

export type PublishedName = keyof typeof files
export const PUBLISHED_NAMES = Object.keys(files) as PublishedName[]

export const publishedConfig = (name: PublishedName): ModelConfig => parseModelConfig(files[name], name)
