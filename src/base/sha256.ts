/** SHA-256 (FIPS 180-4), synchronous: `crypto.subtle` is asynchronous and absent on insecure origins. */

// Words are kept signed: above 2³¹ an engine would hold them as floats, several times slower, and whole models pass through here.
function firstBits(root: (n: number) => number, count: number): Int32Array {
  const words = new Int32Array(count)
  let found = 0
  for (let n = 2; found < count; n++) {
    let prime = true
    for (let d = 2; d * d <= n; d++) if (n % d === 0) prime = false
    if (!prime) continue
    const value = root(n)
    words[found] = Math.floor((value - Math.floor(value)) * 2 ** 32)
    found += 1
  }
  return words
}

// The standard's constants are the fractional bits of prime roots; a double holds 32 of them exactly.
const INITIAL = firstBits(Math.sqrt, 8)
const ROUND = firstBits(Math.cbrt, 64)

const rotate = (x: number, n: number): number => (x >>> n) | (x << (32 - n))

export class Sha256 {
  readonly #state = Int32Array.from(INITIAL)
  /** What is left of the data so far, less than a block. */
  readonly #rest = new Uint8Array(64)
  #filled = 0
  #bytes = 0
  readonly #schedule = new Int32Array(64)

  update(data: Uint8Array | string): this {
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data
    this.#bytes += bytes.length
    let at = 0
    if (this.#filled > 0) {
      at = Math.min(64 - this.#filled, bytes.length)
      this.#rest.set(bytes.subarray(0, at), this.#filled)
      this.#filled += at
      if (this.#filled < 64) return this
      this.#compress(this.#rest, 64)
    }
    const whole = bytes.length - ((bytes.length - at) % 64)
    if (whole > at) this.#compress(bytes.subarray(at, whole), whole - at)
    this.#rest.set(bytes.subarray(whole))
    this.#filled = bytes.length - whole
    return this
  }

  /** Lower-case hex. The object must not be used afterwards. */
  hex(): string {
    const bits = this.#bytes * 8
    this.update(Uint8Array.of(0x80))
    while (this.#filled !== 56) this.update(Uint8Array.of(0))
    const length = new DataView(new ArrayBuffer(8))
    length.setUint32(0, Math.floor(bits / 2 ** 32))
    length.setUint32(4, bits >>> 0)
    this.update(new Uint8Array(length.buffer))
    return Array.from(this.#state, (word) => (word >>> 0).toString(16).padStart(8, '0')).join('')
  }

  /** `length`: of whole blocks, in bytes. */
  #compress(bytes: Uint8Array, length: number): void {
    const w = this.#schedule
    const state = this.#state
    for (let at = 0; at < length; at += 64) {
      for (let t = 0, p = at; t < 16; t++, p += 4)
        w[t] = ((bytes[p] ?? 0) << 24) | ((bytes[p + 1] ?? 0) << 16) | ((bytes[p + 2] ?? 0) << 8) | (bytes[p + 3] ?? 0)
      for (let t = 16; t < 64; t++) {
        const a = w[t - 15] ?? 0
        const b = w[t - 2] ?? 0
        const s0 = rotate(a, 7) ^ rotate(a, 18) ^ (a >>> 3)
        const s1 = rotate(b, 17) ^ rotate(b, 19) ^ (b >>> 10)
        w[t] = ((w[t - 16] ?? 0) + s0 + (w[t - 7] ?? 0) + s1) | 0
      }
      let a = state[0] ?? 0
      let b = state[1] ?? 0
      let c = state[2] ?? 0
      let d = state[3] ?? 0
      let e = state[4] ?? 0
      let f = state[5] ?? 0
      let g = state[6] ?? 0
      let h = state[7] ?? 0
      for (let t = 0; t < 64; t++) {
        const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
        const choose = (e & f) ^ (~e & g)
        const t1 = (h + s1 + choose + (ROUND[t] ?? 0) + (w[t] ?? 0)) | 0
        const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
        const majority = (a & b) ^ (a & c) ^ (b & c)
        const t2 = (s0 + majority) | 0
        h = g
        g = f
        f = e
        e = (d + t1) | 0
        d = c
        c = b
        b = a
        a = (t1 + t2) | 0
      }
      state[0] = (state[0] ?? 0) + a
      state[1] = (state[1] ?? 0) + b
      state[2] = (state[2] ?? 0) + c
      state[3] = (state[3] ?? 0) + d
      state[4] = (state[4] ?? 0) + e
      state[5] = (state[5] ?? 0) + f
      state[6] = (state[6] ?? 0) + g
      state[7] = (state[7] ?? 0) + h
    }
  }
}

export function sha256(data: Uint8Array | string): string {
  return new Sha256().update(data).hex()
}
