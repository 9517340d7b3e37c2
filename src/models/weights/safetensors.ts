/**
 * Reading safetensors files: 8-byte little-endian header length, JSON header, then the tensors' bytes without gaps.
 * Source: https://github.com/huggingface/safetensors#format. As strict as the Rust reader: a file it refuses is refused here.
 * Tensors are read one at a time (or in pieces), so a checkpoint larger than memory can be streamed to the GPU.
 */
import { z } from 'zod'
import { type ByteSource, CheckpointError, parseJson } from './byteSource'
import { float32FromBf16, float32FromF16 } from '../../base/halfFloat'

/** Bits per element of every dtype the format knows (safetensors 0.8). */
const BITS = {
  BOOL: 8, F4: 4, F6_E2M3: 6, F6_E3M2: 6, U8: 8, I8: 8, F8_E5M2: 8, F8_E4M3: 8, F8_E8M0: 8, F8_E4M3FNUZ: 8, F8_E5M2FNUZ: 8,
  I16: 16, U16: 16, F16: 16, BF16: 16, I32: 32, U32: 32, F32: 32, C64: 64, F64: 64, I64: 64, U64: 64,
} as const // prettier-ignore
export type SafetensorsDtype = keyof typeof BITS

const HEADER_LIMIT = 100_000_000
/** Largest single read of a tensor's values; a multiple of every dtype's width. */
const PIECE_BYTES = 16 << 20

const headerEntry = z.object({
  dtype: z.string(),
  shape: z.array(z.int().nonnegative()),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
})

export interface TensorInfo {
  readonly name: string
  readonly dtype: SafetensorsDtype
  readonly shape: readonly number[]
  /** The file that holds it. */
  readonly file: string
  readonly byteLength: number
}

/** Tensors of one file or of all shards of a checkpoint, read when asked for. */
export interface TensorSource {
  readonly tensors: ReadonlyMap<string, TensorInfo>
  readonly metadata: Readonly<Record<string, string>>
  /** The file names read from, in order. */
  readonly files: readonly string[]
  /** The tensor, after checking that it exists and (if given) has this shape. */
  info(name: string, shape?: readonly number[]): TensorInfo
  /** Raw little-endian bytes, all of them or a range within the tensor. */
  bytes(name: string, from?: number, length?: number): Promise<Uint8Array<ArrayBuffer>>
  /** Values as f32, row-major. `shape` is checked when given. I64/U64 beyond 2^53 lose precision, as in any f32. */
  float32(name: string, shape?: readonly number[]): Promise<Float32Array<ArrayBuffer>>
  /** Rows first … first + count of a matrix of this shape, decoded. */
  float32Rows(name: string, shape: readonly [number, number], first: number, count: number): Promise<Float32Array<ArrayBuffer>>
}

/** A model's weights as the engine takes them: matrices a block of rows at a time. */
export const readerOf = (
  source: TensorSource,
): {
  read(name: string, shape: readonly number[]): Promise<Float32Array>
  readRows(name: string, shape: readonly [number, number], first: number, count: number): Promise<Float32Array>
} => ({
  read: (name, shape) => source.float32(name, shape),
  readRows: (name, shape, first, count) => source.float32Rows(name, shape, first, count),
})

