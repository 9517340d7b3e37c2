/** Imports of models and adapters say how far they are, with the file, and leave nothing when they are stopped. */
import { afterEach, expect, test } from 'vitest'
import { createMemoryStore } from '../../src/storage/memoryStore'
import type { Store } from '../../src/storage/store'
import type { ImportProgress, Reply } from '../../src/worker/protocol'
import { llamaFolder } from '../models/llamaFolder'
import { file, openTestStudio, type TestStudio } from './testStudio'

const opened: TestStudio[] = []
afterEach(() => {
  for (const one of opened.splice(0)) one.close()
})

/** Every look at the clock is a second later: each word of progress has a rate. */
async function open(store: Store): Promise<TestStudio> {
  let now = 0
  const studio = await openTestStudio({ clock: () => (now += 1000) }, store)
  opened.push(studio)
  return studio
}

const accepted = <T>(reply: Reply<T>): T => {
  if (!reply.ok) throw new Error(reply.message)
  return reply.value
}
const progressOf = ({ batches }: TestStudio, id: string): ImportProgress[] =>
  batches.flatMap(({ events }) => events).flatMap((event) => (event.type === 'import' && event.import_id === id ? [event] : []))
const namesOf = async (store: Store): Promise<string[]> => (await store.listBlobs()).map(({ name }) => name).sort()

/** A store that stops for a moment at the first file whose name is like this. */
function pausingAt(like: RegExp): { readonly store: Store; readonly reached: Promise<void>; readonly goOn: () => void } {
  const memory = createMemoryStore()
  let goOn: () => void = () => undefined
  const going = new Promise<void>((resolve) => (goOn = resolve))
  let arrive: () => void = () => undefined
  const reached = new Promise<void>((resolve) => (arrive = resolve))
  const writeBlob: Store['writeBlob'] = async (name, bytes) => {
    if (like.test(name)) {
      arrive()
      await going
    }
    return memory.writeBlob(name, bytes)
  }
  return {
    store: { ...memory, writeBlob },
    reached,
    goOn: () => {
      goOn()
    },
  }
}

async function modelFiles(): Promise<File[]> {
  return [...(await llamaFolder())].map(([name, bytes]) => new File([bytes], name))
}

/** What a run on the starter leaves. */
async function adapterFiles({ studio, finished }: TestStudio): Promise<File[]> {
  const job = accepted(
    await studio.jobs.start({
      ...{ kind: 'train', algorithm: 'steptool-ppo', model: 'starter', config: {}, benchmark: 'starter', data: [], rowLimit: null },
      ...{ steps: 1, seed: 1 },
    }),
  )
  await finished(job.job_id)
  return Object.entries(accepted(await studio.runs.exportAdapter(job.run_id))).map(([name, bytes]) => new File([bytes], name))
}

test('the import of a model says how many bytes of which file are stored, how fast and how long it will take', async () => {
  const store = createMemoryStore()
  const studio = await open(store)
  const files = await modelFiles()
  const model = accepted(await studio.studio.models.importFiles('Tiny', files, 'one'))
  await studio.until(() => progressOf(studio, 'one').some(({ done, total }) => done === total))
  const last = progressOf(studio, 'one').at(-1)
  expect(last).toMatchObject({ phase: 'storing', total: model.bytes, done: model.bytes, etaSeconds: 0 })
  expect(files.map(({ name }) => name)).toContain(last?.file)
  // The same again is compared first: it has the same size.
  accepted(await studio.studio.models.importFiles('Again', files, 'two'))
  await studio.until(() => progressOf(studio, 'two').length > 0)
  expect(progressOf(studio, 'two').map(({ phase }) => phase)).toContain('comparing')
})

test('the import of a model is stopped halfway: nothing of it is stored, and it can be imported again', async () => {
  const paused = pausingAt(/-0$/)
  const studio = await open(paused.store)
  const files = await modelFiles()
  const reply = studio.studio.models.importFiles('Tiny', files, 'one')
  await paused.reached
  expect(await studio.studio.models.cancelImport('one')).toMatchObject({ ok: true })
  paused.goOn()
  expect(await reply).toEqual({ ok: false, code: 'cancelled', message: 'The import was stopped, and nothing of it is stored.' })
  expect(await namesOf(paused.store)).toEqual([])
  expect((await studio.studio.models.list()).map(({ model_id }) => model_id)).toEqual(['starter'])
  expect(await studio.studio.models.cancelImport('one')).toMatchObject({ ok: false, code: 'unknown-import' })
  expect(accepted(await studio.studio.models.importFiles('Tiny', files, 'one'))).toMatchObject({ model_id: 'tiny' })
})

test('the import of an adapter says how far it is, and leaves nothing when it is stopped', async () => {
  const paused = pausingAt(/^adapters\/.*adapter_model\.safetensors$/)
  const studio = await open(paused.store)
  const files = await adapterFiles(studio)
  const before = await namesOf(paused.store)
  const stopped = studio.studio.adapters.importFiles('starter', 'Mine', files, 'one')
  await paused.reached
  expect(await namesOf(paused.store)).not.toEqual(before)
  expect(await studio.studio.adapters.cancelImport('one')).toMatchObject({ ok: true })
  paused.goOn()
  expect(await stopped).toMatchObject({ ok: false, code: 'cancelled' })
  expect(await namesOf(paused.store)).toEqual(before)
  expect(await studio.studio.adapters.list()).toEqual([])

  const adapter = accepted(await studio.studio.adapters.importFiles('starter', 'Mine', files, 'two'))
  await studio.until(() => progressOf(studio, 'two').some(({ phase, done, total }) => phase === 'storing' && done === total))
  expect(progressOf(studio, 'two').at(-1)).toMatchObject({ phase: 'storing', total: adapter.bytes, done: adapter.bytes })
  const told = progressOf(studio, 'one')
  expect(told.some(({ phase, file: name }) => phase === 'storing' && name === 'adapter_model.safetensors')).toBe(true)
})

test('a refused import is no stopped one', async () => {
  const studio = await open(createMemoryStore())
  expect(await studio.studio.models.importFiles('None', [file('notes.txt', 'x')], 'one')).toMatchObject({ ok: false, code: 'model' })
})
