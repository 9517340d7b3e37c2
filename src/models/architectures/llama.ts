/** Llama 2 and 3.x (Touvron 2023, Dubey 2024): no biases unless config.json asks for them; linear or llama3 RoPE scaling. */
import type { Architecture } from './architecture'
import { decoder, decoderParameters } from './decoder'

export const llama: Architecture = {
  name: 'llama',
  title: 'Llama 2 and 3',
  defaults: {
    max_position_embeddings: 2048,
    head_dim: null,
    num_key_value_heads: null,
    tie_word_embeddings: false,
    bos_token_id: 1,
    eos_token_id: 2,
  },
  hasSlidingWindow: false,
  flags: ({ attention_bias: bias, mlp_bias: mlpBias }) => ({
    ...{ qkv_bias: bias ?? false, o_bias: bias ?? false, mlp_bias: mlpBias ?? false, qk_norm: false },
  }),
  parameters: decoderParameters,
  forward: decoder,
  exact: { plain: ['tiny_llama'], llama3: ['tiny_llama3'], linear: ['tiny_llama_bias'] },
  ran: [],
}
