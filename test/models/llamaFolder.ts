/** A folder as ToolLLaMA-2's: Llama 2's old config fields, SentencePiece's tokenizer.model and no tokenizer.json, 16-bit weights. Tiny and random. */
import { parseModelConfig } from '../../src/models/architectures/config'
import { architectureOf } from '../../src/models/languageModel'
import { writeSafetensors, type TensorToWrite } from '../../src/models/weights/writeSafetensors'
import { randomWeights } from '../../src/training/policy/initialWeights'
import { goldenBytes } from './files'
import { encode } from './shards'

export const LLAMA_VOCABULARY = 600

/** @param changes of config.json; weights of a changed model are zeros, which are made at once. */
export async function llamaFolder(changes: Readonly<Record<string, number>> = {}): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const configJson = {
    ...{ architectures: ['LlamaForCausalLM'], model_type: 'llama', vocab_size: LLAMA_VOCABULARY, hidden_size: 16, intermediate_size: 32 },
    ...{ num_hidden_layers: 1, num_attention_heads: 2, num_key_value_heads: 2, max_position_embeddings: 512, rms_norm_eps: 1e-5 },
    ...{ hidden_act: 'silu', tie_word_embeddings: false, torch_dtype: 'float16', bos_token_id: 1, eos_token_id: 2, rope_scaling: null },
    ...changes,
  }
  const config = parseModelConfig(configJson)
  const reader = randomWeights(config, 5)
  const isChanged = Object.keys(changes).length > 0
  const zerosOf = (shape: readonly number[]): Float32Array => new Float32Array(shape.reduce((product, size) => product * size, 1))
  const tensors: Record<string, TensorToWrite> = {}
  for (const [name, shape] of Object.entries(architectureOf(config).parameters(config)))
    tensors[name] = { shape, data: isChanged ? zerosOf(shape) : await reader.read(name, shape), dtype: 'F16' }
  const special = { bos_token: '<s>', eos_token: '</s>', unk_token: '<unk>' }
  const json = (value: unknown): Uint8Array<ArrayBuffer> => new Uint8Array(encode(value))
  return new Map([
    ['config.json', json(configJson)],
    ['tokenizer.model', goldenBytes('tokenizer/llama.model')],
    ['tokenizer_config.json', json({ tokenizer_class: 'LlamaTokenizer', add_bos_token: true, add_eos_token: false, ...special })],
    ['special_tokens_map.json', json(special)],
    ['model.safetensors', writeSafetensors(tensors)],
  ])
}
