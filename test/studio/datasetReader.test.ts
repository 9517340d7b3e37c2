/** A file of data is read in another thread where the host has one: the studio’s own thread, which trains, reads nothing of it. */
import { afterEach, expect, test, vi } from 'vitest'
import * as Comlink from 'comlink'
import { sampleCsv } from '../../src/data/sampleCsv'
import { createMemoryHost, createMemoryStore } from '../../src/storage/memoryStore'
import { createStore, type Store, type StoreHost } from '../../src/storage/store'
import type { OpenDatasetReader } from '../../src/studio/data/datasetReader'
import { readerBehind } from '../../src/worker/dataClient'
import { createDataWorker } from '../../src/worker/dataWorker'
import { file, openTestStudio, type TestStudio } from './testStudio'

vi.mock('../../src/worker/data.worker.ts?worker&url', () => ({ default: '' }))
vi.setConfig({ testTimeout: 60_000 })

const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})
async function open(...of: Parameters<typeof openTestStudio>): Promise<TestStudio> {
  const studio = await openTestStudio(...of)
  ends.push(() => {
    studio.close()
  })
  return studio
}

const never = new Promise<never>(() => undefined)
/** The worker’s code at the other end of a channel. */
function behindChannel(ended: () => void = () => undefined): OpenDatasetReader {
  return (of, signal) => {
    const { port1, port2 } = new MessageChannel()
    Comlink.expose(createDataWorker(), port1)
    const end = (): void => {
      port1.close()
      port2.close()
      ended()
    }
    return readerBehind(port2, { of, signal, failed: never, end })
  }
}

function rows(count: number): string {
  const [head = '', ...lines] = sampleCsv().trimEnd().split('\n')
  return `${[head, ...Array.from({ length: count }, (_, index) => lines[index % lines.length])].join('\n')}\n`
}

/** All that is stored, without what differs from one import to the next: times, and the ids of the opinions of rules. */
async function contentOf(store: Store): Promise<unknown> {
  const { records: datasets } = await store.datasets.list()
  const content = []
  for (const { created_at: _at, ...dataset } of datasets) {
    const { records } = await store.trajectories.listOf({ dataset_id: dataset.dataset_id })
    const { records: opinions } = await store.opinions.listOf(...records.map(({ trajectory_id }) => trajectory_id))
    const plain = opinions.map(({ opinion_id: _id, created_at: _when, ...opinion }) => JSON.stringify(opinion)).sort()
    content.push({ dataset, records, plain, order: await store.readBlob(`datasets/${dataset.dataset_id}/order.json`) })
  }
  return content
}

test('the worker gives what the studio’s own thread would, which then reads nothing and pauses no more than it stores', async () => {
  const text = rows(200)
  const own = createMemoryStore()
  const there = createMemoryStore()
  await (await open({}, own)).studio.datasets.importFile(file('many.csv', text))

  const many = file('many.csv', text)
  const stream = vi.spyOn(many, 'stream')
  let pauses = 0
  let now = 0
  const parts = {
    openDatasetReader: behindChannel(),
    // Every look at the clock is 30 ms later: each piece of work that could be paused is.
    clock: () => (now += 30),
    sleep: async (ms: number) => {
      if (ms === 0) pauses += 1
      await new Promise((resolve) => setTimeout(resolve, ms))
    },
  }
  const studio = await open(parts, there)
  expect(await studio.studio.datasets.importFile(many, { suggestions: true, importId: 'one' })).toMatchObject({ ok: true })
  expect(await contentOf(there)).toEqual(await contentOf(own))
  expect(stream).not.toHaveBeenCalled()
  // 200 rows are stored in 4 writes; in its own thread it pauses some hundred times.
  expect(pauses).toBeLessThan(10)
  const phases = studio.events.flatMap((event) => (event.type === 'import' ? [event.phase] : []))
  expect(phases.at(-1)).toBe('storing')
})

test('a file that is no data, and a damaged row, are said as they are without the worker', async () => {
  const bad = `${rows(2)}no list\tat all\t[1]\n`
  for (const text of ['hello there', bad]) {
    const [own, there] = [await open(), await open({ openDatasetReader: behindChannel() })]
    const [expected, found] = [
      await own.studio.datasets.importFile(file('a.csv', text)),
      await there.studio.datasets.importFile(file('a.csv', text)),
    ]
    const plain = (reply: typeof found): unknown => (reply.ok ? { ...reply.value, created_at: '' } : reply)
    expect(plain(found)).toEqual(plain(expected))
  }
})

