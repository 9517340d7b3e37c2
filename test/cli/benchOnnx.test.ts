/** The ONNX decoder that the baselines are given: read back field by field, its weights are the ones our kernels read. */
import { expect, test } from 'vitest'
import { float32FromF16 } from '../../src/base/halfFloat'
import { llamaOnnx } from '../../src/bench/baselines/llamaOnnx'
import { encodeOnnx, ONNX, type OnnxGraph } from '../../src/bench/baselines/onnxModel'
import { packWeights, unpackWeights } from '../../src/engine/weightFormat'
import { parseModelConfig } from '../../src/models/architectures/config'
import { readFields, type ProtobufMessage } from '../../src/models/tokenizer/protobuf'
import { randomWeights } from '../../src/training/policy/initialWeights'

const config = parseModelConfig({
  ...{ model_type: 'llama', vocab_size: 64, hidden_size: 32, intermediate_size: 64, num_hidden_layers: 2, num_attention_heads: 2 },
  ...{ num_key_value_heads: 1, tie_word_embeddings: true, rms_norm_eps: 1e-5, rope_theta: 10_000, max_position_embeddings: 16 },
})
const weights = randomWeights(config, 1)

/** Every node's inputs come from before it, and every output of the graph from a node. */
function unconnected({ nodes, tensors, inputs, outputs }: OnnxGraph): string[] {
  const known = new Set(['', ...tensors.map(({ name }) => name), ...inputs.map(({ name }) => name)])
  const missing: string[] = []
  for (const node of nodes) {
    missing.push(...node.inputs.filter((name) => !known.has(name)))
    for (const name of node.outputs) known.add(name)
  }
  return [...missing, ...outputs.map(({ name }) => name).filter((name) => !known.has(name))]
}

test.each([
  ['f16', 'float'],
  ['f16', 'float16'],
  ['int4', 'float'],
  ['int4', 'float16'],
] as const)('%s weights, %s in between: a connected graph', async (format, compute) => {
  const graph = await llamaOnnx({ ...config, weight_format: format }, weights, compute)
  expect(unconnected(graph)).toEqual([])
  const names = graph.tensors.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  expect(graph.nodes.filter(({ op }) => op === 'GroupQueryAttention')).toHaveLength(2)
  expect(graph.inputs.map(({ name }) => name).slice(0, 3)).toEqual(['input_ids', 'attention_mask', 'past_key_values.0.key'])
})

test('int4 codes and scales dequantise to what our kernels read; the int8 head is shifted by 128', async () => {
  const { tensors } = await llamaOnnx({ ...config, weight_format: 'int4' }, weights, 'float')
  const find = (name: RegExp) => {
    const tensor = tensors.find((one) => name.test(one.name))
    if (!tensor) throw new Error(`no ${String(name)}`)
    return tensor
  }
  const floats = ({ bytes }: { bytes: Uint8Array }): Float32Array => new Float32Array(bytes.slice().buffer)
  for (const [name, shape, bits] of [
    ['model.layers.1.mlp.down_proj.weight', [32, 64], 4],
    ['model.embed_tokens.weight', [64, 32], 8],
  ] as const) {
    const [codes, scales] = [find(new RegExp(`^${name}\\.codes`)), floats(find(new RegExp(`^${name}\\.scales`)))]
    const count = shape[0] * shape[1]
    // ONNX Runtime's contrib operators: (code − 2^(bits − 1)) · scale, low nibble first, blocks along K.
    const values = Float32Array.from({ length: count }, (_, i) => {
      const code = bits === 8 ? (codes.bytes[i] ?? 0) - 128 : (((codes.bytes[i >> 1] ?? 0) >> (4 * (i % 2))) & 15) - 8
      return code * (scales[Math.floor(i / 32)] ?? 0)
    })
    const format = bits === 8 ? 'int8' : 'int4'
    expect(values).toEqual(unpackWeights(packWeights(await weights.read(name, shape), format), count, format))
  }
  // The embedding of the graph has the values of the stored head.
  const table = floats(find(/^model\.embed_tokens\.weight$/))
  expect(table).toEqual(unpackWeights(packWeights(await weights.read('model.embed_tokens.weight', [64, 32]), 'int8'), 64 * 32, 'int8'))
})

test('f16 matrices are transposed', async () => {
  const { tensors } = await llamaOnnx({ ...config, weight_format: 'f16' }, weights, 'float16')
  const stored = tensors.find(({ name }) => name === 'model.layers.0.self_attn.k_proj.weight.T')
  expect(stored).toMatchObject({ type: 'float16', shape: [32, 16] })
  const values = float32FromF16(new Uint16Array(stored?.bytes.slice().buffer ?? new ArrayBuffer(0)))
  const original = await weights.read('model.layers.0.self_attn.k_proj.weight', [16, 32])
  expect(values[5 * 16 + 3]).toBeCloseTo(original[3 * 32 + 5] ?? Number.NaN, 3)
})

test('the file has ONNX’s fields', () => {
  const pieces = encodeOnnx({
    nodes: [
      { op: 'Cast', inputs: ['x'], outputs: ['y'], domain: 'd', attributes: { to: { int: 10 }, at: { int: -1 }, s: { float: 0.5 } } },
    ],
    tensors: [{ name: 'w', type: 'uint8', shape: [2, 1], bytes: Uint8Array.of(7, 200) }],
    inputs: [{ name: 'x', type: 'float', shape: ['batch_size', 3] }],
    outputs: [{ name: 'y', type: 'float16', shape: [] }],
  })
  const bytes = Uint8Array.from(pieces.flatMap((piece) => [...piece]))
  const read = (message: ProtobufMessage) => [...readFields(message)]
  const text = (message: ProtobufMessage): string => new TextDecoder().decode(message.bytes)
  const model = read({ file: 'model.onnx', bytes, at: 0 })
  expect(model.map(({ number }) => number)).toEqual([1, 2, 8, 8, 7])
  expect(model[0]?.varint).toBe(8n)
  const graph = read(model.at(-1)?.payload ?? { file: '', bytes, at: 0 })
  expect(graph.map(({ number }) => number)).toEqual([1, 2, 5, 11, 12])
  const [node, tensor, input] = [0, 2, 3].map((index) => graph[index]).map((field) => field && read(field.payload))
  expect(node?.filter(({ number }) => [1, 2, 4, 7].includes(number)).map(({ payload }) => text(payload))).toEqual(['x', 'y', 'Cast', 'd'])
  const attributes = node?.filter(({ number }) => number === 5).map(({ payload }) => read(payload)) ?? []
  // Name, value, type: INT is 2, FLOAT is 1; a negative number takes all 64 bits.
  expect(attributes.map((fields) => fields.at(-1)?.varint)).toEqual([2n, 2n, 1n])
  expect(attributes.map((fields) => fields[1]?.varint)).toEqual([10n, 2n ** 64n - 1n, 0n])
  expect(attributes[2]?.[1]).toMatchObject({ number: 2, wireType: 'fixed32' })
  expect(tensor?.map(({ number, varint }) => [number, varint]).slice(0, 3)).toEqual([
    [1, 2n],
    [1, 1n],
    [2, BigInt(ONNX.uint8)],
  ])
  expect([...(tensor?.at(-1)?.payload.bytes ?? [])]).toEqual([7, 200])
  expect(text(input?.[0]?.payload ?? { file: '', bytes, at: 0 })).toBe('x')
})
