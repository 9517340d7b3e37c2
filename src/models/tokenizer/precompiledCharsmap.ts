/**
 * SentencePiece's `precompiled_charsmap`: u32 size of the trie, the trie (a double array as Darts-clone writes it), then the
 * replacements, each ended by a zero byte. At every place the longest rule that fits is taken, else one character is kept:
 * https://github.com/google/sentencepiece/blob/v0.2.1/src/normalizer.cc (`NormalizePrefix`). @huggingface/tokenizers 0.2.0 reads
 * no map: it approximates them all by NFKC.
 */
import { CheckpointError } from '../weights/byteSource'

/** text → text. Throws CheckpointError when the map's own offsets lead outside it. */
export function createCharsmapNormalizer(charsmap: Uint8Array, file: string): (text: string) => string {
  const wrong = (expected: string, found: string): CheckpointError =>
    new CheckpointError(`${file}: precompiled_charsmap: expected ${expected}, found ${found}`)
  const view = new DataView(charsmap.buffer, charsmap.byteOffset, charsmap.byteLength)
  const trieBytes = charsmap.length < 4 ? 0 : view.getUint32(0, true)
  if (trieBytes === 0 || trieBytes % 4 !== 0 || 4 + trieBytes > charsmap.length)
    throw wrong('a trie of whole 32-bit units within the map', `${trieBytes} bytes of trie in ${charsmap.length} bytes`)
  const units = Uint32Array.from({ length: trieBytes / 4 }, (_, i) => view.getUint32(4 + 4 * i, true))
  const replacements = charsmap.subarray(4 + trieBytes)

  const unitAt = (index: number): number => {
    const unit = units[index]
    if (unit === undefined) throw wrong(`a unit from 0 to ${units.length - 1}`, String(index))
    return unit
  }
  const replacementAt = (offset: number): Uint8Array => {
    const end = replacements.indexOf(0, offset)
    if (end === -1) throw wrong('a replacement ended by a zero byte', `none at byte ${offset} of ${replacements.length}`)
    return replacements.subarray(offset, end)
  }
  /** Length in bytes and replacement of the longest rule at `start`, or null. */
  const longestRule = (input: Uint8Array, start: number): { length: number; offset: number } | null => {
    let longest: { length: number; offset: number } | null = null
    let node = childrenOffset(unitAt(0))
    for (let i = start; i < input.length; i++) {
      const byte = input[i] ?? 0
      const unit = unitAt(node ^ byte)
      if ((unit & 0x800000ff) >>> 0 !== byte) break
      node = (node ^ byte ^ childrenOffset(unit)) >>> 0
      if ((unit >>> 8) & 1) longest = { length: i + 1 - start, offset: unitAt(node) & 0x7fffffff }
    }
    return longest
  }

  return (text) => {
    const input = new TextEncoder().encode(text)
    const out: number[] = []
    for (let at = 0; at < input.length;) {
      const rule = longestRule(input, at)
      const length = rule?.length ?? characterBytes(input[at] ?? 0)
      const kept = rule ? replacementAt(rule.offset) : input.subarray(at, at + length)
      for (const byte of kept) out.push(byte)
      at += length
    }
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(out))
  }
}

function childrenOffset(unit: number): number {
  return ((unit >>> 10) << ((unit & 0x200) >>> 6)) >>> 0
}

/** Bytes of the UTF-8 character that starts with this byte. */
function characterBytes(first: number): number {
  return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
}

export function base64FromBytes(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return btoa(text)
}

export function bytesFromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
}
