/** IEEE binary16 and bfloat16 to and from f32, bit by bit. Source: IEEE 754-2019 §3.4; bfloat16 is the upper half of an f32. */

/** [n] bf16 bits → [n] f32, exact. */
export function float32FromBf16(bits: Uint16Array): Float32Array<ArrayBuffer> {
  const out = new Uint32Array(bits.length)
  for (let i = 0; i < bits.length; i++) out[i] = (bits[i] ?? 0) << 16
  return new Float32Array(out.buffer)
}

/** [n] f16 bits → [n] f32, exact (subnormals, infinities and NaN included). */
export function float32FromF16(bits: Uint16Array): Float32Array<ArrayBuffer> {
  const out = new Uint32Array(bits.length)
  for (let i = 0; i < bits.length; i++) {
    const h = bits[i] ?? 0
    const sign = (h & 0x8000) << 16
    const exponent = (h >> 10) & 31
    let fraction = h & 0x3ff
    if (exponent === 31) {
      out[i] = sign | 0x7f800000 | (fraction << 13)
    } else if (exponent > 0) {
      out[i] = sign | ((exponent + 112) << 23) | (fraction << 13)
    } else if (fraction === 0) {
      out[i] = sign
    } else {
      let shifted = 113
      while (!(fraction & 0x400)) {
        fraction <<= 1
        shifted--
      }
      out[i] = sign | (shifted << 23) | ((fraction & 0x3ff) << 13)
    }
  }
  return new Float32Array(out.buffer)
}

/** The same memory as u32. */
function bitsOf(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length)
}

/** [n] f32 → [n] bf16 bits, round to nearest even; NaN stays NaN. */
export function bf16FromFloat32(values: Float32Array): Uint16Array<ArrayBuffer> {
  const source = bitsOf(values)
  const out = new Uint16Array(source.length)
  for (let i = 0; i < source.length; i++) {
    const x = source[i] ?? 0
    const isNan = (x & 0x7fffffff) > 0x7f800000
    out[i] = isNan ? (x >>> 16) | 0x40 : (x + 0x7fff + ((x >>> 16) & 1)) >>> 16
  }
  return out
}

/** [n] f32 → [n] f16 bits, round to nearest even; above 65504 becomes infinity, NaN stays NaN. */
export function f16FromFloat32(values: Float32Array): Uint16Array<ArrayBuffer> {
  const source = bitsOf(values)
  const out = new Uint16Array(source.length)
  for (let i = 0; i < source.length; i++) {
    const x = source[i] ?? 0
    const sign = (x >>> 16) & 0x8000
    const magnitude = x & 0x7fffffff
    if (magnitude > 0x7f800000) {
      out[i] = sign | 0x7e00
    } else if (magnitude >= 0x47800000) {
      out[i] = sign | 0x7c00
    } else if (magnitude >= 0x38800000) {
      // Normal: rebias, then round the 13 dropped bits; a carry may run into the exponent, up to infinity.
      const rebiased = magnitude - 0x38000000
      out[i] = sign | ((rebiased + 0xfff + ((rebiased >>> 13) & 1)) >>> 13)
    } else {
      out[i] = sign | subnormalF16(magnitude)
    }
  }
  return out
}

/** f32 bits below 2^-14 → the nearest multiple of 2^-24. */
function subnormalF16(magnitude: number): number {
  const exponent = magnitude >>> 23
  if (exponent < 102) return 0
  const significand = (magnitude & 0x7fffff) | 0x800000
  const shift = 126 - exponent
  const kept = significand >>> shift
  const rest = significand & ((1 << shift) - 1)
  const half = 1 << (shift - 1)
  return rest > half || (rest === half && (kept & 1) === 1) ? kept + 1 : kept
}
