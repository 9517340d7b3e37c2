/** Imports end whole or leave nothing: killed, stopped or refused; they say how far they are, and let others of the thread work. */
import { afterEach, expect, test, vi } from 'vitest'
import { sampleCsv } from '../../src/data/sampleCsv'
import { createMemoryStore } from '../../src/storage/memoryStore'
import type { Store } from '../../src/storage/store'
import type { Claim } from '../../src/studio/claim'
import { file, openTestStudio, type TestStudio } from './testStudio'

vi.setConfig({ testTimeout: 60_000 })

const opened: TestStudio[] = []
afterEach(() => {
  for (const one of opened.splice(0)) one.close()
})
async function open(...of: Parameters<typeof openTestStudio>): Promise<TestStudio> {
  const studio = await openTestStudio(...of)
  opened.push(studio)
  return studio
}

const ROWS = 400
/** Rows enough for several writes. */
function manyRows(): string {
  const [head = '', ...rows] = sampleCsv().trimEnd().split('\n')
  return `${[head, ...Array.from({ length: ROWS }, (_, index) => rows[index % rows.length])].join('\n')}\n`
}

/** Never comes back from the second write of trajectories, as a page that is reloaded does not. */
function killedWhileStoring(store: Store): { readonly store: Store; readonly hung: Promise<void> } {
  let writes = 0
  let hang: () => void = () => undefined
  const hung = new Promise<void>((resolve) => (hang = resolve))
  const trajectories: Store['trajectories'] = {
    ...store.trajectories,
    put: async (owner, records) => {
      writes += 1
      if (writes <= 1) return store.trajectories.put(owner, records)
      hang()
      return new Promise(() => undefined)
    },
  }
  return { store: { ...store, trajectories }, hung }
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const namesOf = async (store: Store): Promise<string[]> => (await store.listBlobs()).map(({ name }) => name)

test('what a killed import of a data set had stored is removed at the next start, and said by the file’s name', async () => {
  const store = createMemoryStore()
  const killed = killedWhileStoring(store)
  const first = await open({}, killed.store)
  void first.studio.datasets.importFile(file('many.csv', manyRows()))
  await killed.hung
  expect((await store.trajectories.owners()).length).toBe(1)

  const next = await open({}, store)
  const usage = await next.studio.storage.usage()
  expect(usage.removed).toMatchObject([{ kind: 'dataset', name: 'many.csv' }])
  expect(usage.items).toEqual([])
  expect(await store.trajectories.owners()).toEqual([])
  expect(await namesOf(store)).toEqual([])
  // The file can be imported as if nothing had been.
  expect(await next.studio.datasets.importFile(file('many.csv', manyRows()))).toMatchObject({ ok: true, value: { trajectories: ROWS } })
  expect((await (await open({}, store)).studio.storage.usage()).removed).toEqual([])
})

test('files of no model and of no adapter are removed; models, adapters and downloads that can go on stay', async () => {
  const store = createMemoryStore()
  const whole = [
    'models/whole/hone.json',
    'models/whole/pieces/1',
    'models/coming/download.json',
    'models/coming/pieces/1',
    'adapters/a/hone.json',
  ]
  for (const name of [
    ...whole,
    'models/torn/pieces/1',
    'models/torn/config.json',
    'adapters/b/adapter_model.safetensors',
    'datasets/gone/order.json',
  ])
    await store.writeBlob(name, bytes('{}'))
  const { studio } = await open({}, store)
  const { removed } = await studio.storage.usage()
  expect(removed.map(({ kind, id }) => `${kind} ${id}`).sort()).toEqual(['adapter b', 'dataset gone', 'model torn'])
  expect((await namesOf(store)).sort()).toEqual([...whole].sort())
})

test('an import under way in another tab is left alone, and listed', async () => {
  const store = createMemoryStore()
  const killed = killedWhileStoring(store)
  const held = new Set<string>()
  const claim = (name: string): Promise<Claim> => {
    if (held.has(name)) return Promise.resolve({ ok: false, owner: 'in another tab' })
    held.add(name)
    return Promise.resolve({ ok: true, takenOver: null, release: () => held.delete(name) })
  }
  const first = await open({ claim }, killed.store)
  void first.studio.datasets.importFile(file('many.csv', manyRows()))
  await killed.hung
  const { studio } = await open({ claim }, store)
  const { removed, items } = await studio.storage.usage()
  expect(removed).toEqual([])
  expect(items).toMatchObject([{ name: 'many.csv', kind: 'unfinished import of a data set' }])
  expect(await studio.datasets.importFile(file('many.csv', manyRows()))).toMatchObject({ ok: false, code: 'busy' })
  expect((await store.trajectories.owners()).length).toBe(1)
})

test('an import says how far it is, and leaves nothing when it is stopped', async () => {
  const store = createMemoryStore()
  const studio = await open({}, store)
  const reply = studio.studio.datasets.importFile(file('many.csv', manyRows()), { suggestions: true, importId: 'one' })
  const progress = () => studio.events.flatMap((event) => (event.type === 'import' && event.phase === 'storing' ? [event] : []))
  await studio.until(() => progress().length > 0)
  expect(progress()[0]).toMatchObject({ import_id: 'one', total: ROWS })
  expect(await studio.studio.datasets.cancelImport('one')).toMatchObject({ ok: true })
  expect(await reply).toMatchObject({ ok: false, code: 'cancelled' })
  expect(await store.trajectories.owners()).toEqual([])
  expect(await namesOf(store)).toEqual([])
  expect(await studio.studio.datasets.cancelImport('one')).toMatchObject({ ok: false, code: 'unknown-import' })
})

test('an import lets the rest of its thread work between rows', async () => {
  let pauses = 0
  let now = 0
  const { studio } = await open({
    // Every look at the clock is 10 ms later: two rows are longer than one piece of work.
    clock: () => (now += 10),
    sleep: async (ms) => {
      if (ms === 0) pauses += 1
      await new Promise((resolve) => setTimeout(resolve, ms))
    },
  })
  await studio.datasets.importFile(file('many.csv', manyRows()))
  expect(pauses).toBeGreaterThan(ROWS / 4)
})

test('names of thousands of characters and problems of a megabyte are kept short', async () => {
  const { studio } = await open()
  const [head = '', row = ''] = sampleCsv().split('\n')
  const bad = `"['a']"\t"['b']"\t"['${'9x'.repeat(650_000)}']"`
  const reply = await studio.datasets.importFile(file(`${'n'.repeat(5000)}.csv`, `${head}\n${row}\n${bad}\n`))
  if (!reply.ok) throw new Error(reply.message)
  expect(reply.value.name.length).toBeLessThanOrEqual(200)
  expect(reply.value.problems.length).toBeGreaterThan(0)
  expect(JSON.stringify(reply.value).length).toBeLessThan(20_000)
})
