import 'fake-indexeddb/auto'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDB } from 'idb'
import { afterAll, describe, expect, it } from 'vitest'
import { openBrowserStore } from '../../src/storage/browserStore'
import { createMemoryStore } from '../../src/storage/memoryStore'
import { openNodeStore } from '../../src/storage/nodeStore'
import { STORE_VERSION, type RecordMigration } from '../../src/storage/recordKinds'
import { joinMetrics, StoredRecordError, type Store } from '../../src/storage/store'
import type { DatasetRow } from '../../src/worker/protocol'
import { FakeDirectory } from './fakeDirectory'
import { aDataset, anEvaluation, anOpinion, aRun, aTrajectory } from '../support/builders'

const folders: string[] = []
async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'hone-store-'))
  folders.push(made)
  return made
}
afterAll(async () => {
  for (const each of folders) await rm(each, { recursive: true, force: true })
})
let databases = 0
const databaseName = (): string => `hone-${String(++databases)}`

interface Place {
  readonly open: (migrations?: readonly RecordMigration[]) => Promise<Store>
  /** Puts a value under a run's id past every check. */
  readonly spoil?: (id: string, value: unknown) => Promise<void>
  lasts: boolean
}

const places: Record<string, () => Promise<Place>> = {
  memory: () => {
    const stores = new Map<string, Store>()
    return Promise.resolve({
      lasts: false,
      open: (migrations) => {
        const store = stores.get('') ?? createMemoryStore(migrations)
        stores.set('', store)
        return Promise.resolve(store)
      },
    })
  },
  node: async () => {
    const directory = await folder()
    return {
      lasts: true,
      open: (migrations) => openNodeStore(directory, migrations),
      spoil: (id, value) => writeFile(join(directory, 'records/runs', `~${id}.json`), JSON.stringify({ id, owner: '', value })),
    }
  },
  'browser, files in IndexedDB': () => Promise.resolve(browserPlace(null)),
  'browser, files in the private file system': () => Promise.resolve(browserPlace(new FakeDirectory())),
}

function browserPlace(directory: FakeDirectory | null): Place {
  const name = databaseName()
  return {
    lasts: true,
    open: (migrations) => openBrowserStore({ directory, name, ...(migrations ? { migrations } : {}) }),
    spoil: async (id, value) => {
      const db = await openDB(name, STORE_VERSION)
      await db.put('runs', { id, owner: '', value })
      db.close()
    },
  }
}

