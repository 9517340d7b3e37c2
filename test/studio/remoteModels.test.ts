/** Models from the Hub into the store, as a page gets them: looked up first, fetched by a job, interrupted, continued, refused. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createMemoryStore } from '../../src/storage/memoryStore'
import type { Store } from '../../src/storage/store'
import { placeOf } from '../../src/studio/models/remotePlace'
import type { JobRequest, JobSnapshot, RemoteModel } from '../../src/worker/protocol'
import { LLAMA_VOCABULARY, llamaFolder } from '../models/llamaFolder'
import { TINY_REPO, tinyHubFiles } from '../models/tinyHub'
import { browserFetch } from '../support/browserFetch'
import { COMMIT, serveHub, type HubServer } from '../support/hubServer'
import { openTestStudio, type TestStudio } from './testStudio'

vi.setConfig({ testTimeout: 60_000 })

const TOKEN = 'hf_veryHiddenToken'
const SHARD = 'model-00002-of-00003.safetensors'

let hub: HubServer
let store: Store
let isOffline = false
/** Asked before the server; null: the server answers. */
let instead: (url: string, init?: RequestInit) => Promise<Response> | null = () => null
const opened: TestStudio[] = []
beforeEach(async () => {
  hub = await serveHub(TINY_REPO, await tinyHubFiles())
  store = createMemoryStore()
  isOffline = false
  instead = () => null
})
afterEach(async () => {
  for (const one of opened.splice(0)) one.close()
  await hub.close()
})

/** Waits are not waited for. */
async function open(): Promise<TestStudio> {
  const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => setTimeout(() => (signal?.aborted ? reject(signal.reason as Error) : resolve()), Math.min(ms, 5)))
  const studio = await openTestStudio(
    { fetch: (url, init) => instead(url, init) ?? browserFetch(url, init), sleep, isOffline: () => isOffline },
    store,
  )
  opened.push(studio)
  return studio
}
const model = (changes: Partial<RemoteModel> = {}): RemoteModel => ({ where: TINY_REPO, hub: hub.endpoint, token: '', ...changes })
async function download({ studio, finished }: TestStudio, request: RemoteModel): Promise<JobSnapshot> {
  const reply = await studio.jobs.start({ kind: 'download', model: request })
  if (!reply.ok) throw new Error(reply.message)
  return finished(reply.value.job_id)
}
const total = (): number => [...hub.files.values()].reduce((sum, bytes) => sum + bytes.length, 0)

test('a look says host, commit and bytes and stores nothing; the job fetches each byte once and makes it a model', async () => {
  const own = await open()
  const plan = await own.studio.models.planDownload(model({ where: ` hf:${TINY_REPO}@v1 ` }))
  expect(plan).toMatchObject({
    ok: true,
    value: {
      ...{ title: TINY_REPO, host: new URL(hub.endpoint).host, pinned: `${TINY_REPO}@${COMMIT}`, revision: COMMIT, files: hub.files.size },
      ...{ bytes: total(), keptBytes: 0, architecture: 'qwen2', model_id: null, freeBytes: 999_000 },
    },
  })
  expect(hub.sentBytes()).toBeLessThan(total())
  expect(await store.listBlobs()).toEqual([])
  const job = await download(own, model({ where: `${TINY_REPO}@${COMMIT}` }))
  expect(job).toMatchObject({
    kind: 'download',
    state: 'finished',
    error: null,
    done: total(),
    total: total(),
    message: `${TINY_REPO} is here.`,
  })
  const said = own.events.flatMap((event) => (event.type === 'job' ? [event.job.message] : []))
  expect(
    said
      .filter((message) => message.endsWith(` from ${new URL(hub.endpoint).host}`))
      .every((one) => hub.files.has(one.split(' ')[0] ?? '')),
  ).toBe(true)
  expect(said.some((message) => /^\S+ from 127\.0\.0\.1/.test(message))).toBe(true)
  const row = (await own.studio.models.list()).find(({ title }) => title === TINY_REPO)
  expect(row).toMatchObject({
    ...{ model_id: 'tiny-org-tiny-qwen2', architecture: 'qwen2', rope: 'plain', bytes: total(), revision: COMMIT },
    origin: `${new URL(hub.endpoint).host}/${TINY_REPO}`,
  })
  expect(await own.studio.models.unfinishedDownloads()).toEqual([])
  expect(own.events.filter((event) => event.type === 'network').every(({ url }) => url.startsWith('http://127.0.0.1:'))).toBe(true)

  // What is stored is a checkpoint, without a server.
  await hub.close()
  const later = await open()
  expect(await later.studio.jobs.estimateMemory(evaluate('tiny-org-tiny-qwen2'))).toMatchObject({ ok: true })
  expect((await later.studio.storage.usage()).items).toEqual([{ name: TINY_REPO, bytes: total(), kind: 'model' }])
  expect(await later.studio.models.remove('tiny-org-tiny-qwen2')).toEqual({ ok: true, value: null })
  expect(await store.listBlobs()).toEqual([])
  expect(await later.studio.models.remove('starter')).toMatchObject({ ok: false })
  hub = await serveHub(TINY_REPO, new Map())
})

