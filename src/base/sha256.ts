/** SHA-256 (FIPS 180-4), synchronous: `crypto.subtle` is asynchronous and absent on insecure origins. */

function firstBits(root: (n: number) => number, count: number): Uint32Array {
  const words = new Uint32Array(count)
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
  #state = Uint32Array.from(INITIAL)
  #block = new Uint8Array(64)
  #filled = 0
  #bytes = 0
  #schedule = new Uint32Array(64)

  update(data: Uint8Array | string): this {
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data
    this.#bytes += bytes.length
    let at = 0
    while (at < bytes.length) {
      const take = Math.min(64 - this.#filled, bytes.length - at)
      this.#block.set(bytes.subarray(at, at + take), this.#filled)
      this.#filled += take
      at += take
      if (this.#filled === 64) {
        this.#compress()
        this.#filled = 0
      }
    }
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
    return Array.from(this.#state, (word) => word.toString(16).padStart(8, '0')).join('')
  }

  #compress(): void {
    const w = this.#schedule
    const view = new DataView(this.#block.buffer)
    for (let t = 0; t < 16; t++) w[t] = view.getUint32(t * 4)
    for (let t = 16; t < 64; t++) {
      const a = w[t - 15] ?? 0
      const b = w[t - 2] ?? 0
      const s0 = rotate(a, 7) ^ rotate(a, 18) ^ (a >>> 3)
      const s1 = rotate(b, 17) ^ rotate(b, 19) ^ (b >>> 10)
      w[t] = ((w[t - 16] ?? 0) + s0 + (w[t - 7] ?? 0) + s1) | 0
    }
    let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = this.#state
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
    const sum = [a, b, c, d, e, f, g, h]
    for (let i = 0; i < 8; i++) this.#state[i] = (this.#state[i] ?? 0) + (sum[i] ?? 0)
  }
}

export function sha256(data: Uint8Array | string): string {
  return new Sha256().update(data).hex()
}
