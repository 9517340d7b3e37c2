/** Training checkpoints in a directory: two slots written in turn, each with a checksum, so that a killed write leaves the older one whole. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { sha256 } from '../../base/sha256'
import type { CheckpointSink, TrainingCheckpoint } from '../../training/algorithm'

const header = z.object({
  version: z.literal(1),
  step: z.int().nonnegative(),
  state: z.record(z.string(), z.unknown()),
  arrays: z.array(z.object({ name: z.string(), length: z.int().nonnegative() })),
  sha256: z.string(),
})

export function fileCheckpoints(directory: string): CheckpointSink {
  mkdirSync(directory, { recursive: true })
  const path = (slot: number): string => join(directory, `checkpoint-${slot}.bin`)
  return {
    load: () => {
      const found = [0, 1].map((slot) => readSlot(path(slot))).filter((checkpoint) => checkpoint !== null)
      return Promise.resolve(found.sort((a, b) => b.step - a.step)[0] ?? null)
    },
    save: (checkpoint) => {
      const older = [0, 1].map((slot) => ({ slot, step: readSlot(path(slot))?.step ?? -1 })).sort((a, b) => a.step - b.step)[0]?.slot ?? 0
      const temporary = `${path(older)}.writing`
      writeFileSync(temporary, encode(checkpoint))
      renameSync(temporary, path(older))
      return Promise.resolve()
    },
  }
}

/** uint32 header length, JSON header, then the arrays' bytes. */
function encode(checkpoint: TrainingCheckpoint): Uint8Array {
  const arrays = Object.entries(checkpoint.arrays)
  const body = Buffer.concat(arrays.map(([, data]) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)))
  const head = Buffer.from(
    JSON.stringify({
      version: 1,
      step: checkpoint.step,
      state: checkpoint.state,
      arrays: arrays.map(([name, data]) => ({ name, length: data.length })),
      sha256: sha256(body),
    }),
  )
  const length = Buffer.alloc(4)
  length.writeUInt32LE(head.length)
  return Buffer.concat([length, head, body])
}

/** null for a slot that is missing or damaged. */
function readSlot(path: string): TrainingCheckpoint | null {
  try {
    const bytes = readFileSync(path)
    const headLength = bytes.readUInt32LE(0)
    const head = header.parse(JSON.parse(bytes.subarray(4, 4 + headLength).toString('utf8')))
    const body = bytes.subarray(4 + headLength)
    if (sha256(body) !== head.sha256) return null
    const arrays: Record<string, Float32Array> = {}
    let offset = 0
    for (const { name, length } of head.arrays) {
      arrays[name] = new Float32Array(body.buffer.slice(body.byteOffset + offset, body.byteOffset + offset + length * 4))
      offset += length * 4
    }
    return { step: head.step, state: head.state, arrays }
  } catch {
    // A slot that was never written or was cut off is no checkpoint; the other slot is.
    return null
  }
}