const evaluate = (model_id: string): JobRequest => ({
  kind: 'evaluate',
  model: model_id,
  adapterOf: null,
  benchmark: 'starter',
  split: 'exam',
  strategy: 'cot',
  ...{ maxCalls: 1, limit: 1, temperature: 0, seed: 1 },
})

test('a connection that breaks is taken up at the byte where it broke', async () => {
  const own = await open()
  await own.studio.models.planDownload(model())
  hub.seen.length = 0
  const before = hub.sentBytes()
  hub.faults.drops = { count: 3, afterBytes: 1000 }
  expect(await download(own, model())).toMatchObject({ state: 'finished', done: total() })
  expect(hub.faults.drops.count).toBe(0)
  expect(hub.seen.some(({ range }) => /^bytes=1000-/.test(range ?? ''))).toBe(true)
  expect(hub.sentBytes() - before).toBeLessThan(total() * 1.5)
})

test('what arrived before a failure is not fetched again, in another tab either; the note of it holds no token', async () => {
  const first = await open()
  hub.faults.secured = { token: TOKEN, status: 401 }
  // The server goes away before the second shard's body.
  instead = (url) => (url.includes(SHARD) ? Promise.reject(new TypeError('Failed to fetch')) : null)
  await first.studio.models.planDownload(model({ token: TOKEN }))
  const early = await download(first, model({ token: TOKEN }))
  expect(early.error).toMatch(/no connection, 5 times in a row\..*try again later\.$/)
  expect(await first.studio.models.unfinishedDownloads()).toEqual([])
  instead = wholeShard(() => Promise.reject(new TypeError('Failed to fetch')))
  const failed = await download(first, model({ token: TOKEN }))
  expect(failed).toMatchObject({
    state: 'failed',
    error: expect.stringMatching(/5 times in a row\..* The part that arrived is kept\.$/) as string,
  })
  const [left] = await first.studio.models.unfinishedDownloads()
  expect(left).toMatchObject({
    title: TINY_REPO,
    host: new URL(hub.endpoint).host,
    where: `${TINY_REPO}@${COMMIT}`,
    revision: COMMIT,
    bytes: total(),
  })
  expect(left?.keptBytes).toBeGreaterThan(0)
  expect(left?.keptBytes).toBeLessThan(total())
  expect((await first.studio.models.list()).map(({ title }) => title)).not.toContain(TINY_REPO)
  for (const { name } of await store.listBlobs())
    expect(new TextDecoder().decode((await store.readBlob(name)) ?? undefined), name).not.toContain(TOKEN)
  expect(JSON.stringify(first.events)).not.toContain(TOKEN)

  instead = () => null
  const second = await open()
  hub.seen.length = 0
  const job = await download(second, model({ token: TOKEN, where: left?.where ?? '' }))
  expect(job).toMatchObject({ state: 'finished' })
  const wholeFiles = hub.seen.filter(({ origin, range }) => origin === 'files' && /^bytes=0-\d{4,}$/.test(range ?? ''))
  expect(wholeFiles.map(({ path }) => path.slice(1, SHARD.length + 1))).toEqual([SHARD, SHARD.replace('00002-of', '00003-of')])
  expect(await second.studio.models.unfinishedDownloads()).toEqual([])
  const again = await second.studio.models.planDownload(model({ token: TOKEN }))
  expect(again).toMatchObject({ ok: true, value: { model_id: 'tiny-org-tiny-qwen2', keptBytes: total() } })
})

