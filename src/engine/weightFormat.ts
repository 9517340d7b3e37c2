/**
 * How a matrix of weights is stored. `f32` as it is; `bf16` and `f16` two to a word; `int8` and `int4` as codes times a scale for each
 * group of 32 along the row (symmetric: code 0 is 0; QLoRA's frozen base, Dettmers 2023, with plain instead of normal-float levels).
 * Codes come first, scales (f16, two to a word) after them at a multiple of 256 bytes.
 */
import { bf16FromFloat32, f16FromFloat32, float32FromBf16, float32FromF16 } from '../base/halfFloat'

/** The formats in which a matrix of weights can be stored. */
export const WEIGHT_FORMATS = ['f32', 'bf16', 'f16', 'int8', 'int4'] as const
export type WeightFormat = (typeof WEIGHT_FORMATS)[number]
export type PackedFormat = Exclude<WeightFormat, 'f32'>

/** Weights along a row that share a scale. */
export const GROUP = 32
/** The largest code. −128 and −8 are not used, so that a weight and its negative are stored alike. */
export const TOP_CODE = { int8: 127, int4: 7 } as const
/** Scales below f16's normal range would be flushed to zero by some adapters. */
const LEAST_SCALE = 2 ** -14

const BITS: Readonly<Record<WeightFormat, number>> = { f32: 32, bf16: 16, f16: 16, int8: 8, int4: 4 }
/** Whether the format stores codes and scales. */
export const isInteger = (format: string): format is 'int8' | 'int4' => format === 'int8' || format === 'int4'
/** Whether several weights share a word of 32 bits. */
export const isPacked = (format: string): format is PackedFormat =>
  format !== 'f32' && (WEIGHT_FORMATS as readonly string[]).includes(format)

/** Whether rows of this length can be stored so: kernels take four weights at a time, scales belong to whole groups of a row. */
export const fits = (format: WeightFormat, rowLength: number): boolean => rowLength % (isInteger(format) ? GROUP : 4) === 0

const aligned = (bytes: number): number => Math.ceil(bytes / 256) * 256

/** Bytes of `count` weights in whole rows: codes, and scales after them. */
export function storageOf(
  format: WeightFormat,
  count: number,
): { readonly codes: number; readonly scales: number; readonly total: number } {
  const codes = Math.ceil((count * BITS[format]) / 32) * 4
  if (!isInteger(format)) return { codes, scales: 0, total: codes }
  const scales = Math.ceil(count / GROUP / 2) * 4
  return { codes: aligned(codes), scales, total: aligned(codes) + scales }
}

/** The byte ranges of rows first … first + count of a [rows, rowLength] matrix in its buffer. Both offsets are multiples of 256 if first is one of 128. */
export function rowsIn(
  format: WeightFormat,
  [rows, rowLength]: readonly [number, number],
  first: number,
  count: number,
): { readonly codes: { offset: number; size: number }; readonly scales: { offset: number; size: number } } {
  const codes = { offset: (first * rowLength * BITS[format]) / 8, size: storedBytes(count * rowLength * BITS[format]) }
  if (!isInteger(format)) return { codes, scales: codes }
  const start = storageOf(format, rows * rowLength).codes
  const scales = { offset: start + ((first * rowLength) / GROUP) * 2, size: Math.ceil((count * rowLength) / GROUP / 2) * 4 }
  return { codes, scales }
}
const storedBytes = (bits: number): number => Math.ceil(bits / 32) * 4

/** [rows · rowLength] values → the words of the buffer. The kernel `weights/pack` does the same on the GPU. */
export function packWeights(values: ArrayLike<number>, format: PackedFormat): Uint32Array<ArrayBuffer> {
  if (!isInteger(format)) {
    const half = (format === 'bf16' ? bf16FromFloat32 : f16FromFloat32)(Float32Array.from(values))
    const words = new Uint32Array(storageOf(format, values.length).total / 4)
    new Uint16Array(words.buffer).set(half)
    return words
  }
  const { codes, total } = storageOf(format, values.length)
  const words = new Uint32Array(total / 4)
  const top = TOP_CODE[format]
  const scales = new Float32Array(values.length / GROUP)
  for (let group = 0; group < scales.length; group++) {
    let most = 0
    for (let i = 0; i < GROUP; i++) most = Math.max(most, Math.abs(values[group * GROUP + i] ?? 0))
    scales[group] = most === 0 ? 0 : Math.max(most / top, LEAST_SCALE)
  }
  const stored = f16FromFloat32(scales)
  new Uint16Array(words.buffer, codes).set(stored)
  const scale = float32FromF16(stored)
  const perWord = 32 / BITS[format]
  for (let i = 0; i < values.length; i++) {
    const unit = scale[Math.floor(i / GROUP)] ?? 0
    const code = unit === 0 ? 0 : Math.max(-top, Math.min(top, roundHalfEven((values[i] ?? 0) / unit)))
    const bits = format === 'int4' ? code + 8 : code & 0xff
    const at = Math.floor(i / perWord)
    words[at] = ((words[at] ?? 0) | (bits << ((i % perWord) * BITS[format]))) >>> 0
  }
  return words
}

/** The values a kernel sees, exactly. */
export function unpackWeights(words: Uint32Array, count: number, format: PackedFormat): Float32Array {
  if (!isInteger(format)) {
    const half = new Uint16Array(words.buffer, words.byteOffset, count)
    return format === 'bf16' ? float32FromBf16(half) : float32FromF16(half)
  }
  const { codes } = storageOf(format, count)
  const scale = float32FromF16(new Uint16Array(words.buffer, words.byteOffset + codes, count / GROUP))
  const perWord = 32 / BITS[format]
  return Float32Array.from({ length: count }, (_, i) => {
    const bits = (words[Math.floor(i / perWord)] ?? 0) >>> ((i % perWord) * BITS[format])
    const code = format === 'int4' ? (bits & 15) - 8 : (bits << 24) >> 24
    return code * (scale[Math.floor(i / GROUP)] ?? 0)
  })
}

function roundHalfEven(value: number): number {
  const low = Math.floor(value)
  const rest = value - low
  return rest > 0.5 || (rest === 0.5 && low % 2 !== 0) ? low + 1 : low
}
