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

/** @throws Error for a decoder with biases, norms of queries and keys, or an output matrix of its own. */
export async function llamaOnnx(config: ModelConfig, reader: WeightReader, compute: OnnxCompute): Promise<OnnxGraph> {
  if (!config.tie_word_embeddings || config.qkv_bias || config.o_bias || config.mlp_bias || config.qk_norm)
    throw new Error('Only a decoder with tied embeddings, without biases and without norms of queries and keys is written as ONNX.')
  const shape = [config.vocab_size, config.hidden_size] as const
  const graph = new GraphWriter(compute)
  const embedding = await reader.read(EMBEDDING, shape)
  const table = graph.values(EMBEDDING, shape, asStored(config, EMBEDDING, shape, embedding))
  const positions = addPositions(graph, config)
  const decoder = new DecoderWriter(graph, config, reader, graph.add('Gather', [table, 'input_ids'], ['embedded']))
  for (let layer = 0; layer < config.num_hidden_layers; layer++) await decoder.layer(layer, positions)
  await decoder.head(embedding)
  return { nodes: graph.nodes, tensors: graph.tensors, ...signature(config, compute) }
}

/** Names, types and shapes of the graph's inputs and outputs, as in the exports that transformers.js downloads. */
function signature(config: ModelConfig, compute: OnnxCompute): Pick<OnnxGraph, 'inputs' | 'outputs'> {
  const cache = (name: string, length: string) =>
    Array.from({ length: config.num_hidden_layers }, (_, layer) =>
      ['key', 'value'].map((what) => ({
        name: `${name}.${layer}.${what}`,
        type: compute,
        shape: ['batch_size', config.num_key_value_heads, length, config.head_dim],
      })),
    ).flat()
  return {
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

/** Collects nodes and constants; each method returns the name of the value that it adds. */
class GraphWriter {
  readonly nodes: OnnxNode[] = []
  readonly tensors: OnnxTensor[] = []
  readonly compute: OnnxCompute

  constructor(compute: OnnxCompute) {
    this.compute = compute
  }

  add(op: string, inputs: readonly string[], outputs: readonly string[], rest: Omit<OnnxNode, 'op' | 'inputs' | 'outputs'> = {}): string {
    this.nodes.push({ op, inputs, outputs, ...rest })
    return outputs[0] ?? ''
  }

  constant(name: string, type: OnnxType, shape: readonly number[], data: ArrayBufferView): string {
    this.tensors.push({ name, type, shape, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) })
    return name
  }

  /** A constant in the type that is computed in. */
  values(name: string, shape: readonly number[], data: Float32Array): string {
    return this.constant(name, this.compute, shape, this.compute === 'float' ? data : f16FromFloat32(data))
  }

  /** Casts of constants are done once, when the model is opened. */
  cast(from: string, to: OnnxType): string {
    return this.add('Cast', [from], [`${from}.${to}`], { attributes: { to: { int: TYPES[to] } } })
  }
}

/** Names of what attention needs of positions: index of the last token, length with the cache, and the tables of cosines and sines. */
interface Positions {
  readonly lastAt: string
  readonly total: string
  readonly tables: readonly string[]
}

function addPositions(graph: GraphWriter, config: ModelConfig): Positions {
  const lengths = graph.add('ReduceSum', ['attention_mask', graph.constant('one', 'int64', [1], BigInt64Array.of(1n))], ['lengths'], {
    attributes: { keepdims: { int: 0 } },
  })
  const lastAt = graph.cast(graph.add('Sub', [lengths, 'one'], ['last_at']), 'int32')
  const maskShape = graph.add('Shape', ['attention_mask'], ['mask_shape'])
  const index = graph.constant('index', 'int64', [], BigInt64Array.of(1n))
  const total = graph.cast(graph.add('Gather', [maskShape, index], ['total']), 'int32')
  const rope = ropeTables(config)
  const table = (name: string, data: Float32Array): string =>
    graph.values(name, [config.max_position_embeddings, config.head_dim / 2], data)
  return { lastAt, total, tables: [table('rope.cos', rope.cos), table('rope.sin', rope.sin)] }
}

/** Writes the decoder's layers one after another onto the residual stream, which begins with `embedded`. */
class DecoderWriter {
  readonly #graph: GraphWriter
  readonly #config: ModelConfig
  readonly #reader: WeightReader
  /** The residual stream, and what the last block gave, which the next norm adds to it. */
  #x: string
  #branch: string | null = null

  constructor(graph: GraphWriter, config: ModelConfig, reader: WeightReader, embedded: string) {
    this.#graph = graph
    this.#config = config
    this.#reader = reader
    this.#x = embedded
  }

  async layer(layer: number, { lastAt, total, tables }: Positions): Promise<void> {
    const { hidden_size: hidden, head_dim: headDim, num_attention_heads: heads, num_key_value_heads: kvHeads } = this.#config
    const [inner, kv, wide] = [heads * headDim, kvHeads * headDim, this.#config.intermediate_size]
    const of = (part: string): string => `model.layers.${layer}.${part}`
    const named = (part: string): string => `layer${layer}.${part}`
    const a = await this.#norm(of('input_layernorm.weight'))
    const q = await this.#linear(a, of('self_attn.q_proj.weight'), [inner, hidden], named('q'))
    const k = await this.#linear(a, of('self_attn.k_proj.weight'), [kv, hidden], named('k'))
    const v = await this.#linear(a, of('self_attn.v_proj.weight'), [kv, hidden], named('v'))
    const attended = this.#graph.add(
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
    this.#branch = await this.#linear(attended, of('self_attn.o_proj.weight'), [hidden, inner], named('o'))
    const m = await this.#norm(of('post_attention_layernorm.weight'))
    const gate = await this.#linear(m, of('mlp.gate_proj.weight'), [wide, hidden], named('gate'))
    const up = await this.#linear(m, of('mlp.up_proj.weight'), [wide, hidden], named('up'))
    const silu = this.#graph.add('Mul', [gate, this.#graph.add('Sigmoid', [gate], [named('sigmoid')])], [named('silu')])
    const gated = this.#graph.add('Mul', [silu, up], [named('gated')])
    this.#branch = await this.#linear(gated, of('mlp.down_proj.weight'), [hidden, wide], named('down'))
  }

  /** The last norm and the logits, with the embedding [vocabulary, hidden] as output matrix. */
  async head(embedding: Float32Array): Promise<void> {
    const { vocab_size: vocabulary, hidden_size: hidden } = this.#config
    const last = await this.#norm('model.norm.weight')
    const isHalf = this.#graph.compute === 'float16'
    const name = isHalf ? 'logits.f16' : 'logits'
    await this.#linear(last, EMBEDDING, [vocabulary, hidden], name, embedding)
    if (isHalf) this.#graph.add('Cast', [name], ['logits'], { attributes: { to: { int: TYPES.float } } })
  }

  /** Adds what the last block gave to the residual stream, and returns the normalised sum. */
  async #norm(name: string): Promise<string> {
    const { hidden_size: hidden, rms_norm_eps: eps } = this.#config
    const weight = this.#graph.values(name, [hidden], Float32Array.from(await this.#reader.read(name, [hidden])))
    const epsilon = { float: eps }
    if (this.#branch === null)
      return this.#graph.add('SimplifiedLayerNormalization', [this.#x, weight], [`${name}.y`], {
        attributes: { axis: { int: -1 }, epsilon, stash_type: { int: 1 } },
      })
    const sum = `${name}.sum`
    const y = this.#graph.add('SkipSimplifiedLayerNormalization', [this.#x, this.#branch, weight], [`${name}.y`, '', '', sum], {
      domain: 'com.microsoft',
      attributes: { epsilon },
    })
    this.#x = sum
    return y
  }

  /** y = x·Wᵀ of a matrix [out, inner] in the format our own kernels read it in; `known`: the matrix, where it has been read. */
  async #linear(x: string, name: string, shape: readonly [number, number], y: string, known?: Float32Array): Promise<string> {
    const graph = this.#graph
    const weight = known ?? (await this.#reader.read(name, shape))
    const format = storedFormat(this.#config, name, shape)
    if (format === 'int8' || format === 'int4') return addQuantized(graph, x, name, shape, y, packWeights(weight, format), format)
    const [out, inner] = shape
    const turned = transposed(weight, out, inner)
    if (format === 'f32') return graph.add('MatMul', [x, graph.values(`${name}.T`, [inner, out], turned)], [y])
    if (format !== 'f16') throw new Error(`${format} weights are not written as ONNX`)
    const stored = graph.constant(`${name}.T`, 'float16', [inner, out], f16FromFloat32(turned))
    return graph.add('MatMul', [x, graph.compute === 'float' ? graph.cast(stored, 'float') : stored], [y])
  }
}

/** y = x·Wᵀ of packed codes and scales. */
function addQuantized(
  graph: GraphWriter,
  x: string,
  name: string,
  [out, inner]: readonly [number, number],
  y: string,
  words: ReturnType<typeof packWeights>,
  format: 'int8' | 'int4',
): string {
  const bits = format === 'int4' ? 4 : 8
  const codes = new Uint8Array(words.buffer, 0, (out * inner * bits) / 8)
  // Ours are two's complement, MatMulNBits takes 128 for zero.
  const bytes = format === 'int4' ? codes : codes.map((code) => code ^ 128)
  const scales = new Uint16Array(words.buffer, storageOf(format, out * inner).codes, (out * inner) / GROUP)
  const inputs = [
    x,
    graph.constant(`${name}.codes.${y}`, 'uint8', [out, inner / GROUP, (GROUP * bits) / 8], bytes),
    graph.values(`${name}.scales.${y}`, [(out * inner) / GROUP], float32FromF16(scales)),
  ]
  const attributes = { K: { int: inner }, N: { int: out }, bits: { int: bits }, block_size: { int: GROUP } }
  return graph.add('MatMulNBits', inputs, [y], { domain: 'com.microsoft', attributes })
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