describe.each(Object.entries(places))('%s', (_, place) => {
  it('keeps records of every kind, and across a restart', async () => {
    const { open, lasts } = await place()
    const store = await open()
    await store.runs.put(aRun('run-2'), aRun('run-1'))
    await store.datasets.put(aDataset('ds-1'))
    await store.evaluations.put(anEvaluation('ev-1'))
    await store.trajectories.put({ dataset_id: 'ds-1' }, [aTrajectory('ds-1/row-3'), aTrajectory('ds-1/row-2')])
    await store.trajectories.put({ run_id: 'run-1' }, [aTrajectory('run-1/~*ä')])
    await store.opinions.add([anOpinion('op-1', 'ds-1/row-2')])
    if (lasts) await store.close()
    const again = await open()
    const ids = async (listing: Promise<{ records: readonly { run_id?: string; trajectory_id?: string }[] }>): Promise<unknown[]> =>
      (await listing).records.map(({ run_id, trajectory_id }) => run_id ?? trajectory_id)
    expect(await ids(again.runs.list())).toEqual(['run-1', 'run-2'])
    const dataset: DatasetRow | null = await again.datasets.get('ds-1')
    expect(dataset).toEqual(aDataset('ds-1'))
    expect(await again.evaluations.get('ev-1')).toEqual(anEvaluation('ev-1'))
    expect(await ids(again.trajectories.listOf({ dataset_id: 'ds-1' }))).toEqual(['ds-1/row-2', 'ds-1/row-3'])
    expect(await ids(again.trajectories.listOf({ run_id: 'run-1' }))).toEqual(['run-1/~*ä'])
    expect(await ids(again.trajectories.listOf({ run_id: 'ds-1' }))).toEqual([])
    expect(await again.trajectories.owners()).toEqual(expect.arrayContaining([{ dataset_id: 'ds-1' }, { run_id: 'run-1' }]))
    expect(await again.trajectories.get('ds-1/row-3')).toEqual(aTrajectory('ds-1/row-3'))
    expect(await again.trajectories.get('nothing')).toBeNull()
    expect((await again.opinions.listOf('ds-1/row-2')).records).toEqual([anOpinion('op-1', 'ds-1/row-2')])
    await again.close()
  })

  it('replaces a record, but never an opinion', async () => {
    const store = await (await place()).open()
    await store.runs.put(aRun('run-1'))
    await store.runs.put(aRun('run-1', 'Another title'))
    expect((await store.runs.list()).records.map(({ title }) => title)).toEqual(['Another title'])
    await store.opinions.add([anOpinion('op-1', 't', 1)])
    await store.opinions.add([anOpinion('op-1', 't', 0), anOpinion('op-2', 't', 0)])
    expect((await store.opinions.listOf('t')).records.map(({ value }) => value)).toEqual([1, 0])
    await store.close()
  })

  it('does not share objects with its callers', async () => {
    const store = await (await place()).open()
    const run = aRun('run-1')
    await store.runs.put(run)
    run.notes.push('later')
    const read = await store.runs.get('run-1')
    read?.notes.push('later still')
    expect((await store.runs.get('run-1'))?.notes).toEqual([])
    await store.close()
  })

  it('stores nothing of a batch with a record that does not fit, and names it', async () => {
    const store = await (await place()).open()
    const bad = { ...aRun('run-bad'), seed: 0.5 }
    await expect(store.runs.put(aRun('run-1'), bad)).rejects.toThrow(
      'The stored record run-bad (runs) cannot be read: seed: Invalid input: expected int, received number',
    )
    expect((await store.runs.list()).records).toEqual([])
    await store.close()
  })

  it('names a record that cannot be read and gives the others', async () => {
    const { open, spoil } = await place()
    if (!spoil) return
    const first = await open()
    await first.runs.put(aRun('run-1'), aRun('run-2'), aRun('run-3'))
    await first.close()
    await spoil('run-2', { version: 1, run_id: 'run-2' })
    const store = await open()
    const { records, corrupt } = await store.runs.list()
    expect(records.map(({ run_id }) => run_id)).toEqual(['run-1', 'run-3'])
    expect(corrupt).toMatchObject([{ kind: 'runs', id: 'run-2' }])
    expect(corrupt[0]?.message).toMatch(/^The stored record run-2 \(runs\) cannot be read: title: .* The others are not affected\.$/)
    await expect(store.runs.get('run-2')).rejects.toThrow(StoredRecordError)
    await store.runs.remove('run-2')
    expect((await store.runs.list()).corrupt).toEqual([])
    await store.close()
  })

  it('brings records of an earlier version up to date, one version after the other', async () => {
    const { open, spoil } = await place()
    if (!spoil) return
    await (await open()).close()
    const { title: _title, ...old } = aRun('run-old')
    await spoil('run-old', { ...old, version: -1, name: 'Old name' })
    await spoil('run-older', { ...old, run_id: 'run-older', version: -2 })
    const store = await open([
      { kind: 'runs', version: -1, migrate: ({ name, ...record }) => ({ ...record, title: name, version: 1 }) },
      { kind: 'runs', version: -2, migrate: (record) => ({ ...record, name: 'None', version: -1 }) },
      {
        kind: 'datasets',
        version: 1,
        migrate: () => {
          throw new Error('not asked for')
        },
      },
    ])
    expect((await store.runs.list()).records.map(({ title, version }) => [title, version])).toEqual([
      ['Old name', 1],
      ['None', 1],
    ])
    await store.close()
  })

  it('removes a data set and a run with all that is theirs', async () => {
    const store = await (await place()).open()
    await store.datasets.put(aDataset('ds-1'), aDataset('ds-2'))
    await store.runs.put(aRun('run-1'), aRun('run-12'))
    for (const id of ['ds-1', 'ds-2']) await store.trajectories.put({ dataset_id: id }, [aTrajectory(`${id}/a`)])
    for (const id of ['run-1', 'run-12']) {
      await store.trajectories.put({ run_id: id }, [aTrajectory(`${id}/a`)])
      await store.metrics.append(id, { step: [1], columns: { loss: [1] } })
      await store.writeBlob(`runs/${id}/adapter`, Uint8Array.of(1))
    }
    await store.opinions.add(['ds-1/a', 'ds-2/a', 'run-1/a', 'run-12/a'].map((id) => anOpinion(`op-${id}`, id)))
    await store.removeDataset('ds-1')
    await store.removeRun('run-1')
    expect((await store.datasets.list()).records.map(({ dataset_id }) => dataset_id)).toEqual(['ds-2'])
    expect((await store.runs.list()).records.map(({ run_id }) => run_id)).toEqual(['run-12'])
    const left = await Promise.all(
      ['ds-1/a', 'ds-2/a', 'run-1/a', 'run-12/a'].map(
        async (id) =>
          [await store.trajectories.get(id), ...(await store.opinions.listOf(id)).records].filter((each) => each !== null).length,
      ),
    )
    expect(left).toEqual([0, 2, 0, 2])
    expect(await store.listBlobs()).toEqual([{ name: 'runs/run-12/adapter', bytes: 1 }])
    expect((await store.metrics.of('run-1')).step).toEqual([])
    expect((await store.metrics.of('run-12')).step).toEqual([1])
    await store.close()
  })

  it('appends metrics, also many at once, and across a restart', async () => {
    const { open, lasts } = await place()
    const store = await open()
    await Promise.all([1, 2, 3].map((step) => store.metrics.append('run-1', { step: [step], columns: { loss: [step / 2] } })))
    if (lasts) await store.close()
    const again = await open()
    await again.metrics.append('run-1', { step: [3, 4], columns: { loss: [9, null], kl: [0.1, 0.2] } })
    expect(await again.metrics.of('run-1')).toEqual({
      step: [1, 2, 3, 4],
      columns: { loss: [0.5, 1, 9, null], kl: [null, null, 0.1, 0.2] },
    })
    await again.close()
  })

  it('keeps blobs', async () => {
    const { open, lasts } = await place()
    const store = await open()
    const big = Uint8Array.from({ length: 5000 }, (_each, index) => index % 251)
    expect(await store.readBlob('a/b')).toBeNull()
    for (const bytes of [Uint8Array.of(1, 2), new Uint8Array(0), big]) {
      await store.writeBlob('a/b', bytes)
      expect(await store.readBlob('a/b')).toEqual(bytes)
    }
    await store.writeBlob('a.b *?', Uint8Array.of(7))
    if (lasts) await store.close()
    const again = await open()
    expect(await again.listBlobs()).toEqual([
      { name: 'a.b *?', bytes: 1 },
      { name: 'a/b', bytes: 5000 },
    ])
    expect(await again.readBlob('a/b')).toEqual(big)
    await again.removeBlob('a/b')
    await again.removeBlob('a/b')
    expect(await again.readBlob('a/b')).toBeNull()
    await expect(again.writeBlob('x'.repeat(300), big)).rejects.toThrow('Expected a stored file')
    await again.close()
  })

  it('takes writes to one blob in turn', async () => {
    const store = await (await place()).open()
    await Promise.all([1, 2, 3, 4].map((value) => store.writeBlob('a', new Uint8Array(100).fill(value))))
    expect(await store.readBlob('a')).toEqual(new Uint8Array(100).fill(4))
    await store.close()
  })
})

