import { open, stat } from 'node:fs/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bf16FromFloat32, f16FromFloat32, float32FromBf16, float32FromF16 } from '../../src/base/halfFloat'
import { folderFromMap, sourceFromBlob, sourceFromBytes, sourceFromHandle } from '../../src/models/weights/byteSource'
import { createHttpClient } from '../../src/models/weights/httpClient'
import { openUrl } from '../../src/models/weights/httpSource'
import { openModelWeights } from '../../src/models/weights/modelWeights'
import { openSafetensors } from '../../src/models/weights/safetensors'
import { streamSafetensors, type TensorToWrite, writeSafetensors } from '../../src/models/weights/writeSafetensors'
import { goldenBytes, openBytes, openGolden, withHeader } from './files'
import { countedSource, type Reads } from './shards'

describe('openSafetensors', () => {
  it('reads every dtype as torch converts it to float32', async () => {
    const file = await openGolden('dtypes.safetensors')
    const expected = await openGolden('dtypes_f32.safetensors')
    expect(file.metadata).toEqual({ note: 'é' })
    expect([...file.tensors.keys()].sort()).toEqual([...expected.tensors.keys()].sort())
    for (const [name, { shape }] of expected.tensors) {
      expect(await file.float32(name, shape), name).toEqual(await expected.float32(name))
    }
  })

  it('reads a tensor in pieces, and only that tensor', async () => {
    const bytes = goldenBytes('tiny_qwen2/model.safetensors')
    const reads: Reads = { bytes: 0, largest: 0 }
    const file = await openSafetensors(countedSource(sourceFromBytes(bytes), reads), 'model.safetensors')
    const name = 'model.embed_tokens.weight'
    const all = await file.bytes(name)
    const part = await file.bytes(name, 128, 64)
    expect(part).toEqual(all.slice(128, 192))
    expect(reads.largest).toBeLessThan(bytes.length / 2)
    await expect(file.bytes(name, all.length - 1, 2)).rejects.toThrow('12288 bytes; asked for 2 at 12287')
  })

  it('names the file, the tensor and both shapes', async () => {
    const file = await openGolden('tiny_qwen2/model.safetensors')
    await expect(file.float32('model.norm.weight', [64])).rejects.toThrow(
      'tiny_qwen2/model.safetensors: tensor "model.norm.weight": expected shape [64], found [32]',
    )
    await expect(file.float32('lm_head.weight', [96, 32])).rejects.toThrow(
      'tensor "lm_head.weight" of shape [96, 32] is missing; the file has 26 tensors (',
    )
    expect(() => file.info('model.norm.weight', [1, 32])).toThrow('expected shape [1, 32], found [32]')
  })

  const f32 = (shape: number[], from: number, to: number) => ({ dtype: 'F32', shape, data_offsets: [from, to] })
  it.each([
    ['too short', Uint8Array.of(1, 2, 3), 'at least 8 bytes, found 3'],
    ['header past the end', Uint8Array.of(200, 0, 0, 0, 0, 0, 0, 0, 0x7b), 'header should have 200 bytes but the file ends after 1'],
    ['absurd header', new Uint8Array(8).fill(255), 'expected a header of at most 100000000 bytes'],
    ['no JSON', withHeader('{"a": ', 0), 'not valid JSON'],
    ['no object', withHeader('[]      ', 0), 'does not begin with "{"'],
    ['not UTF-8', withHeader('{"a":1}', 0).map((byte, i) => (i === 10 ? 0xff : byte)), 'not UTF-8'],
    ['metadata of numbers', withHeader({ __metadata__: { a: 1 } }, 0), '__metadata__ should map strings'],
    ['malformed entry', withHeader({ a: { dtype: 'F32' } }, 0), 'tensor "a": expected {dtype, shape, data_offsets}'],
    ['negative extent', withHeader({ a: f32([-1], 0, 4) }, 4), 'tensor "a": expected {dtype, shape, data_offsets}'],
    [
      'unknown dtype',
      withHeader({ a: { dtype: 'F12', shape: [1], data_offsets: [0, 4] } }, 4),
      'tensor "a": unknown dtype F12; expected one of BOOL',
    ],
    ['length against shape', withHeader({ a: f32([3], 0, 8) }, 8), 'tensor "a": F32 [3] needs 12 bytes, its data_offsets span 8'],
    [
      'overlap',
      withHeader({ a: f32([2], 0, 8), b: f32([1], 4, 8) }, 8),
      'tensor "b" overlaps "a": expected it to begin at byte 8 of the data, found 4',
    ],
    ['gap', withHeader({ a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12), 'tensor "b" leaves 4 unused bytes after "a"'],
    ['truncated', withHeader({ a: f32([2], 0, 8) }, 5), 'found 67; is the download complete?'],
    ['trailing bytes', withHeader({ a: f32([2], 0, 8) }, 9), 'bytes after the last tensor are not allowed'],
    ['zip pickle', new TextEncoder().encode('PK\x03\x04archive/data.pkl'), 'PyTorch checkpoint (a zip of pickles)'],
    ['pickle', Uint8Array.of(0x80, 2, 0x7d, 0x71, 0, 0x2e, 0, 0, 0), 'Python pickle. Pickled weights can run code'],
    ['gguf', new TextEncoder().encode('GGUF\x03\0\0\0'), 'GGUF'],
    ['git lfs', new TextEncoder().encode('version https://git-lfs.github.com/spec/v1\n'), 'Git LFS pointer'],
    ['web page', new TextEncoder().encode('<!DOCTYPE html><title>'), 'web page'],
  ])('refuses: %s', async (_, bytes, message) => {
    await expect(openBytes(bytes)).rejects.toThrow(message)
    await expect(openBytes(bytes)).rejects.toThrow('a.safetensors')
  })

  it('takes a file whose header length looks like the start of a pickle', async () => {
    const bytes = withHeader(JSON.stringify({ __metadata__: { note: '' }, a: f32([1], 0, 4) }).padEnd(0x0380), 4)
    expect([bytes[0], bytes[1]]).toEqual([0x80, 3])
    expect((await openBytes(bytes)).tensors.has('a')).toBe(true)
  })

  it('refuses 8-bit floats when they are decoded, not before', async () => {
    const file = await openBytes(withHeader({ a: { dtype: 'F8_E4M3', shape: [4], data_offsets: [0, 4] } }, 4))
    expect(await file.bytes('a')).toHaveLength(4)
    await expect(file.float32('a')).rejects.toThrow('weights of fewer than 16 bits are not supported')
  })

  it('survives any damage to a real file with a CheckpointError', async () => {
    const original = goldenBytes('dtypes.safetensors')
    await fc.assert(
      fc.asyncProperty(fc.nat(original.length - 1), fc.nat(255), fc.nat(original.length), async (at, value, length) => {
        const bytes = original.slice(0, length)
        if (at < length) bytes[at] = value
        const outcome = await openBytes(bytes).catch((error: unknown) => error)
        if (outcome instanceof Error) expect(outcome.name).toBe('CheckpointError')
      }),
      { numRuns: 300 },
    )
  })
})

describe('byte sources', () => {
  const bytes = goldenBytes('tiny_qwen2/model.safetensors')
  /** `sleep` ends at once: no test waits. */
  const fetched = async (fetch: () => Response) =>
    (await openUrl('https://x/y', createHttpClient({ fetch: () => Promise.resolve(fetch()), sleep: () => Promise.resolve() })))?.source

  it('give the same tensors from a Blob, a Node handle and a server without ranges', async () => {
    const path = new URL('../golden/tiny_qwen2/model.safetensors', import.meta.url)
    const handle = await open(path)
    const sources = [
      sourceFromBytes(bytes.buffer),
      sourceFromBlob(new Blob([bytes])),
      sourceFromHandle(handle, (await stat(path)).size),
      await fetched(() => new Response(bytes)),
    ]
    const expected = await (await openBytes(bytes)).float32('model.norm.weight')
    for (const source of sources) {
      if (!source) throw new Error('no source')
      expect(source.size).toBe(bytes.length)
      const file = await openSafetensors(source, 'model.safetensors')
      expect(await file.float32('model.norm.weight', [32])).toEqual(expected)
      await expect(source.read(bytes.length - 2, 3)).rejects.toThrow('outside a source')
    }
    await handle.close()
  })

  it('tell absent from broken', async () => {
    expect(await fetched(() => new Response(null, { status: 404 }))).toBeUndefined()
    const page = () => new Response('<!doctype html>', { headers: { 'content-type': 'text/html;charset=utf-8' } })
    expect(await fetched(page)).toBeUndefined()
    await expect(fetched(() => new Response(null, { status: 503 }))).rejects.toThrow(
      'https://x/y: the server answered 503, 5 times in a row',
    )
  })
})

describe('writeSafetensors', () => {
  it.each(['tiny_qwen2/model.safetensors', 'tiny_qwen2_lora.safetensors', 'rounding.safetensors'])(
    'writes %s byte for byte as Python does',
    async (path) => {
      const file = await openGolden(path)
      const tensors: Record<string, TensorToWrite> = {}
      for (const [name, { shape, dtype }] of file.tensors) {
        if (dtype !== 'F32' && dtype !== 'F16' && dtype !== 'BF16') throw new Error(dtype)
        tensors[name] = { shape, dtype, data: await file.float32(name) }
      }
      expect(writeSafetensors(tensors, file.metadata)).toEqual(goldenBytes(path))
      const pieces: Uint8Array[] = []
      const planned = [...file.tensors.keys()].map((name) => ({
        name,
        shape: tensors[name]?.shape ?? [],
        dtype: tensors[name]?.dtype ?? 'F32',
      }))
      for await (const piece of streamSafetensors(planned, (name) => file.float32(name))) pieces.push(piece)
      expect(new Uint8Array(await new Blob(pieces.map((piece) => new Uint8Array(piece))).arrayBuffer())).toEqual(goldenBytes(path))
    },
  )

  it('refuses data that does not fit its shape', () => {
    expect(() => writeSafetensors({ a: { shape: [2, 2], data: new Float32Array(3) } })).toThrow(
      'tensor "a": shape [2, 2] needs 4 values, found 3',
    )
  })

  it('round-trips any names and shapes', async () => {
    const shape = fc.array(fc.nat(4), { maxLength: 3 })
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string({ unit: 'grapheme', minLength: 1 }), shape, { maxKeys: 6 }), async (shapes) => {
        delete shapes.__metadata__
        const tensors: Record<string, TensorToWrite> = {}
        for (const [name, dims] of Object.entries(shapes)) {
          tensors[name] = { shape: dims, data: Float32Array.from({ length: dims.reduce((n, d) => n * d, 1) }, (_, i) => i / 3) }
        }
        const file = await openBytes(writeSafetensors(tensors))
        expect(file.tensors.size).toBe(Object.keys(tensors).length)
        for (const [name, tensor] of Object.entries(tensors)) expect(await file.float32(name, tensor.shape)).toEqual(tensor.data)
      }),
      { numRuns: 60 },
    )
  })
})

