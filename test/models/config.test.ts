import { describe, expect, it } from 'vitest'
import { parseModelConfig } from '../../src/models/architectures/config'
import { goldenText } from './files'

const tiny = {
  model_type: 'llama',
  vocab_size: 96,
  hidden_size: 32,
  intermediate_size: 48,
  num_hidden_layers: 2,
  num_attention_heads: 4,
}
const llama3Scaling = { factor: 32, high_freq_factor: 4, low_freq_factor: 1, original_max_position_embeddings: 8192 }

describe('parseModelConfig', () => {
  it('reads what transformers 5 writes', () => {
    expect(parseModelConfig(JSON.parse(goldenText('tiny_qwen2/config.json')))).toEqual({
      model_type: 'qwen2',
      vocab_size: 96,
      hidden_size: 32,
      intermediate_size: 48,
      num_hidden_layers: 2,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      head_dim: 8,
      max_position_embeddings: 128,
      rms_norm_eps: 1e-6,
      rope_theta: 10000,
      rope_scaling: null,
      tie_word_embeddings: true,
      qkv_bias: true,
      o_bias: false,
      mlp_bias: false,
      qk_norm: false,
      torch_dtype: 'float32',
      weight_format: 'f32',
      kv_dtype: 'f32',
      bos_token_id: null,
      eos_token_ids: [0],
      pad_token_id: null,
    })
    expect(parseModelConfig(JSON.parse(goldenText('tiny_qwen2_untied/config.json'))).tie_word_embeddings).toBe(false)
  })

  it('fills in the defaults of each family', () => {
    expect(parseModelConfig(tiny)).toMatchObject({
      num_key_value_heads: 4, head_dim: 8, max_position_embeddings: 2048, rms_norm_eps: 1e-6, rope_theta: 10000, qkv_bias: false, o_bias: false,
      mlp_bias: false, tie_word_embeddings: false, torch_dtype: null, bos_token_id: 1, eos_token_ids: [2],
    }) // prettier-ignore
    expect(parseModelConfig({ ...tiny, attention_bias: true, mlp_bias: true })).toMatchObject({
      qkv_bias: true,
      o_bias: true,
      mlp_bias: true,
    })
    expect(parseModelConfig({ ...tiny, model_type: 'qwen3', num_key_value_heads: null })).toMatchObject({
      head_dim: 128,
      qk_norm: true,
      qkv_bias: false,
    })
    expect(parseModelConfig({ ...tiny, head_dim: 16, torch_dtype: 'bfloat16', eos_token_id: [5, 6], pad_token_id: -1 })).toMatchObject({
      head_dim: 16, torch_dtype: 'bfloat16', eos_token_ids: [5, 6], pad_token_id: null,
    }) // prettier-ignore
  })

  it('reads rope parameters in the old and the new place alike', () => {
    const old = parseModelConfig({ ...tiny, rope_theta: 500000, rope_scaling: { ...llama3Scaling, rope_type: 'llama3' } })
    const recent = parseModelConfig({ ...tiny, rope_parameters: { ...llama3Scaling, rope_type: 'llama3', rope_theta: 500000 } })
    expect(recent).toEqual(old)
    expect(old).toMatchObject({ rope_theta: 500000, rope_scaling: { rope_type: 'llama3', ...llama3Scaling } })
    expect(parseModelConfig({ ...tiny, rope_scaling: { type: 'linear', factor: 2 } }).rope_scaling).toEqual({
      rope_type: 'linear',
      factor: 2,
    })
    expect(parseModelConfig({ ...tiny, rope_scaling: { type: 'yarn', factor: 4, original_max_position_embeddings: 32768 } }).rope_scaling).toEqual({
      rope_type: 'yarn', factor: 4, original_max_position_embeddings: 32768,
    }) // prettier-ignore
    expect(parseModelConfig({ ...tiny, rope_theta: 1e6, rope_scaling: null })).toMatchObject({ rope_theta: 1e6, rope_scaling: null })
    expect(parseModelConfig({ ...tiny, rope_parameters: { rope_type: 'default', rope_theta: 1e6 } })).toMatchObject({
      rope_theta: 1e6,
      rope_scaling: null,
    })
  })

  it('prepares for 131,072 positions at most, and stretches from what the file says', () => {
    const long = { ...tiny, max_position_embeddings: 1_010_000 }
    expect(parseModelConfig(long).max_position_embeddings).toBe(131_072)
    expect(parseModelConfig({ ...long, rope_scaling: { type: 'yarn', factor: 4 } }).rope_scaling).toMatchObject({
      original_max_position_embeddings: 1_010_000,
    })
  })

  it('takes a sliding window that is switched off (Qwen2.5)', () => {
    const config = {
      ...tiny,
      model_type: 'qwen2',
      num_key_value_heads: 4,
      use_sliding_window: false,
      sliding_window: 131072,
      max_window_layers: 28,
    }
    expect(parseModelConfig(config).model_type).toBe('qwen2')
  })

  it('takes a sliding window that no layer of this model has, or that is as long as the context', () => {
    const config = { ...tiny, model_type: 'qwen2', num_key_value_heads: 4, use_sliding_window: true, sliding_window: 4096 }
    expect(parseModelConfig({ ...config, max_window_layers: 2 }).num_hidden_layers).toBe(2)
    expect(parseModelConfig(config).num_hidden_layers).toBe(2)
    expect(parseModelConfig({ ...config, max_window_layers: 0, max_position_embeddings: 4096 }).max_position_embeddings).toBe(4096)
    expect(parseModelConfig({ ...tiny, use_sliding_window: true, sliding_window: 16 }).model_type).toBe('llama')
  })

  it.each([
    [null, 'expected a "model_type" of qwen2, qwen3, llama'],
    [{ ...tiny, model_type: 'gemma3' }, 'model_type "gemma3" is not supported; expected qwen2, qwen3, llama'],
    [{ ...tiny, hidden_size: undefined }, 'hidden_size: '],
    [{ ...tiny, vocab_size: '96' }, 'vocab_size: Invalid input: expected number, received string'],
    [{ ...tiny, hidden_size: 30 }, 'hidden_size 30 should be a multiple of num_attention_heads 4'],
    [{ ...tiny, num_key_value_heads: 3 }, 'num_attention_heads 4 should be a multiple of num_key_value_heads 3'],
    [{ ...tiny, head_dim: 7 }, 'head_dim should be even'],
    [{ ...tiny, hidden_act: 'gelu' }, 'hidden_act "gelu" is not supported; expected silu'],
    [{ ...tiny, quantization_config: { quant_method: 'gptq' } }, 'quantised checkpoints'],
    [
      { ...tiny, model_type: 'qwen2', num_key_value_heads: 4, use_sliding_window: true, sliding_window: 4096, max_window_layers: 1 },
      'sliding-window attention',
    ],
    [{ ...tiny, layer_types: ['full_attention', 'sliding_attention'] }, 'sliding-window attention'],
    [
      { ...tiny, rope_scaling: { rope_type: 'longrope', factor: 4 } },
      'rope_scaling: rope type "longrope" is not supported; expected default, linear',
    ],
    [{ ...tiny, rope_scaling: { rope_type: 'llama3', factor: 8 } }, 'rope_scaling.low_freq_factor'],
    [{ ...tiny, rope_parameters: { rope_type: 'linear', factor: -1, rope_theta: 1 } }, 'rope_parameters.factor'],
    [{ ...tiny, rope_parameters: { full_attention: { rope_theta: 1 } } }, 'rope_parameters.full_attention: RoPE per layer type'],
    [{ ...tiny, rope_parameters: { rope_theta: 'big' } }, 'rope_parameters.rope_theta'],
    [{ ...tiny, partial_rotary_factor: 0.5 }, 'partial_rotary_factor 0.5'],
  ])('refuses %o', (json, message) => {
    expect(() => parseModelConfig(json)).toThrow(message)
    expect(() => parseModelConfig(json)).toThrow('config.json: ')
  })
})