describe('the directory', () => {
  it('finishes a batch whose journal was written, drops one without', async () => {
    const directory = await folder()
    await (await openNodeStore(directory)).close()
    const write = (path: string, value: unknown): Promise<void> => writeFile(join(directory, path), JSON.stringify(value))
    await write('tmp/0.json', { id: 'run-1', owner: '', value: aRun('run-1') })
    await (await openNodeStore(directory)).close()
    expect(await readdir(join(directory, 'tmp'))).toEqual([])
    // The first of two was already moved when the process was killed.
    await write('records/runs/~run-1.json', { id: 'run-1', owner: '', value: aRun('run-1') })
    await write('tmp/1.json', { id: 'run-2', owner: '', value: aRun('run-2') })
    await write('batch.json', [
      { from: 'tmp/0.json', to: 'records/runs/~run-1.json' },
      { from: 'tmp/1.json', to: 'records/runs/~run-2.json' },
    ])
    const store = await openNodeStore(directory)
    expect((await store.runs.list()).records.map(({ run_id }) => run_id)).toEqual(['run-1', 'run-2'])
    expect(await readdir(directory)).not.toContain('batch.json')
  })

  it('says that a file is broken JSON and reads the rest', async () => {
    const directory = await folder()
    const store = await openNodeStore(directory)
    await store.runs.put(aRun('run-1'), aRun('run-2'))
    await writeFile(join(directory, 'records/runs/~run-1.json'), '{"id": "run-1", "ow')
    const { records, corrupt } = await store.runs.list()
    expect(records.map(({ run_id }) => run_id)).toEqual(['run-2'])
    expect(corrupt[0]?.message).toMatch(/^The stored record run-1 \(runs\) cannot be read: .*JSON/)
  })

  it('does not touch a store of a newer Hone', async () => {
    const directory = await folder()
    await writeFile(join(directory, 'store.json'), JSON.stringify({ version: STORE_VERSION + 1 }))
    await expect(openNodeStore(directory)).rejects.toThrow('was written by a newer version of Hone')
  })
})

describe('the database', () => {
  it('does not touch a store of a newer Hone', async () => {
    const name = databaseName()
    ;(await openDB(name, STORE_VERSION + 1)).close()
    await expect(openBrowserStore({ directory: null, name })).rejects.toThrow("This browser's data was written by a newer version of Hone")
  })

  it('keeps files in IndexedDB where a directory cannot be written in place', async () => {
    const files = new FakeDirectory()
    const directory = {
      getFileHandle: () => Promise.resolve({ getFile: () => Promise.resolve(new Blob()) }),
      removeEntry: () => Promise.resolve(),
      keys: () => files.keys(),
    }
    const name = databaseName()
    const store = await openBrowserStore({ directory, name })
    await store.writeBlob('a', Uint8Array.of(5))
    await store.close()
    const again = await openBrowserStore({ directory: null, name })
    expect(await again.readBlob('a')).toEqual(Uint8Array.of(5))
  })
})

describe('joinMetrics', () => {
  it('lets a resumed run repeat the steps after its checkpoint', () => {
    const chunks = [
      { step: [1, 2, 3], columns: { loss: [1, 2, 3] } },
      { step: [], columns: {} },
      { step: [2, 3], columns: { loss: [20, 30] } },
      { step: [4], columns: { kl: [4] } },
    ]
    expect(joinMetrics(chunks)).toEqual({ step: [1, 2, 3, 4], columns: { loss: [1, 20, 30, null], kl: [null, null, null, 4] } })
  })
})
