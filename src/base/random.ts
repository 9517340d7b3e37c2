/**
 * Philox 4x32-10 (Salmon et al., SC 2011): a counter-based generator. Every seed in Hone goes through it, so a draw
 * depends on its key and position alone, never on what was drawn before it elsewhere.
 */

export type PhiloxCounter = readonly [number, number, number, number]
export type PhiloxKey = readonly [number, number]

const MULTIPLIER_0 = 0xd2511f53
const MULTIPLIER_1 = 0xcd9e8d57
const WEYL_0 = 0x9e3779b9
const WEYL_1 = 0xbb67ae85

/** High word of a 32 × 32 bit product, without BigInt. */
function mulHigh(a: number, b: number): number {
  const aLow = a & 0xffff
  const aHigh = a >>> 16
  const bLow = b & 0xffff
  const bHigh = b >>> 16
  const low = aLow * bLow
  const middle = aHigh * bLow + (low >>> 16)
  const cross = aLow * bHigh + (middle % 0x10000)
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(cross / 0x10000)) >>> 0
}

export function philox4x32(counter: PhiloxCounter, key: PhiloxKey): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter
  let [k0, k1] = key
  for (let round = 0; round < 10; round++) {
    const high0 = mulHigh(MULTIPLIER_0, c0)
    const low0 = Math.imul(MULTIPLIER_0, c0)
    const high1 = mulHigh(MULTIPLIER_1, c2)
    const low1 = Math.imul(MULTIPLIER_1, c2)
    c0 = (high1 ^ c1 ^ k0) >>> 0
    c1 = low1 >>> 0
    c2 = (high0 ^ c3 ^ k1) >>> 0
    c3 = low0 >>> 0
    k0 = (k0 + WEYL_0) >>> 0
    k1 = (k1 + WEYL_1) >>> 0
  }
  return [c0, c1, c2, c3]
}

export interface Rng {
  /** 32 random bits as an unsigned integer. */
  uint32(): number
  /** Uniform in [0, 1), 24 bits. */
  uniform(): number
  /** Uniform integer in [0, below). */
  int(below: number): number
  chance(probability: number): boolean
  pick<T>(items: readonly T[]): T
  /** A new array in random order (Fisher–Yates). */
  shuffle<T>(items: readonly T[]): T[]
  /** Standard normal (Box–Muller, one draw per call). */
  normal(): number
}

/** A stream of draws named by a seed and up to three stream numbers. Seeds up to 2^53 keep all their bits. */
export function createRng(seed: number, ...stream: readonly number[]): Rng {
  if (!Number.isSafeInteger(seed)) throw new RangeError(`seed must be an integer, found ${seed}`)
  if (stream.length > 3) throw new RangeError(`at most three stream numbers, found ${stream.length}`)
  const key: PhiloxKey = [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0]
  const [s0 = 0, s1 = 0, s2 = 0] = stream
  let block = 0
  let words: readonly number[] = []
  let used = 4

  const uint32 = (): number => {
    if (used === 4) {
      words = philox4x32([block, s0 >>> 0, s1 >>> 0, s2 >>> 0], key)
      block += 1
      used = 0
    }
    const word = words[used] ?? 0
    used += 1
    return word
  }
  const uniform = (): number => (uint32() >>> 8) / 2 ** 24
  const int = (below: number): number => {
    if (!(below >= 1)) throw new RangeError(`int(below) needs below ≥ 1, found ${below}`)
    // 53 bits: the bias of a plain modulo would be visible only above 2^21 outcomes.
    return Math.floor(((uint32() * 2 ** 21 + (uint32() >>> 11)) / 2 ** 53) * below)
  }
  return {
    uint32,
    uniform,
    int,
    chance: (probability) => uniform() < probability,
    pick<T>(items: readonly T[]): T {
      if (items.length === 0) throw new RangeError('pick from an empty list')
      const item = items[int(items.length)]
      if (item === undefined) throw new RangeError('picked an undefined item')
      return item
    },
    shuffle<T>(items: readonly T[]): T[] {
      const out = [...items]
      for (let i = out.length - 1; i > 0; i--) {
        const j = int(i + 1)
        const a = out[i]
        const b = out[j]
        if (a === undefined || b === undefined) continue
        out[i] = b
        out[j] = a
      }
      return out
    },
    normal() {
      const radius = Math.sqrt(-2 * Math.log(1 - uniform()))
      return radius * Math.cos(2 * Math.PI * uniform())
    },
  }
}
