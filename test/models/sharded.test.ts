/** Weights in shards: equal to the single file, read in parts, and every disagreement of index and shards is one sentence. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { nodeFolder } from '../../src/cli/node/folder'
import { type ByteSource, folderFromFiles, folderFromMap, sourceFromBytes } from '../../src/models/weights/byteSource'
import { isPickleName, openModelWeights } from '../../src/models/weights/modelWeights'
import { openSafetensors } from '../../src/models/weights/safetensors'
import { writeSafetensors } from '../../src/models/weights/writeSafetensors'
import { goldenFolder, withHeader } from './files'
import { countedFolder, countedSource, encode, INDEX, shardedFiles, type Reads } from './shards'

const FIRST = 'model-00001-of-00002.safetensors'
const SECOND = 'model-00002-of-00002.safetensors'
const one = { shape: [1], data: Float32Array.of(1) }
const two = { shape: [2], data: Float32Array.of(1, 2), dtype: 'BF16' } as const

/** Two shards with one tensor each. */
function twoShards(weight_map: unknown = { a: FIRST, b: SECOND }): Map<string, Uint8Array> {
  return new Map([
    [FIRST, writeSafetensors({ a: one })],
    [SECOND, writeSafetensors({ b: two })],
    [INDEX, encode({ weight_map })],
  ])
}
const messageOf = async (files: Map<string, Uint8Array>): Promise<string> => {
  const outcome: unknown = await openModelWeights(folderFromMap('here', files)).catch((error: unknown) => error)
  return outcome instanceof Error && outcome.name === 'CheckpointError' ? outcome.message : 'opened'
}

describe('sharded weights', () => {
  it.each(['tiny_qwen2', 'tiny_llama3', 'tiny_qwen2_untied'])('of %s equal the single file', async (name) => {
    const { folder, reads } = countedFolder(name, await shardedFiles(name))
    const single = await openModelWeights(goldenFolder(name))
    const sharded = await openModelWeights(folder)
    expect(sharded.files).toHaveLength(3)
    const headerBytes = reads.bytes
    let largest = 0
    let total = 0
    for (const [tensor, { shape, byteLength }] of single.tensors) {
      expect(await sharded.float32(tensor, shape), tensor).toEqual(await single.float32(tensor, shape))
      largest = Math.max(largest, byteLength)
      total += byteLength
    }
    expect([...sharded.tensors.keys()].sort()).toEqual([...single.tensors.keys()].sort())
    // Each tensor once, nothing beside the headers and the index.
    expect(reads.bytes).toBe(headerBytes + total)
    expect(reads.largest).toBeLessThan(total / 4)
    expect(reads.largest).toBeGreaterThanOrEqual(largest)
  })

  it('are read from a directory and from picked files', async () => {
    const files = await shardedFiles('tiny_qwen2')
    const expected = await (await openModelWeights(goldenFolder('tiny_qwen2'))).float32('model.norm.weight')
    const directory = mkdtempSync(join(tmpdir(), 'hone-shards-'))
    for (const [name, bytes] of files) writeFileSync(join(directory, name), bytes)
    const onDisk = nodeFolder(directory)
    const picked = folderFromFiles(
      'picked',
      Array.from(files, ([name, bytes]) => new File([new Uint8Array(bytes)], name)),
    )
    for (const folder of [onDisk, picked])
      expect(await (await openModelWeights(folder)).float32('model.norm.weight', [32])).toEqual(expected)
    await onDisk.close()
    rmSync(directory, { recursive: true })
  })

  it('hold no large tensor twice: it is read in pieces of 16 MiB', async () => {
    // A file that is only imagined: 20 MiB of bf16 values that count upwards.
    const count = 10 << 20
    const header = withHeader({ big: { dtype: 'BF16', shape: [count], data_offsets: [0, count * 2] } }, 0)
    const value = (byte: number): number => ((byte >> 1) * 31 + byte) & 0x3f
    const imagined: ByteSource = {
      name: 'big.safetensors',
      size: header.length + count * 2,
      read: (offset, length) => {
        const bytes = new Uint8Array(length)
        for (let i = 0; i < length; i++) {
          const at = offset + i
          bytes[i] = at < header.length ? (header[at] ?? 0) : value(at - header.length)
        }
        return Promise.resolve(bytes)
      },
    }
    const reads: Reads = { bytes: 0, largest: 0 }
    const values = await (await openSafetensors(countedSource(imagined, reads), 'big.safetensors')).float32('big', [count])
    expect(reads.largest).toBe(16 << 20)
    const bits = new Uint32Array(values.buffer)
    for (const i of [0, 1, (8 << 20) - 1, 8 << 20, count - 1]) expect(bits[i]).toBe(((value(2 * i + 1) << 8) | value(2 * i)) << 16)
  })
})

describe('an index that does not fit its shards', () => {
  it.each([
    [
      'a missing shard',
      () => {
        const files = twoShards()
        files.delete(SECOND)
        return files
      },
      `here: file missing: ${SECOND}, which ${INDEX} names`,
    ],
    [
      'a tensor in two shards',
      () => twoShards().set(SECOND, writeSafetensors({ a: two, b: two })),
      `${SECOND}: tensor "a": expected in one file only, found in ${FIRST} (F32 [1]) too`,
    ],
    ['no tensors', () => twoShards({}), `${INDEX}: expected tensors in weight_map, found none`],
    ['no map', () => twoShards(3), `${INDEX}: expected {"weight_map": {tensor name: file name}}`],
    [
      'a way out of the folder',
      () => twoShards({ a: '../a.safetensors' }),
      `${INDEX}: expected plain file names that end in .safetensors, found "../a.safetensors"`,
    ],
    ['another kind of file', () => twoShards({ a: '..' }), `${INDEX}: expected plain file names that end in .safetensors, found ".."`],
    [
      'pickles',
      () => twoShards({ a: 'pytorch_model-00001-of-00002.bin' }),
      `${INDEX}: expected safetensors files, found pytorch_model-00001-of-00002.bin. Pickled weights can run code when opened, so Hone reads safetensors only; convert with \`model.save_pretrained(folder)\``,
    ],
    [
      'a shard that was cut off',
      () => twoShards().set(SECOND, writeSafetensors({ b: two }).slice(0, -1)),
      `${SECOND}: expected 100 bytes by its header, found 99; is the download complete?`,
    ],
  ])('is refused: %s', async (_, files, message) => {
    expect(await messageOf(files())).toBe(message)
  })

  it.each(['pytorch_model.bin', 'pytorch_model-00001-of-00003.bin', 'model.pt', 'consolidated.00.pth', 'last.CKPT'])(
    'and %s is no substitute',
    async (name) => {
      expect(await messageOf(new Map([[name, Uint8Array.of(0x80, 2)]]))).toBe(
        `here: expected model.safetensors, found ${name}. Pickled weights can run code when opened, so Hone reads safetensors only; convert with \`model.save_pretrained(folder)\``,
      )
      expect(isPickleName(name)).toBe(true)
      expect(isPickleName('model.safetensors')).toBe(false)
    },
  )

  it('says that nothing is there, and looks for the usual pickles where nothing can be listed', async () => {
    expect(await messageOf(new Map())).toBe(`here: file missing: expected model.safetensors or ${INDEX}`)
    const unlisted = {
      name: 'far',
      open: (file: string) => Promise.resolve(file === 'consolidated.00.pth' ? sourceFromBytes(new Uint8Array(4)) : null),
    }
    await expect(openModelWeights(unlisted)).rejects.toThrow('far: expected model.safetensors, found consolidated.00.pth. Pickled weights')
  })
})
