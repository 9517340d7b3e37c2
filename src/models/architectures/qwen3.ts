/** Qwen3 (Yang 2025): queries and keys are RMS-normalised by head, and head_dim does not follow from hidden_size. */
import type { Architecture } from './architecture'
import { decoder, decoderParameters } from './decoder'

export const qwen3: Architecture = {
  name: 'qwen3',
  title: 'Qwen 3',
  defaults: {
    max_position_embeddings: 32_768,
    head_dim: 128,
    num_key_value_heads: 32,
    tie_word_embeddings: false,
    bos_token_id: null,
    eos_token_id: null,
  },
  hasSlidingWindow: true,
  flags: ({ attention_bias: bias }) => ({ qkv_bias: bias ?? false, o_bias: bias ?? false, mlp_bias: false, qk_norm: true }),
  parameters: decoderParameters,
  forward: decoder,
  exact: { plain: ['tiny_qwen3'] },
  ran: [],
}
