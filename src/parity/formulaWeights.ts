/**
 * Weights of any size without a file: each value from its position by a formula that test/golden/qlora_slices.py has too. In 4 bits
 * (embedding and head: 8) in groups of 32 every value has one nearest code, at least a quarter of a step from the next, so that a
 * reference may compute with what the codes stand for.
 */
import { GROUP, TOP_CODE } from '../engine/weightFormat'
import type { WeightReader } from '../models/languageModel'

/** The avalanche of MurmurHash3, as an unsigned number. */
export function mix(value: number): number {
  let x = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return (x ^ (x >>> 16)) >>> 0
}

/** FNV-1a of a name, mixed. */
export function streamOf(name: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193)
  return mix(hash)
}

const nearestPower = (x: number): number => 2 ** Math.floor(Math.log2(x) + 0.5)
const isByte = (name: string): boolean => name.includes('embed_tokens') || name.includes('lm_head')
const SHIFTS = [0, 0.25, -0.25, 0] as const

/** Rows first … first + count of a matrix whose rows are whole groups. */
function matrixRows(name: string, [, width]: readonly [number, number], first: number, count: number): Float32Array {
  const own = streamOf(name)
  const ofGroups = mix(own ^ 1)
  const top = isByte(name) ? TOP_CODE.int8 : TOP_CODE.int4
  const codes = 2 * top + 1
  const deviation = name.includes('embed_tokens') ? 0.05 : 1 / Math.sqrt(width)
  // A uniform code of ±top has a deviation of (2 top + 1) / √12, a scale is 4 to 7 units.
  const unit = nearestPower(deviation / ((5.5 * codes) / Math.sqrt(12)))
  const values = new Float32Array(count * width)
  for (let at = 0; at < values.length; at += GROUP) {
    const start = first * width + at
    const group = mix((start / GROUP) ^ ofGroups)
    const scale = (4 + (group & 3)) * unit
    // One of each group is as large as codes get: it makes the scale.
    const largest = (group >>> 8) & 31
    for (let i = 0; i < GROUP; i++) {
      const h = mix((start + i) ^ own)
      const code = i === largest ? ((group >>> 13) & 1 ? top : -top) : (h % codes) - top
      const shift = code === top || code === -top ? 0 : (SHIFTS[(h >>> 8) & 3] ?? 0)
      values[at + i] = (code + shift) * scale
    }
  }
  return values
}

/** Gains around 1, biases within ±1/8. */
function vector(name: string, size: number): Float32Array {
  const own = streamOf(name)
  const valueOf: (h: number) => number = name.endsWith('norm.weight')
    ? (h) => 1 + ((h >>> 24) - 128) / 512
    : (h) => ((h >>> 20) - 2048) / 2 ** 14
  return Float32Array.from({ length: size }, (_, i) => valueOf(mix(i ^ own)))
}

export const formulaWeights: WeightReader = {
  read: (name, shape) => {
    const [size = 0, width] = shape
    return Promise.resolve(width === undefined ? vector(name, size) : matrixRows(name, [size, width], 0, size))
  },
  readRows: (name, shape, first, count) => Promise.resolve(matrixRows(name, shape, first, count)),
}

/** Uniform: A of ±1/√in, B a quarter of ±1/√r, to the nearest power of two. */
export function formulaLora(name: string, [rows = 0, width = 1]: readonly number[]): Float32Array {
  const own = streamOf(name)
  const bound = nearestPower(1 / Math.sqrt(width)) * (name.includes('.lora_A.') ? 1 : 0.25)
  return Float32Array.from({ length: rows * width }, (_, i) => ((mix(i ^ own) >>> 8) - 2 ** 23) * (bound / 2 ** 23))
}
