/**
 * A Llama checkpoint as an ONNX decoder with the inputs, outputs and fused operators of the exports that transformers.js downloads
 * (GroupQueryAttention with rotary positions, SkipSimplifiedLayerNormalization, MatMulNBits), holding exactly the weights our kernels read.
 */
import { f16FromFloat32, float32FromF16 } from '../../base/halfFloat'
import { GROUP, packWeights, storageOf, unpackWeights } from '../../engine/weightFormat'
import type { ModelConfig } from '../../models/architectures/config'
import { storedFormat } from '../../models/architectures/decoder'
import { ropeTables } from '../../models/architectures/ropeFrequencies'
import type { WeightReader } from '../../models/languageModel'
import type { OnnxGraph, OnnxNode, OnnxTensor, OnnxType } from './onnxModel'

/** What is computed in between: f32, or f16 where an execution provider has it. */
export type OnnxCompute = 'float' | 'float16'

const EMBEDDING = 'model.embed_tokens.weight'

export async function llamaOnnx(config: ModelConfig, reader: WeightReader, compute: OnnxCompute): Promise<OnnxGraph> {
  if (!config.tie_word_embeddings || config.qkv_bias || config.o_bias || config.mlp_bias || config.qk_norm)
    throw new Error('Only a decoder with tied embeddings, without biases and without norms of queries and keys is written as ONNX.')
  const { hidden_size: hidden, num_key_value_heads: kvHeads, head_dim: headDim, num_attention_heads: heads } = config
  const nodes: OnnxNode[] = []
  const tensors: OnnxTensor[] = []
  const add = (
    op: string,
    inputs: readonly string[],
    outputs: readonly string[],
    rest: Omit<OnnxNode, 'op' | 'inputs' | 'outputs'> = {},
  ): string => {
    nodes.push({ op, inputs, outputs, ...rest })
    return outputs[0] ?? ''
  }
  const constant = (name: string, type: OnnxType, shape: readonly number[], data: ArrayBufferView): string => {
    tensors.push({ name, type, shape, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) })
    return name
  }
  const values = (name: string, shape: readonly number[], data: Float32Array): string =>
    constant(name, compute, shape, compute === 'float' ? data : f16FromFloat32(data))

  /** y = x·Wᵀ of a matrix [out, inner] in the format our own kernels read it in. */
  const linear = async (
    x: string,
    name: string,
    [out, inner]: readonly [number, number],
    y: string,
    known?: Float32Array,
  ): Promise<string> => {
    const weight = known ?? (await reader.read(name, [out, inner]))
    const format = storedFormat(config, name, [out, inner])
    if (format === 'int8' || format === 'int4') {
      const words = packWeights(weight, format)
      const codes = new Uint8Array(words.buffer, 0, (out * inner * (format === 'int4' ? 4 : 8)) / 8)
      // Ours are two's complement, MatMulNBits takes 128 for zero.
      const bytes = format === 'int4' ? codes : codes.map((code) => code ^ 128)
      const scales = new Uint16Array(words.buffer, storageOf(format, out * inner).codes, (out * inner) / GROUP)
      const bits = format === 'int4' ? 4 : 8
      const inputs = [
        x,
        constant(`${name}.codes.${y}`, 'uint8', [out, inner / GROUP, (GROUP * bits) / 8], bytes),
        values(`${name}.scales.${y}`, [(out * inner) / GROUP], float32FromF16(scales)),
      ]
      const attributes = { K: { int: inner }, N: { int: out }, bits: { int: bits }, block_size: { int: GROUP } }
      return add('MatMulNBits', inputs, [y], { domain: 'com.microsoft', attributes })
    }
    const turned = transposed(weight, out, inner)
    if (format === 'f32') return add('MatMul', [x, values(`${name}.T`, [inner, out], turned)], [y])
    if (format !== 'f16') throw new Error(`${format} weights are not written as ONNX`)
    const stored = constant(`${name}.T`, 'float16', [inner, out], f16FromFloat32(turned))
    return add('MatMul', [x, compute === 'float' ? cast(stored, 'float') : stored], [y])
  }
  // Casts of constants are done once, when the model is opened.
  const cast = (from: string, to: OnnxType): string => add('Cast', [from], [`${from}.${to}`], { attributes: { to: { int: TYPES[to] } } })

  const embedding = await reader.read(EMBEDDING, [config.vocab_size, hidden])
  const table = values(EMBEDDING, [config.vocab_size, hidden], asStored(config, EMBEDDING, [config.vocab_size, hidden], embedding))
  const lengths = add('ReduceSum', ['attention_mask', constant('one', 'int64', [1], BigInt64Array.of(1n))], ['lengths'], {
    attributes: { keepdims: { int: 0 } },
  })
  const lastAt = cast(add('Sub', [lengths, 'one'], ['last_at']), 'int32')
  const total = cast(
    add('Gather', [add('Shape', ['attention_mask'], ['mask_shape']), constant('index', 'int64', [], BigInt64Array.of(1n))], ['total']),
    'int32',
  )
  const rope = ropeTables(config)
  const rotary = (name: string, data: Float32Array): string => values(name, [config.max_position_embeddings, headDim / 2], data)
  const tables = [rotary('rope.cos', rope.cos), rotary('rope.sin', rope.sin)]

  const epsilon = { float: config.rms_norm_eps }
  const gain = async (name: string): Promise<string> => values(name, [hidden], Float32Array.from(await reader.read(name, [hidden])))
  let x = add('Gather', [table, 'input_ids'], ['embedded'])
  let branch: string | null = null
  /** Adds what a block gave to the residual stream and normalises it: [normalised, sum]. */
  const norm = async (name: string): Promise<string> => {
    const weight = await gain(name)
    if (branch === null)
      return add('SimplifiedLayerNormalization', [x, weight], [`${name}.y`], {
        attributes: { axis: { int: -1 }, epsilon, stash_type: { int: 1 } },
      })
    const sum = `${name}.sum`
    const y = add('SkipSimplifiedLayerNormalization', [x, branch, weight], [`${name}.y`, '', '', sum], {
      domain: 'com.microsoft',
      attributes: { epsilon },
    })
    x = sum
    return y
  }
  const [inner, kv, wide] = [heads * headDim, kvHeads * headDim, config.intermediate_size]
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const of = (part: string): string => `model.layers.${layer}.${part}`
    const named = (part: string): string => `layer${layer}.${part}`
    const a = await norm(of('input_layernorm.weight'))
    const q = await linear(a, of('self_attn.q_proj.weight'), [inner, hidden], named('q'))
    const k = await linear(a, of('self_attn.k_proj.weight'), [kv, hidden], named('k'))
    const v = await linear(a, of('self_attn.v_proj.weight'), [kv, hidden], named('v'))
    const attended = add(
      'GroupQueryAttention',
      [q, k, v, `past_key_values.${layer}.key`, `past_key_values.${layer}.value`, lastAt, total, ...tables],
      [named('attended'), `present.${layer}.key`, `present.${layer}.value`],
      {
        domain: 'com.microsoft',
        attributes: {
          num_heads: { int: heads },
          kv_num_heads: { int: kvHeads },
          scale: { float: 1 / Math.sqrt(headDim) },
          do_rotary: { int: 1 },
          rotary_interleaved: { int: 0 },
        },
      },
    )
    branch = await linear(attended, of('self_attn.o_proj.weight'), [hidden, inner], named('o'))
    const m = await norm(of('post_attention_layernorm.weight'))
    const gate = await linear(m, of('mlp.gate_proj.weight'), [wide, hidden], named('gate'))
    const up = await linear(m, of('mlp.up_proj.weight'), [wide, hidden], named('up'))
    const silu = add('Mul', [gate, add('Sigmoid', [gate], [named('sigmoid')])], [named('silu')])
    branch = await linear(add('Mul', [silu, up], [named('gated')]), of('mlp.down_proj.weight'), [hidden, wide], named('down'))
  }
  const last = await norm('model.norm.weight')
  const named = compute === 'float' ? 'logits' : 'logits.f16'
  await linear(last, EMBEDDING, [config.vocab_size, hidden], named, embedding)
  if (compute === 'float16') add('Cast', [named], ['logits'], { attributes: { to: { int: TYPES.float } } })

  const cache = (name: string, length: string) =>
    Array.from({ length: config.num_hidden_layers }, (_, layer) =>
      ['key', 'value'].map((what) => ({
        name: `${name}.${layer}.${what}`,
        type: compute,
        shape: ['batch_size', kvHeads, length, headDim],
      })),
    ).flat()
  return {
    nodes,
    tensors,
    inputs: [
      { name: 'input_ids', type: 'int64', shape: ['batch_size', 'sequence_length'] },
      { name: 'attention_mask', type: 'int64', shape: ['batch_size', 'total_sequence_length'] },
      ...cache('past_key_values', 'past_sequence_length'),
    ],
    outputs: [
      { name: 'logits', type: 'float', shape: ['batch_size', 'sequence_length', config.vocab_size] },
      ...cache('present', 'total_sequence_length'),
    ],
  }
}

const TYPES = { float: 1, float16: 10, int32: 6, int64: 7, uint8: 2 } as const

/** The values that a matrix has once it is stored. */
function asStored(config: ModelConfig, name: string, shape: readonly [number, number], data: Float32Array): Float32Array {
  const format = storedFormat(config, name, shape)
  return format === 'f32' ? data : unpackWeights(packWeights(data, format), data.length, format)
}

function transposed(data: Float32Array, rows: number, columns: number): Float32Array {
  const turned = new Float32Array(data.length)
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) turned[column * rows + row] = data[row * columns + column] ?? 0
  return turned
}
