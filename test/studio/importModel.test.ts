/** Models of one's own: which folders are taken, and what is kept of them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { createMemoryStore } from '../../src/storage/memoryStore'
import { projectRoot } from '../support/sources'
import { openTestStudio, readStarterAsset, type TestStudio } from './testStudio'

let open: TestStudio | null = null
afterEach(() => open?.close())

test('models: the starter, and folders that fit', async () => {
  const golden = join(projectRoot, 'test/golden/tiny_qwen2')
  const starter = join(projectRoot, 'public/starter')
  const read = (folder: string, name: string): File => new File([readFileSync(join(folder, name))], name)
  const written: string[] = []
  const memory = createMemoryStore()
  const store = {
    ...memory,
    writeBlob: (name: string, bytes: Uint8Array) => {
      written.push(name)
      return memory.writeBlob(name, bytes)
    },
  }
  open = await openTestStudio({}, store)
  const { studio } = open
  expect(await studio.models.list()).toMatchObject([{ model_id: 'starter', architecture: 'qwen2', vocabulary: 528 }])
  const weights = await readStarterAsset('starter/model.safetensors')
  const good = [
    ...['config.json', 'tokenizer.json', 'tokenizer_config.json'].map((name) => read(starter, name)),
    new File([weights ?? ''], 'model.safetensors'),
    new File(['x'], 'notes.txt'),
  ]
  const reply = await studio.models.importFiles('My Model', good)
  expect(reply).toMatchObject({ ok: true, value: { model_id: 'my-model', title: 'My Model', vocabulary: 528 } })
  // The same again is known before anything is kept of it; the same with another side file when it has been, and nothing of that is left.
  const before = written.splice(0).length
  expect(before).toBeGreaterThan(3)
  expect(await studio.models.importFiles('Other name', good)).toMatchObject({ ok: true, value: { model_id: 'my-model' } })
  expect(written).toEqual([])
  const beside = [...good, new File(['{}'], 'special_tokens_map.json')]
  expect(await studio.models.importFiles('Other name', beside)).toMatchObject({ ok: true, value: { model_id: 'my-model' } })
  expect(written.length).toBeGreaterThan(3)
  expect(await store.listBlobs((name) => name.includes('other-name'))).toEqual([])
  expect(await studio.models.importFiles('No tokenizer', [read(golden, 'config.json'), read(golden, 'model.safetensors')])).toMatchObject({
    ok: false,
    message: expect.stringContaining('tokenizer.json') as string,
  })
  expect(
    await studio.models.importFiles('Pickled', [
      read(starter, 'config.json'),
      read(starter, 'tokenizer.json'),
      new File(['x'], 'pytorch_model.bin'),
    ]),
  ).toMatchObject({ ok: false, message: expect.stringContaining('safetensors') as string })
  const wrong = { ...(JSON.parse(readFileSync(join(starter, 'config.json'), 'utf8')) as object), hidden_size: 256, head_dim: 32 }
  expect(await studio.models.importFiles('Wrong', [new File([JSON.stringify(wrong)], 'config.json'), ...good.slice(1)])).toMatchObject({
    ok: false,
    message: expect.stringContaining('expected shape') as string,
  })
  const later = await openTestStudio({}, store)
  expect((await later.studio.models.list()).map(({ model_id }) => model_id)).toEqual(['starter', 'my-model'])
  expect((await later.studio.storage.usage()).items.map(({ kind }) => kind)).toEqual(['model'])
  later.close()
})
