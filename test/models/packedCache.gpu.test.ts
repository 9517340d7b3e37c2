/** Packed weights are kept: the second opening reads none of the checkpoint's tensors, and what was damaged is packed again. */
import { expect, it } from 'vitest'
import { EngineDevice } from '../../src/engine/device/engineDevice'
import { bytesOf } from '../../src/engine/tensor'
import { parseModelConfig } from '../../src/models/architectures/config'
import { storedFormat } from '../../src/models/architectures/decoder'
import { architectureOf, LanguageModel } from '../../src/models/languageModel'
import { openModelWeights } from '../../src/models/weights/modelWeights'
import { packedCache } from '../../src/models/weights/packedCache'
import { readerOf } from '../../src/models/weights/safetensors'
import { createBlobSlots, HEADER_BYTES } from '../../src/storage/blobSlots'
import { createDirectoryFiles } from '../../src/storage/browserStore'
import { FakeDirectory } from '../storage/fakeDirectory'
import { adapterUnderTest, testDevice } from '../support/gpu'
import { goldenText } from './files'
import { countedFolder, shardedFiles } from './shards'

const SMALL_PIECES = 512
const config = { ...parseModelConfig(JSON.parse(goldenText('tiny_packed/config.json'))), weight_format: 'int4' as const }
const parameters = Object.entries(architectureOf(config).parameters(config))

it(`on ${adapterUnderTest()}`, async () => {
  const engine = new EngineDevice(await testDevice(), { isSoftware: true })
  const directory = new FakeDirectory()
  const blobs = createBlobSlots(createDirectoryFiles(directory))
  const { folder, reads } = countedFolder('tiny_packed', await shardedFiles('tiny_packed'))
  const tensors = await openModelWeights(folder)

  /** Every buffer of the model, and how many bytes of tensors were read for it. */
  async function opened(identity = 'version 1'): Promise<{ buffers: Map<string, Uint8Array>; read: number }> {
    const before = reads.bytes
    const reader = { ...readerOf(tensors), packed: packedCache(blobs, identity, SMALL_PIECES) }
    const model = await LanguageModel.load(engine, config, reader)
    const buffers = new Map<string, Uint8Array>()
    for (const [name, shape] of parameters) {
      const bytes = bytesOf({ shape, dtype: storedFormat(config, name, shape) })
      buffers.set(name, new Uint8Array(await engine.read(model.lookup()(name).buffer, 0, bytes)))
    }
    model.destroy()
    return { buffers, read: reads.bytes - before }
  }

  const total = [...tensors.tensors.values()].reduce((sum, { byteLength }) => sum + byteLength, 0)
  const first = await opened()
  expect(first.read).toBe(total)
  const second = await opened()
  expect(second.read).toBe(0)
  expect(second.buffers).toEqual(first.buffers)
  // What is kept is smaller than the checkpoint by as much as 4 bits are less than 32, scales and 8-bit embeddings beside them.
  const kept = (await blobs.list()).reduce((sum, { bytes }) => sum + bytes, 0)
  expect(kept).toBeLessThan(total / 3)

  // One byte of one piece: its tensor alone is read and packed again, and kept whole.
  const [file = '', content] = [...directory.files].find(([, bytes]) => bytes.length === HEADER_BYTES + SMALL_PIECES) ?? []
  if (!content) throw new Error('no piece was kept')
  content[HEADER_BYTES + 100] = (content[HEADER_BYTES + 100] ?? 0) ^ 1
  const repaired = await opened()
  expect(repaired.buffers).toEqual(first.buffers)
  expect(repaired.read).toBeGreaterThan(0)
  expect(repaired.read).toBeLessThan(total / 4)
  expect((await opened()).read).toBe(0)

  // A piece that is gone is no different.
  for (const slot of ['0', '1']) directory.files.delete(file.replace(/[01]$/, slot))
  const refilled = await opened()
  expect(refilled).toEqual(repaired)

  // Another version of the checkpoint shares nothing with it.
  expect((await opened('version 2')).read).toBe(total)
})

it('without room for it a model opens as well', async () => {
  const engine = new EngineDevice(await testDevice(), { isSoftware: true })
  const tensors = await openModelWeights(countedFolder('tiny_packed', await shardedFiles('tiny_packed')).folder)
  let asked = 0
  const full = {
    read: () => Promise.resolve(null),
    write: () => {
      asked += 1
      return Promise.reject(new Error('no room'))
    },
  }
  const model = await LanguageModel.load(engine, config, { ...readerOf(tensors), packed: packedCache(full, 'any') })
  expect(model.frozenBytes).toBeGreaterThan(0)
  // It is not tried again for every tensor.
  expect(asked).toBe(1)
  model.destroy()
})
