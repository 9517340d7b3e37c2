/** SHA-256 (FIPS 180-4), synchronous: `crypto.subtle` is asynchronous and absent on insecure origins. */
import { sha256 as hasher } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'

export class Sha256 {
  readonly #hash = hasher.create()

  /** Adds bytes, or text as UTF-8. */
  update(data: Uint8Array | string): this {
    this.#hash.update(typeof data === 'string' ? new TextEncoder().encode(data) : data)
    return this
  }

  /** Lower-case hex. The object must not be used afterwards. */
  hex(): string {
    return bytesToHex(this.#hash.digest())
  }
}

/** The hash of bytes, or of text as UTF-8, in lower-case hex. */
export function sha256(data: Uint8Array | string): string {
  return new Sha256().update(data).hex()
}
