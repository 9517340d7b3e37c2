/**
 * Writing safetensors files, byte for byte as the Python library does: wider dtypes first, then by name, header padded with
 * spaces to 8 bytes. A file can be made whole (adapters) or in pieces (a merged model, one tensor in memory at a time).
 */
import { CheckpointError } from './byteSource'
import { bf16FromFloat32, f16FromFloat32 } from '../../base/halfFloat'
import { shapeText } from './safetensors'

export type WritableDtype = 'F32' | 'F16' | 'BF16'

export interface TensorToWrite {
  readonly shape: readonly number[]
  readonly data: Float32Array
  /** Stored dtype; values are rounded to nearest even. Default F32. */
  readonly dtype?: WritableDtype
}

/** A tensor whose values are produced when its turn comes. */
export interface PlannedTensor {
  readonly name: string
  readonly shape: readonly number[]
  readonly dtype: WritableDtype
}

/** The library's order of dtypes, widest first; among 16 bits bf16 comes first (Rust `Dtype: Ord`, reversed). */
const RANK = { F32: 0, BF16: 1, F16: 2 } as const
const BYTES = { F32: 4, BF16: 2, F16: 2 } as const

function compare(a: PlannedTensor, b: PlannedTensor): number {
  return RANK[a.dtype] - RANK[b.dtype] || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
}

/** The header's bytes and the order in which the tensors' bytes must follow it. */
function planSafetensors(
  tensors: readonly PlannedTensor[],
  metadata: Readonly<Record<string, string>> = { format: 'pt' },
): { header: Uint8Array<ArrayBuffer>; order: readonly PlannedTensor[]; totalBytes: number } {
  const order = [...tensors].sort(compare)
  const entries: [string, unknown][] = [['__metadata__', metadata]]
  let offset = 0
  const seen = new Set<string>()
  for (const { name, shape, dtype } of order) {
    if (name === '__metadata__' || seen.has(name)) throw new CheckpointError(`tensor name "${name}" cannot be written twice or is reserved`)
    seen.add(name)
    const end = offset + shape.reduce((product, extent) => product * extent, BYTES[dtype])
    entries.push([name, { dtype, shape, data_offsets: [offset, end] }])
    offset = end
  }
  // Not an object literal: integer-like names would be reordered.
  const json = `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`
  const text = new TextEncoder().encode(json)
  const padded = Math.ceil(text.length / 8) * 8
  const header = new Uint8Array(8 + padded).fill(0x20)
  new DataView(header.buffer).setBigUint64(0, BigInt(padded), true)
  header.set(text, 8)
  return { header, order, totalBytes: header.length + offset }
}

/** f32 values → the stored little-endian bytes. */
function encodeTensor(data: Float32Array, dtype: WritableDtype): Uint8Array {
  switch (dtype) {
    case 'F32':
      return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    case 'F16':
      return new Uint8Array(f16FromFloat32(data).buffer)
    case 'BF16':
      return new Uint8Array(bf16FromFloat32(data).buffer)
    default:
      return dtype satisfies never
  }
}

function checkLength(name: string, shape: readonly number[], length: number): void {
  const expected = shape.reduce((product, extent) => product * extent, 1)
  if (expected !== length) {
    throw new CheckpointError(`tensor "${name}": shape ${shapeText(shape)} needs ${expected} values, found ${length}`)
  }
}

/** A whole file in memory. Throws when a tensor's data does not fit its shape. */
export function writeSafetensors(
  tensors: Readonly<Record<string, TensorToWrite>>,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  const planned = Object.entries(tensors).map(([name, { shape, dtype = 'F32' }]) => ({ name, shape, dtype }))
  const { header, order, totalBytes } = planSafetensors(planned, metadata)
  const out = new Uint8Array(totalBytes)
  out.set(header)
  let offset = header.length
  for (const { name, shape, dtype } of order) {
    const data = tensors[name]?.data ?? new Float32Array(0)
    checkLength(name, shape, data.length)
    const bytes = encodeTensor(data, dtype)
    out.set(bytes, offset)
    offset += bytes.length
  }
  return out
}

/** A file in pieces: the header, then one tensor after another as `load` yields them. */
export async function* streamSafetensors(
  tensors: readonly PlannedTensor[],
  load: (name: string) => Promise<Float32Array>,
  metadata?: Readonly<Record<string, string>>,
): AsyncGenerator<Uint8Array> {
  const { header, order } = planSafetensors(tensors, metadata)
  yield header
  for (const { name, shape, dtype } of order) {
    const data = await load(name)
    checkLength(name, shape, data.length)
    yield encodeTensor(data, dtype)
  }
}
