/** Just enough of ONNX's protobuf (onnx.proto3) to write a model: graph, nodes, attributes and tensors as raw bytes. */

export const ONNX = { float: 1, uint8: 2, int32: 6, int64: 7, float16: 10 } as const
export type OnnxType = keyof typeof ONNX

export type OnnxAttribute = { readonly int: number } | { readonly float: number } | { readonly ints: readonly number[] }

export interface OnnxNode {
  readonly op: string
  /** An empty name leaves an optional input out. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /** Microsoft's operators are `com.microsoft`. */
  readonly domain?: string
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>
}

export interface OnnxTensor {
  readonly name: string
  readonly type: OnnxType
  readonly shape: readonly number[]
  readonly bytes: Uint8Array
}

/** A graph's input or output; a named dimension is open. */
export interface OnnxValue {
  readonly name: string
  readonly type: OnnxType
  readonly shape: readonly (number | string)[]
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[]
  readonly tensors: readonly OnnxTensor[]
  readonly inputs: readonly OnnxValue[]
  readonly outputs: readonly OnnxValue[]
}

const IR_VERSION = 8
/** Operator sets: 17 has everything used here; the other domain has one version. */
const OPSETS = [
  ['', 17],
  ['com.microsoft', 1],
] as const

/** The file as pieces to be written one after another: large tensors are not copied together. */
export function encodeOnnx(graph: OnnxGraph): Uint8Array[] {
  const body = [
    ...graph.nodes.map((node) => message(1, encodeNode(node))),
    message(2, text('decoder')),
    ...graph.tensors.map((tensor) => message(5, encodeTensor(tensor))),
    ...graph.inputs.map((value) => message(11, encodeValue(value))),
    ...graph.outputs.map((value) => message(12, encodeValue(value))),
  ]
  return [
    varintField(1, IR_VERSION),
    message(2, text('hone')),
    ...OPSETS.map(([domain, version]) => message(8, [message(1, text(domain)), varintField(2, version)])),
    message(7, body),
  ].flatMap(flat)
}

/** Bytes, or a message of them. */
type Piece = Uint8Array | readonly Piece[]
const flat = (piece: Piece): Uint8Array[] => (piece instanceof Uint8Array ? [piece] : piece.flatMap(flat))
const lengthOf = (piece: Piece): number =>
  piece instanceof Uint8Array ? piece.length : piece.reduce((sum, part) => sum + lengthOf(part), 0)

function varint(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  do {
    const low = Number(rest & 127n)
    rest >>= 7n
    bytes.push(rest > 0n ? low | 128 : low)
  } while (rest > 0n)
  return Uint8Array.from(bytes)
}
const varintField = (field: number, value: number): Uint8Array => Uint8Array.from([...varint(field << 3), ...varint(value)])
const message = (field: number, body: Piece): Piece => [varint((field << 3) | 2), varint(lengthOf(body)), body]
const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const floatField = (field: number, value: number): Piece => [varint((field << 3) | 5), new Uint8Array(Float32Array.of(value).buffer)]

function encodeNode({ op, inputs, outputs, domain, attributes }: OnnxNode): Piece {
  return [
    ...inputs.map((name) => message(1, text(name))),
    ...outputs.map((name) => message(2, text(name))),
    message(3, text(outputs[0] ?? op)),
    message(4, text(op)),
    ...Object.entries(attributes ?? {}).map(([name, value]) => message(5, encodeAttribute(name, value))),
    ...(domain === undefined ? [] : [message(7, text(domain))]),
  ]
}

function encodeAttribute(name: string, value: OnnxAttribute): Piece {
  const [body, type]: [Piece, number] =
    'int' in value
      ? [varintField(3, value.int), 2]
      : 'float' in value
        ? [floatField(2, value.float), 1]
        : [value.ints.map((one) => varintField(8, one)), 7]
  return [message(1, text(name)), body, varintField(20, type)]
}

function encodeTensor({ name, type, shape, bytes }: OnnxTensor): Piece {
  return [...shape.map((size) => varintField(1, size)), varintField(2, ONNX[type]), message(8, text(name)), message(9, bytes)]
}

function encodeValue({ name, type, shape }: OnnxValue): Piece {
  const dimensions = shape.map((size) => message(1, typeof size === 'number' ? varintField(1, size) : message(2, text(size))))
  return [message(1, text(name)), message(2, message(1, [varintField(1, ONNX[type]), message(2, dimensions)]))]
}
