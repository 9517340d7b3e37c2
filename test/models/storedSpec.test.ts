import { expect, it } from 'vitest'
import { parseModelConfig } from '../../src/models/architectures/config'
import { storedSpec } from '../../src/models/architectures/decoder'

const shape = { hidden_size: 64, intermediate_size: 171, num_hidden_layers: 1, num_attention_heads: 4 }
const config = { ...parseModelConfig({ model_type: 'llama', vocab_size: 32_001, ...shape }), weight_format: 'int4' as const }

it('embedding and head are held in 8 bits with rows to spare, matrices of odd extents and gains as they are', () => {
  for (const name of ['model.embed_tokens.weight', 'lm_head.weight'])
    expect(storedSpec(config, name, [32_001, 64])).toEqual({ shape: [32_004, 64], dtype: 'int8' })
  expect(storedSpec(config, 'model.layers.0.self_attn.q_proj.weight', [64, 64])).toEqual({ shape: [64, 64], dtype: 'int4' })
  expect(storedSpec(config, 'model.layers.0.mlp.up_proj.weight', [171, 64])).toEqual({ shape: [171, 64], dtype: 'f32' })
  expect(storedSpec(config, 'model.layers.0.mlp.down_proj.weight', [64, 171])).toEqual({ shape: [64, 171], dtype: 'f32' })
  expect(storedSpec(config, 'model.norm.weight', [64])).toEqual({ shape: [64], dtype: 'f32' })
})
