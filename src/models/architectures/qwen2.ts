/** Qwen2 and Qwen2.5 (Yang 2024): biases on q, k and v, none on o. */
import type { Architecture } from './architecture'
import { decoder, decoderParameters } from './decoder'

export const qwen2: Architecture = {
  name: 'qwen2',
  title: 'Qwen 2 and 2.5',
  defaults: {
    max_position_embeddings: 32_768,
    head_dim: null,
    num_key_value_heads: 32,
    tie_word_embeddings: false,
    bos_token_id: null,
    eos_token_id: null,
  },
  hasSlidingWindow: true,
  flags: () => ({ qkv_bias: true, o_bias: false, mlp_bias: false, qk_norm: false }),
  parameters: decoderParameters,
  forward: decoder,
  exact: { plain: ['tiny_qwen2', 'tiny_qwen2_untied'], yarn: ['tiny_qwen2_yarn'] },
  ran: ['the starter model'],
}