describe('half floats', () => {
  it('round as torch rounds', async () => {
    const file = await openGolden('rounding.safetensors')
    const values = await file.float32('values')
    const bits = async (name: string) => new Uint16Array((await file.bytes(name)).buffer)
    const withoutNan = (array: Uint16Array) => array.subarray(0, -1)
    expect(withoutNan(f16FromFloat32(values))).toEqual(withoutNan(await bits('as_f16')))
    expect(withoutNan(bf16FromFloat32(values))).toEqual(withoutNan(await bits('as_bf16')))
    expect(Number.isNaN(float32FromF16(f16FromFloat32(values)).at(-1))).toBe(true)
    expect(Number.isNaN(float32FromBf16(bf16FromFloat32(values)).at(-1))).toBe(true)
  })

  it('return every 16-bit pattern unchanged', () => {
    const all = Uint16Array.from({ length: 65536 }, (_, i) => i)
    const f16 = f16FromFloat32(float32FromF16(all))
    const bf16 = bf16FromFloat32(float32FromBf16(all))
    const isNan = (bits: number, infinity: number) => (bits & 0x7fff) > infinity
    expect(all.filter((bits) => f16[bits] !== bits && !isNan(bits, 0x7c00))).toHaveLength(0)
    expect(all.filter((bits) => bf16[bits] !== bits && !isNan(bits, 0x7f80))).toHaveLength(0)
    expect(all.filter((bits) => isNan(bits, 0x7c00) && !isNan(f16[bits] ?? 0, 0x7c00))).toHaveLength(0)
    expect(all.filter((bits) => isNan(bits, 0x7f80) && !isNan(bf16[bits] ?? 0, 0x7f80))).toHaveLength(0)
  })
})

