/** Data that a user gives for benchmarks: small ones are stored and there after a reload, large ones are read from where they are. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { createMemoryStore } from '../../src/storage/memoryStore'
import type { Store } from '../../src/storage/store'
import type { GivenFile, Reply } from '../../src/worker/protocol'
import { projectRoot } from '../support/sources'
import { openTestStudio, type TestStudio } from './testStudio'

const opened: TestStudio[] = []
afterEach(() => {
  for (const one of opened.splice(0)) one.close()
})
async function open(store: Store = createMemoryStore()): Promise<TestStudio['studio']> {
  const one = await openTestStudio({}, store)
  opened.push(one)
  return one.studio
}

const folder = join(projectRoot, 'test/fixtures/bfcl')
const given: GivenFile[] = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((path) => statSync(join(folder, path)).isFile())
  .map((path) => ({ path, file: new File([readFileSync(join(folder, path))], path) }))

const valueOf = <T>(reply: Reply<T>): T => {
  if (!reply.ok) throw new Error(reply.message)
  return reply.value
}

test('a benchmark that needs data has its splits and tools with them, also after a reload, until they are removed', async () => {
  const store = createMemoryStore()
  const studio = await open(store)
  expect(await studio.environments.openBenchmark('bfcl', {})).toMatchObject({ ok: false })
  const row = valueOf(await studio.environments.addData('questions', given))
  expect(row).toMatchObject({ title: 'questions', files: given.length, isStored: true })
  const splits = valueOf(await studio.environments.openBenchmark('bfcl', { data: row.data_id })).splits
  expect(Object.values(splits)[0]).toBeGreaterThan(0)

  const later = await open(store)
  expect(await later.environments.listData()).toEqual([row])
  expect(valueOf(await later.environments.openBenchmark('bfcl', { data: row.data_id })).splits).toEqual(splits)
  expect(valueOf(await later.environments.openEnvironment('bfcl', { data: row.data_id })).hash).toMatch(/^[0-9a-f]{64}$/)
  expect((await later.storage.usage()).items).toEqual([{ name: 'questions', bytes: row.bytes, kind: 'data for benchmarks' }])

  valueOf(await later.environments.removeData(row.data_id))
  expect(await store.listBlobs()).toEqual([])
  expect(await later.environments.openBenchmark('bfcl', { data: row.data_id })).toMatchObject({
    ok: true,
  })
  const last = await open(store)
  expect(await last.environments.openBenchmark('bfcl', { data: row.data_id })).toEqual({
    ok: false,
    code: 'world-data',
    message: 'These data are not here any more: large data are only read while this tab is open. Choose the files again on the Tools page.',
  })
})

test('data that are too large to copy are read while the studio is open, and nothing of them is stored', async () => {
  const store = createMemoryStore()
  const studio = await open(store)
  const big = new File([' '.repeat(65 << 20)], 'big.json')
  const row = valueOf(await studio.environments.addData('large', [...given, { path: 'notes/big.json', file: big }]))
  expect(row).toMatchObject({ files: given.length + 1, isStored: false })
  expect(await store.listBlobs()).toEqual([])
  expect(await studio.environments.listData()).toEqual([row])
  expect(await studio.environments.openBenchmark('bfcl', { data: row.data_id })).toMatchObject({ ok: true })
  expect(await (await open(store)).environments.listData()).toEqual([])
})

test('files without a card, which a killed tab leaves, are removed at the next start', async () => {
  const store = createMemoryStore()
  await store.writeBlob('world-data/data-1/0', new Uint8Array(10))
  const { removed } = await (await open(store)).storage.usage()
  expect(removed).toMatchObject([{ kind: 'world-data', id: 'data-1', bytes: 10 }])
  expect(await store.listBlobs()).toEqual([])
})

test('settings choose another world, and settings that there are not are refused by name', async () => {
  const studio = await open()
  const usual = valueOf(await studio.environments.openBenchmark('starter', {}))
  const larger = valueOf(await studio.environments.openBenchmark('starter', { settings: { version: 3 } }))
  expect([usual.splits.exam, larger.splits.exam]).toEqual([300, 900])
  expect(await studio.environments.openBenchmark('starter', { settings: { version: 4 } })).toMatchObject({
    ok: false,
    message: expect.stringMatching(/^Starter world: setting version: /) as string,
  })
  expect(await studio.environments.openBenchmark('arithmetic', { settings: { depth: 2 } })).toMatchObject({
    ok: false,
    message: 'Arithmetic has no settings, found depth.',
  })
})

test('a benchmark without questions for practice says so, and no run practises on its exam', async () => {
  const studio = await open()
  const { data_id } = valueOf(await studio.environments.addData('questions', given))
  expect(valueOf(await studio.environments.openBenchmark('bfcl', { data: data_id }))).toMatchObject({
    practises: false,
    practiceQueries: 0,
  })
  const request = { kind: 'train', algorithm: 'grpo', model: 'starter', data: [], config: {}, steps: 1, seed: 1, rowLimit: null } as const
  expect(await studio.jobs.preflight({ ...request, benchmark: 'bfcl', benchmarkData: data_id })).toMatchObject({
    ...{ ok: false, code: 'no-practice' },
    message: expect.stringContaining('for exams only') as unknown,
  })
})