export function shapeText(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`
}

function isDtype(text: string): text is SafetensorsDtype {
  return Object.hasOwn(BITS, text)
}

export const PICKLE_ADVICE =
  'Pickled weights can run code when opened, so Hone reads safetensors only; convert with `model.save_pretrained(folder)`'

/** A hint when a file is something else that people pick by mistake; null when it may be safetensors. */
function foreignFormat(start: Uint8Array): string | null {
  const text = Array.from(start.subarray(0, 24), (byte) => String.fromCharCode(byte)).join('')
  if (text.startsWith('PK\x03\x04')) return `this is a PyTorch checkpoint (a zip of pickles). ${PICKLE_ADVICE}`
  // A header of 640, 896, 1152 … bytes begins like a pickle; its "{" tells them apart.
  if (start[0] === 0x80 && (start[1] ?? 0) >= 2 && (start[1] ?? 0) <= 5 && start[8] !== 0x7b)
    return `this is a Python pickle. ${PICKLE_ADVICE}`
  if (text.startsWith('GGUF')) return 'this is a GGUF file; expected the safetensors files of the original checkpoint'
  if (text.startsWith('version https://git-lfs')) return 'this is a Git LFS pointer, not the file itself; run `git lfs pull` in that folder'
  if (/^\s*<(!doctype|html)/i.test(text)) return 'this is a web page, not a checkpoint; the download may have needed a login'
  return null
}

interface Placed extends TensorInfo {
  /** Offset in the file. */
  readonly offset: number
}

/** Reads and checks the header. Throws CheckpointError naming the file, the tensor, what was expected and what was found. */
export async function openSafetensors(source: ByteSource, file: string): Promise<TensorSource> {
  const fail = (message: string): never => {
    throw new CheckpointError(`${file}: ${message}`)
  }
  const start = await source.read(0, Math.min(24, source.size))
  const hint = foreignFormat(start)
  if (hint) fail(hint)
  if (source.size < 8) fail(`expected a safetensors file of at least 8 bytes, found ${source.size}`)
  const headerLength = Number(new DataView(start.buffer, start.byteOffset).getBigUint64(0, true))
  if (headerLength > HEADER_LIMIT)
    fail(`expected a header of at most ${HEADER_LIMIT} bytes, found ${headerLength} (not a safetensors file?)`)
  if (headerLength + 8 > source.size)
    fail(`the header should have ${headerLength} bytes but the file ends after ${source.size - 8}; is the download complete?`)
  const headerBytes = await source.read(8, headerLength)
  if (headerBytes[0] !== 0x7b) fail('the header does not begin with "{" (not a safetensors file?)')
  const { metadata, tensors } = readHeader(headerBytes, file, 8 + headerLength)
  const end = checkLayout([...tensors.values()], file, 8 + headerLength)
  if (end !== source.size) {
    const why = end > source.size ? 'is the download complete?' : 'bytes after the last tensor are not allowed'
    fail(`expected ${end} bytes by its header, found ${source.size}; ${why}`)
  }
  return tensorSource(tensors, metadata, [file], () => source)
}

function readHeader(bytes: Uint8Array, file: string, dataStart: number) {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new CheckpointError(`${file}: the header is not UTF-8`)
  }
  const raw = z.record(z.string(), z.unknown()).safeParse(parseJson(text, `${file} (header)`))
  if (!raw.success) throw new CheckpointError(`${file}: the header is not a JSON object`)
  let metadata: Record<string, string> = {}
  const tensors = new Map<string, Placed>()
  for (const [name, value] of Object.entries(raw.data)) {
    if (name === '__metadata__') {
      const parsed = z.record(z.string(), z.string()).safeParse(value ?? {})
      if (!parsed.success) throw new CheckpointError(`${file}: __metadata__ should map strings to strings`)
      metadata = parsed.data
      continue
    }
    const at = `${file}: tensor "${name}"`
    const entry = headerEntry.safeParse(value)
    if (!entry.success) {
      throw new CheckpointError(`${at}: expected {dtype, shape, data_offsets} of non-negative integers, found ${JSON.stringify(value)}`)
    }
    const { dtype, shape, data_offsets } = entry.data
    if (!isDtype(dtype)) throw new CheckpointError(`${at}: unknown dtype ${dtype}; expected one of ${Object.keys(BITS).join(', ')}`)
    const byteLength = data_offsets[1] - data_offsets[0]
    const expected = shape.reduce((product, extent) => product * extent, BITS[dtype]) / 8
    if (expected !== byteLength) {
      throw new CheckpointError(`${at}: ${dtype} ${shapeText(shape)} needs ${expected} bytes, its data_offsets span ${byteLength}`)
    }
    tensors.set(name, { name, dtype, shape, file, byteLength, offset: dataStart + data_offsets[0] })
  }
  return { metadata, tensors }
}

/** Tensors must lie one after another: neither overlaps nor gaps. Returns where the last one ends. */
function checkLayout(tensors: Placed[], file: string, dataStart: number): number {
  tensors.sort((a, b) => a.offset - b.offset || a.byteLength - b.byteLength)
  let end = dataStart
  let previous = 'the header'
  for (const tensor of tensors) {
    if (tensor.offset !== end) {
      const what = tensor.offset < end ? 'overlaps' : `leaves ${tensor.offset - end} unused bytes after`
      throw new CheckpointError(
        `${file}: tensor "${tensor.name}" ${what} ${previous}: expected it to begin at byte ${end - dataStart} of the data, found ${tensor.offset - dataStart}`,
      )
    }
    end += tensor.byteLength
    previous = `"${tensor.name}"`
  }
  return end
}

function tensorSource(
  tensors: ReadonlyMap<string, Placed>,
  metadata: Record<string, string>,
  files: readonly string[],
  sourceOf: (file: string) => ByteSource,
): TensorSource {
  const find = (name: string, shape?: readonly number[]): Placed => {
    const tensor = tensors.get(name)
    const where = files.join(', ')
    if (!tensor) {
      const wanted = shape ? ` of shape ${shapeText(shape)}` : ''
      throw new CheckpointError(`${where}: tensor "${name}"${wanted} is missing; the file has ${describeNames([...tensors.keys()])}`)
    }
    if (shape && (shape.length !== tensor.shape.length || shape.some((extent, i) => extent !== tensor.shape[i]))) {
      throw new CheckpointError(`${tensor.file}: tensor "${name}": expected shape ${shapeText(shape)}, found ${shapeText(tensor.shape)}`)
    }
    return tensor
  }
  return {
    tensors,
    metadata,
    files,
    info: find,
    async bytes(name, from = 0, length) {
      const tensor = find(name)
      const count = length ?? tensor.byteLength - from
      if (from < 0 || count < 0 || from + count > tensor.byteLength) {
        throw new RangeError(`tensor "${name}" has ${tensor.byteLength} bytes; asked for ${count} at ${from}`)
      }
      return sourceOf(tensor.file).read(tensor.offset + from, count)
    },
    async float32Rows(name, shape, first, count) {
      const tensor = find(name, shape)
      const rowBytes = shape[1] * bytesOf(tensor)
      return decodeFloat32(await sourceOf(tensor.file).read(tensor.offset + first * rowBytes, count * rowBytes), tensor)
    },
    async float32(name, shape) {
      const tensor = find(name, shape)
      const source = sourceOf(tensor.file)
      if (tensor.byteLength <= PIECE_BYTES) return decodeFloat32(await source.read(tensor.offset, tensor.byteLength), tensor)
      // In pieces, so that beside the values no second copy of a large tensor is in memory.
      const out = new Float32Array(tensor.byteLength / bytesOf(tensor))
      for (let at = 0; at < tensor.byteLength; at += PIECE_BYTES) {
        const bytes = await source.read(tensor.offset + at, Math.min(PIECE_BYTES, tensor.byteLength - at))
        out.set(decodeFloat32(bytes, tensor), at / bytesOf(tensor))
      }
      return out
    },
  }
}

export function describeNames(names: readonly string[]): string {
  if (names.length === 0) return 'no tensors'
  const shown = names.slice(0, 3).join(', ')
  return `${names.length} tensors (${shown}${names.length > 3 ? ', …' : ''})`
}

/** Dtypes whose values are read; a tensor of another one is in the way only where the model needs it. */
const READ = ['BOOL', 'U8', 'I8', 'I16', 'U16', 'F16', 'BF16', 'I32', 'U32', 'F32', 'F64', 'I64', 'U64'] as const
type ReadDtype = (typeof READ)[number]

function readDtype({ file, name, dtype }: TensorInfo): ReadDtype {
  const found = READ.find((known) => known === dtype)
  if (found) return found
  const kind = dtype.startsWith('F') ? 'weights of fewer than 16 bits' : 'complex weights'
  throw new CheckpointError(`${file}: tensor "${name}" is ${dtype}: ${kind} are not supported; use the bf16 or f16 checkpoint`)
}

const bytesOf = (tensor: TensorInfo): number => BITS[readDtype(tensor)] / 8

/** Little-endian bytes of a tensor, or a part of it → f32. Every WebGPU host is little-endian. */
function decodeFloat32(bytes: Uint8Array<ArrayBuffer>, tensor: TensorInfo): Float32Array<ArrayBuffer> {
  const dtype = readDtype(tensor)
  const width = bytesOf(tensor)
  // Typed arrays need aligned starts; sources return fresh arrays, so this copy is rare.
  const { buffer, byteOffset } = bytes.byteOffset % width === 0 ? bytes : new Uint8Array(bytes)
  const count = bytes.byteLength / width
  switch (dtype) {
    case 'F32':
      return new Float32Array(buffer, byteOffset, count)
    case 'BF16':
      return float32FromBf16(new Uint16Array(buffer, byteOffset, count))
    case 'F16':
      return float32FromF16(new Uint16Array(buffer, byteOffset, count))
    case 'F64':
      return Float32Array.from(new Float64Array(buffer, byteOffset, count))
    case 'I64':
      return Float32Array.from(new BigInt64Array(buffer, byteOffset, count), Number)
    case 'U64':
      return Float32Array.from(new BigUint64Array(buffer, byteOffset, count), Number)
    case 'I32':
      return Float32Array.from(new Int32Array(buffer, byteOffset, count))
    case 'U32':
      return Float32Array.from(new Uint32Array(buffer, byteOffset, count))
    case 'I16':
      return Float32Array.from(new Int16Array(buffer, byteOffset, count))
    case 'U16':
      return Float32Array.from(new Uint16Array(buffer, byteOffset, count))
    case 'I8':
      return Float32Array.from(new Int8Array(buffer, byteOffset, count))
    case 'U8':
    case 'BOOL':
      return Float32Array.from(bytes)
    default:
      return dtype satisfies never
  }
}