describe('openModelWeights', () => {
  const a: TensorToWrite = { shape: [2], data: Float32Array.of(1, 2) }
  const b: TensorToWrite = { shape: [1, 2], data: Float32Array.of(3, 4), dtype: 'BF16' }
  const shards = () =>
    new Map<string, Uint8Array>([
      ['model-00001-of-00002.safetensors', writeSafetensors({ a })],
      ['model-00002-of-00002.safetensors', writeSafetensors({ b })],
      [
        'model.safetensors.index.json',
        new TextEncoder().encode(
          JSON.stringify({
            metadata: { total_size: 12 },
            weight_map: { a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' },
          }),
        ),
      ],
    ])

  it('reads shards through their index', async () => {
    const weights = await openModelWeights(folderFromMap('here', shards()))
    expect(weights.files).toEqual(['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'])
    expect(await weights.float32('a', [2])).toEqual(a.data)
    expect(await weights.float32('b', [1, 2])).toEqual(b.data)
    expect(await weights.bytes('b')).toHaveLength(4)
    await expect(weights.float32('b', [2])).rejects.toThrow(
      'model-00002-of-00002.safetensors: tensor "b": expected shape [2], found [1, 2]',
    )
    await expect(weights.float32('c', [2])).rejects.toThrow('tensor "c"')
    expect(() => weights.info('c', [2])).toThrow('tensor "c" of shape [2] is missing; the shards have 2 tensors (a, b)')
  })
})