/** Answers for the second shard's whole body, in the server's place. */
const wholeShard =
  (answer: (signal: AbortSignal | null) => Promise<Response>) =>
  (url: string, init?: RequestInit): Promise<Response> | null =>
    url.includes(SHARD) && /^bytes=0-\d{4,}$/.test(new Headers(init?.headers).get('range') ?? '') ? answer(init?.signal ?? null) : null

test('cancelled, it ends at once, keeps what arrived, and can be deleted', async () => {
  const own = await open()
  let isWaiting = false
  instead = wholeShard(
    (signal) =>
      new Promise((_, reject) => {
        isWaiting = true
        signal?.addEventListener('abort', () => {
          reject(new DOMException('aborted', 'AbortError'))
        })
      }),
  )
  const reply = await own.studio.jobs.start({ kind: 'download', model: model() })
  if (!reply.ok) throw new Error(reply.message)
  await own.until(() => isWaiting)
  await own.studio.jobs.cancel(reply.value.job_id)
  expect(await own.finished(reply.value.job_id)).toMatchObject({ state: 'cancelled', error: null })
  const [left] = await own.studio.models.unfinishedDownloads()
  expect((await own.studio.storage.usage()).items).toEqual([{ name: TINY_REPO, bytes: left?.keptBytes, kind: 'interrupted download' }])
  expect(await own.studio.models.remove(left?.model_id ?? '')).toEqual({ ok: true, value: null })
  expect(await store.listBlobs()).toEqual([])
})

test('each refusal is a sentence, in the look and in the job', async () => {
  const own = await open()
  const look = async (changes: Partial<RemoteModel> = {}): Promise<string> => {
    const reply = await own.studio.models.planDownload(model(changes))
    if (reply.ok) throw new Error('accepted')
    const job = await own.studio.jobs.start({ kind: 'download', model: model(changes) })
    if (job.ok && !isOffline)
      expect((await own.finished(job.value.job_id)).error).toBe(/[.!?…]$/.test(reply.message) ? reply.message : `${reply.message}.`)
    return reply.message
  }
  hub.faults.secured = { token: TOKEN, status: 401 }
  expect(await look()).toMatch(/asks for an access token \(401\): the model is private or gated/)
  expect(await look({ token: 'hf_other' })).toMatch(/does not accept the access token \(401\)/)
  hub.faults.secured = { token: TOKEN, status: 403 }
  expect(await look({ token: 'hf_other' })).toMatch(/forbids access \(403\); accept the terms/)
  hub.faults.secured = null
  expect(await look({ where: 'tiny-org/nothing' })).toBe('tiny-org/nothing@main: not found (404); check the name and the revision.')
  expect(await look({ where: `${TINY_REPO}@nowhere` })).toMatch(/not found \(404\)/)
  expect(await look({ where: 'gpt2' })).toMatch(/names no model of the Hub: expected owner\/name/)
  expect(await look({ where: 'http://example.org/model' })).toMatch(/expected an https:\/\/ address/)
  hub.faults.cors = false
  expect(await look()).toMatch(
    /no connection, 5 times in a row\. The server may be down, or may not let pages of other sites read it \(CORS\)/,
  )
  hub.faults.cors = true
  isOffline = true
  expect(await look()).toBe('This computer is offline: connect it, then look again.')
})

test('a model of pickles is refused with a hint, and nothing of it is fetched', async () => {
  const own = await open()
  for (const name of [...hub.files.keys()].filter((one) => one.includes('safetensors'))) hub.files.delete(name)
  hub.files.set('pytorch_model-00001-of-00002.bin', new Uint8Array(1000))
  expect(await own.studio.models.planDownload(model())).toMatchObject({
    ok: false,
    message: expect.stringMatching(/found pytorch_model-00001-of-00002\.bin\. Pickled weights can run code.*convert with/) as string,
  })
  expect(hub.seen.filter(({ path }) => path.endsWith('.bin'))).toEqual([])
  expect(await store.listBlobs()).toEqual([])
})

