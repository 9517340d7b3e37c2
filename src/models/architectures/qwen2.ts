/** Qwen2 and Qwen2.5 (Yang 2024): biases on q, k and v. */
import type { Architecture } from './architecture'
import { decoder, PROJECTIONS, projectionPath, projectionShape } from './decoder'
import type { Projection } from './decoder'

const biased = (projection: Projection): boolean => projection === 'q_proj' || projection === 'k_proj' || projection === 'v_proj'

export const qwen2: Architecture = {
  name: 'qwen2',
  parameters(config) {
    const table: Record<string, readonly number[]> = { 'model.embed_tokens.weight': [config.vocab_size, config.hidden_size] }
    for (let layer = 0; layer < config.num_hidden_layers; layer++) {
      table[`model.layers.${layer}.input_layernorm.weight`] = [config.hidden_size]
      table[`model.layers.${layer}.post_attention_layernorm.weight`] = [config.hidden_size]
      for (const projection of PROJECTIONS) {
        const [out, inner] = projectionShape(config, projection)
        table[`${projectionPath(layer, projection)}.weight`] = [out, inner]
        if (biased(projection)) table[`${projectionPath(layer, projection)}.bias`] = [out]
      }
    }
    table['model.norm.weight'] = [config.hidden_size]
    if (!config.tie_word_embeddings) table['lm_head.weight'] = [config.vocab_size, config.hidden_size]
    return table
  },
  forward: (parts) => decoder(parts, biased),
}