test('an import whose reader answers nothing any more is stopped all the same, and the worker ended', async () => {
  let ended = 0
  const silent: OpenDatasetReader = (of, signal) =>
    readerBehind(new MessageChannel().port2, { of, signal, failed: never, end: () => void (ended += 1) })
  const { studio, store } = await open({ openDatasetReader: silent })
  const reply = studio.datasets.importFile(file('many.csv', rows(10)), { suggestions: true, importId: 'one' })
  await vi.waitFor(async () => {
    expect(await studio.datasets.cancelImport('one')).toMatchObject({ ok: true })
  })
  expect(await reply).toMatchObject({ ok: false, code: 'cancelled' })
  expect(ended).toBeGreaterThan(0)
  expect(await store.listBlobs()).toEqual([])
})

test('a worker that is lost halfway leaves nothing of the data set', async () => {
  let lose: (error: Error) => void = () => undefined
  const failed = new Promise<never>((_resolve, reject) => (lose = reject))
  const losing: OpenDatasetReader = (of, signal) => {
    const { port1, port2 } = new MessageChannel()
    const worker = createDataWorker()
    let asked = 0
    const next: typeof worker.next = () => {
      asked += 1
      if (asked < 3) return worker.next()
      lose(new Error('The worker was lost.'))
      return never
    }
    Comlink.expose({ ...worker, next }, port1)
    ends.push(() => {
      port1.close()
      port2.close()
    })
    return readerBehind(port2, { of, signal, failed, end: () => undefined })
  }
  const { studio, store } = await open({ openDatasetReader: losing })
  expect(await studio.datasets.importFile(file('many.csv', rows(200)))).toEqual({
    ok: false,
    code: 'import',
    message: 'The worker was lost.',
  })
  expect(await store.trajectories.owners()).toEqual([])
  expect(await store.listBlobs()).toEqual([])
})

/** A store that counts how often its host is asked. */
function counted(): { readonly store: Store; readonly asked: Record<'list' | 'owners' | 'get', number> } {
  const host = createMemoryHost()
  const asked = { list: 0, owners: 0, get: 0 }
  const counting: StoreHost = {
    ...host,
    list: (...of) => {
      asked.list += 1
      return host.list(...of)
    },
    owners: (...of) => {
      asked.owners += 1
      return host.owners(...of)
    },
    get: (...of) => {
      asked.get += 1
      return host.get(...of)
    },
  }
  return { store: createStore(counting), asked }
}

test('an import asks the store once for each write of 50 rows, not for each row; the same again too', async () => {
  const ROWS = 500
  const { store, asked } = counted()
  const { studio } = await open({}, store)
  for (const time of ['first', 'again']) {
    Object.assign(asked, { list: 0, owners: 0, get: 0 })
    expect(await studio.datasets.importFile(file('many.csv', rows(ROWS)))).toMatchObject({ ok: true, value: { trajectories: ROWS } })
    // What is known of the trajectories, and which of the opinions are there already.
    expect(asked.list, time).toBeLessThanOrEqual(2 * (ROWS / 50))
    expect(asked.owners + asked.get, time).toBeLessThanOrEqual(2)
  }
})

test('annotating and exporting a data set ask the store once for many rows, not for each', async () => {
  const ROWS = 300
  const { store, asked } = counted()
  const { studio } = await open({}, store)
  const row = await studio.datasets.importFile(file('many.csv', rows(ROWS)), { suggestions: false })
  if (!row.ok) throw new Error(row.message)
  Object.assign(asked, { list: 0, owners: 0, get: 0 })
  expect(await studio.labels.annotate(row.value.dataset_id, { by: 'rules', rules: 'sound' })).toMatchObject({ ok: true })
  expect(await studio.labels.exportFile([row.value.dataset_id], 'hone-jsonl')).toMatchObject({ ok: true, value: { trajectories: ROWS } })
  expect(asked.list + asked.owners + asked.get).toBeLessThan(ROWS / 10)
})
