/**
 * The bytes of a checkpoint: uint32 header length · JSON header (step, state, names and lengths of the arrays), padded with spaces to four
 * bytes · the arrays, f32 little-endian. The code that stores it adds the checksum.
 */
import { z } from 'zod'
import type { TrainingCheckpoint } from './checkpoint'

const header = z.object({
  version: z.literal(1),
  step: z.int().nonnegative(),
  state: z.record(z.string(), z.unknown()),
  arrays: z.array(z.object({ name: z.string(), length: z.int().nonnegative() })),
})

export function encodeCheckpoint({ step, state, arrays }: TrainingCheckpoint): Uint8Array<ArrayBuffer> {
  const named = Object.entries(arrays)
  const json = JSON.stringify({ version: 1, step, state, arrays: named.map(([name, { length }]) => ({ name, length })) })
  const plain = new TextEncoder().encode(json)
  const head = Math.ceil(plain.length / 4) * 4
  const bytes = new Uint8Array(4 + head + named.reduce((sum, [, { byteLength }]) => sum + byteLength, 0))
  new DataView(bytes.buffer).setUint32(0, head, true)
  bytes.fill(32, 4, 4 + head)
  bytes.set(plain, 4)
  let offset = 4 + head
  for (const [, data] of named) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset)
    offset += data.byteLength
  }
  return bytes
}

/** Throws for bytes of another form or version. */
export function decodeCheckpoint(bytes: Uint8Array<ArrayBuffer>): TrainingCheckpoint {
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true)
  const { step, state, arrays: named } = header.parse(JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length))))
  const arrays: Record<string, Float32Array> = {}
  let offset = bytes.byteOffset + 4 + length
  for (const { name, length: count } of named) {
    if (offset + count * 4 > bytes.byteOffset + bytes.length) throw new Error(`the checkpoint ends within its ${name}`)
    arrays[name] = new Float32Array(bytes.buffer.slice(offset, offset + count * 4))
    offset += count * 4
  }
  return { step, state, arrays }
}