test('an address is a folder too, without a revision; tokenizer.model alone will do', async () => {
  const own = await open()
  hub.files.clear()
  for (const [name, bytes] of await llamaFolder()) hub.files.set(name, bytes)
  const where = `${hub.endpoint}/folder`
  expect(await own.studio.models.planDownload(model({ where }))).toMatchObject({
    ok: true,
    value: { title: 'folder', revision: null, pinned: `${where}/`, files: 5, bytes: total(), architecture: 'llama' },
  })
  expect(await download(own, model({ where }))).toMatchObject({ state: 'finished', error: null })
  expect(await own.studio.models.list()).toContainEqual(expect.objectContaining({ title: 'folder', origin: `${where}/`, revision: null }))
  expect(await own.studio.jobs.estimateMemory(evaluate('folder'))).toMatchObject({ ok: true })
  // It may be another model tomorrow.
  expect(await own.studio.models.planDownload(model({ where }))).toMatchObject({ ok: true, value: { model_id: null, keptBytes: 0 } })
})

test('a folder a person picks is kept with tokenizer.model, once', async () => {
  const own = await open()
  const files = [...(await llamaFolder())].map(([name, bytes]) => new File([bytes], name))
  const imported = await own.studio.models.importFiles('ToolLLaMA tiny', [...files, new File(['x'], 'pytorch_model.bin')])
  expect(imported).toMatchObject({
    ok: true,
    value: { model_id: 'toolllama-tiny', architecture: 'llama', vocabulary: LLAMA_VOCABULARY, origin: null },
  })
  const later = await open()
  expect(await later.studio.jobs.estimateMemory(evaluate('toolllama-tiny'))).toMatchObject({ ok: true })
  const bytes = files.reduce((sum, { size }) => sum + size, 0)
  expect((await later.studio.storage.usage()).items).toEqual([{ name: 'ToolLLaMA tiny', bytes, kind: 'model' }])
  const blobs = await store.listBlobs((name) => !name.endsWith('hone.json'))
  expect(blobs.reduce((sum, blob) => sum + blob.bytes, 0)).toBe(bytes)
  expect(await later.studio.models.importFiles('Again', files)).toMatchObject({ ok: true, value: { model_id: 'toolllama-tiny' } })
  expect(await store.listBlobs()).toHaveLength(blobs.length + 1)
})

test('a model kept by the first versions, one stored file each, is still one', async () => {
  const old = await open()
  const files = await llamaFolder()
  for (const [name, bytes] of files) await store.writeBlob(`models/old/${name}`, bytes)
  const card = { model_id: 'old', title: 'Old', architecture: 'llama', parameters: 1, bytes: 2, contextLength: 512, vocabulary: 600 }
  await store.writeBlob('models/old/hone.json', new TextEncoder().encode(JSON.stringify({ ...card, sha256: 'x', created_at: '2025' })))
  expect(await old.studio.models.list()).toContainEqual({ ...card, rope: 'plain', origin: null, revision: null, adapters: [] })
  expect(await old.studio.jobs.estimateMemory(evaluate('old'))).toMatchObject({ ok: true })
})

test('a stored file with a lost part is named', async () => {
  const own = await open()
  expect(await download(own, model())).toMatchObject({ state: 'finished' })
  const [largest] = [...(await store.listBlobs())].sort((a, b) => b.bytes - a.bytes)
  await store.removeBlob(largest?.name ?? '')
  const later = await open()
  expect(await later.studio.jobs.start(evaluate('tiny-org-tiny-qwen2'))).toMatchObject({
    ok: false,
    message: expect.stringMatching(/: a part of the stored file is missing or damaged; remove the model and load it again\.$/) as string,
  })
})

test.each([
  ['a/b', { kind: 'hub', repo: 'a/b', revision: 'main' }],
  ['https://huggingface.co/a/b', { kind: 'hub', repo: 'a/b', revision: 'main' }],
  ['https://huggingface.co/a/b/tree/v1.0', { kind: 'hub', repo: 'a/b', revision: 'v1.0' }],
  ['https://huggingface.co/a/b/blob/main/config.json', { kind: 'hub', repo: 'a/b', revision: 'main' }],
  ['https://example.org/models/a', { kind: 'folder', base: 'https://example.org/models/a/', title: 'a' }],
])('%s is read, whatever the Hub', (where, place) => {
  expect(placeOf({ where, hub: '' })).toMatchObject(place)
  expect(placeOf({ where, hub: 'https://mirror.example' })).toMatchObject(place)
})
