/**
 * A store in a directory: a JSON file for each record, so that people and scripts can read them.
 *
 *   store.json                          layout version
 *   records/<kind>/<owner>~<id>.json    {"id", "owner", "value"}
 *   blobs/<name>.0 · .1                 the two slots of a blob
 *   batch.json, tmp/                    a write of several records that is not finished
 *
 * Every file is written beside its place, synced, and renamed into it. One process at a time.
 */
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { createSerialQueue } from '../base/serialQueue'
import { createBlobSlots, type BlobFiles, type BlobSlots } from './blobSlots'
import { replaceFileDurably, syncDirectory, writeSynced } from './durableFile'
import { recordKinds, STORE_VERSION, StoreVersionError, type RecordKind, type RecordMigration } from './recordKinds'
import { createStore, type Store, type StoredRow, type StoreHost } from './store'

/** Opens or makes the store. Rejects with StoreVersionError for one that a newer Hone wrote. */
export async function openNodeStore(directory: string, migrations?: readonly RecordMigration[]): Promise<Store> {
  return createStore(await openNodeHost(directory), migrations)
}

/** Files alone, in a directory that is made when it is missing: what was downloaded, for example. */
export async function openNodeBlobs(directory: string): Promise<BlobSlots> {
  await mkdir(directory, { recursive: true })
  return createBlobSlots(createNodeFiles(directory))
}

const KINDS = Object.keys(recordKinds).filter((kind): kind is RecordKind => kind in recordKinds)
const envelope = z.object({ id: z.string(), owner: z.string(), value: z.unknown() })
const batchFile = z.array(z.object({ from: z.string(), to: z.string() }))
const MAX_FILE_NAME = 250

interface Place {
  readonly owner: string
  readonly file: string
}

/** Where each record lies, by kind and id. */
type Places = ReadonlyMap<RecordKind, Map<string, Place>>

/** Opens or makes the records and files of a directory. Rejects with StoreVersionError for one that a newer Hone wrote. */
export async function openNodeHost(directory: string): Promise<StoreHost> {
  for (const folder of ['tmp', 'blobs', ...KINDS.map((kind) => join('records', kind))])
    await mkdir(join(directory, folder), { recursive: true })
  await checkVersion(directory)
  await finishBatch(directory)
  const places = await findPlaces(directory)
  // Batches share one journal, so they follow one another.
  const queue = createSerialQueue()
  return {
    async get(kind, id) {
      const place = placesOf(places, kind).get(id)
      return place ? readRecord(directory, kind, id, place) : null
    },
    owners: (kind) => Promise.resolve([...new Set([...placesOf(places, kind).values()].map(({ owner }) => owner))]),
    list: (kind, owners) => {
      const chosen = owners && new Set(owners)
      const wanted = [...placesOf(places, kind)].filter(([, place]) => chosen?.has(place.owner) ?? true)
      return Promise.all(wanted.sort(([a], [b]) => (a < b ? -1 : 1)).map(([id, place]) => readRecord(directory, kind, id, place)))
    },
    put: (rows) => queue.run(() => putRows(directory, places, rows)),
    remove: (rows) => queue.run(() => removeRows(directory, places, rows)),
    files: createNodeFiles(join(directory, 'blobs')),
    close: () => queue.idle(),
  }
}

/** Reads owner and id of every record out of the names of the files. */
async function findPlaces(directory: string): Promise<Places> {
  const places = new Map<RecordKind, Map<string, Place>>()
  for (const kind of KINDS) {
    const found = new Map<string, Place>()
    for (const file of await readdir(join(directory, 'records', kind))) {
      const match = /^([^~]*)~([^~]*)\.json$/.exec(file)
      if (match) found.set(decodeURIComponent(match[2] ?? ''), { owner: decodeURIComponent(match[1] ?? ''), file })
    }
    places.set(kind, found)
  }
  return places
}

function placesOf(places: Places, kind: RecordKind): Map<string, Place> {
  const found = places.get(kind)
  if (!found) throw new Error(`There is no kind of record ${kind}.`)
  return found
}

const pathOf = (directory: string, kind: RecordKind, file: string): string => join(directory, 'records', kind, file)

/** Reads one record. A file that holds no such record gives a row with `unreadable` set to the reason. */
async function readRecord(
  directory: string,
  kind: RecordKind,
  id: string,
  { owner, file }: Place,
): Promise<Awaited<ReturnType<StoreHost['list']>>[number]> {
  const row = { kind, id, owner, value: null }
  try {
    const parsed = envelope.safeParse(JSON.parse(await readFile(pathOf(directory, kind, file), 'utf8')))
    if (!parsed.success || parsed.data.id !== id) return { ...row, unreadable: `${file} holds no record of this id` }
    return { ...row, value: parsed.data.value }
  } catch (error) {
    return { ...row, unreadable: error instanceof Error ? error.message : String(error) }
  }
}

/** Writes all rows beside their places, then renames them into place; several rows are journalled first. */
async function putRows(directory: string, places: Places, rows: readonly StoredRow[]): Promise<void> {
  const moves: { from: string; to: string }[] = []
  const files = rows.map((row) => recordFile(row))
  for (const [index, row] of rows.entries()) {
    const from = join('tmp', `${String(index)}.json`)
    await writeSynced(join(directory, from), [JSON.stringify({ id: row.id, owner: row.owner, value: row.value }, null, 1)])
    moves.push({ from, to: join('records', row.kind, files[index] ?? '') })
  }
  if (moves.length > 1) await replaceFileDurably(join(directory, 'batch.json'), JSON.stringify(moves), '.new')
  await moveAll(directory, moves)
  for (const [index, row] of rows.entries()) {
    const file = files[index] ?? ''
    const before = placesOf(places, row.kind).get(row.id)
    if (before && before.file !== file) await rm(pathOf(directory, row.kind, before.file), { force: true })
    placesOf(places, row.kind).set(row.id, { owner: row.owner, file })
  }
}

/** Removes the files of the rows; rows that are not stored are passed over. */
async function removeRows(directory: string, places: Places, rows: readonly Pick<StoredRow, 'kind' | 'id'>[]): Promise<void> {
  for (const { kind, id } of rows) {
    const place = placesOf(places, kind).get(id)
    if (place) await rm(pathOf(directory, kind, place.file), { force: true })
    placesOf(places, kind).delete(id)
  }
}

function recordFile({ owner, id }: Pick<StoredRow, 'owner' | 'id'>): string {
  const encode = (text: string): string => encodeURIComponent(text).replaceAll('~', '%7E').replaceAll('*', '%2A')
  const file = `${encode(owner)}~${encode(id)}.json`
  if (file.length > MAX_FILE_NAME)
    throw new RangeError(
      `Expected an id that fits into a file name of ${String(MAX_FILE_NAME)} characters, found ${JSON.stringify(id.slice(0, 60))}.`,
    )
  return file
}

async function checkVersion(directory: string): Promise<void> {
  const path = join(directory, 'store.json')
  const text = await readFile(path, 'utf8').catch(() => null)
  if (text !== null) {
    const version = z.object({ version: z.int() }).safeParse(JSON.parse(text)).data?.version
    if (version === undefined || version > STORE_VERSION) throw new StoreVersionError(directory)
  }
  await replaceFileDurably(path, JSON.stringify({ version: STORE_VERSION }), '.new')
}

/** A batch whose journal was written is carried out to the end; files of one that was not are dropped. */
async function finishBatch(directory: string): Promise<void> {
  const text = await readFile(join(directory, 'batch.json'), 'utf8').catch(() => null)
  if (text !== null) await moveAll(directory, batchFile.parse(JSON.parse(text)))
  for (const file of await readdir(join(directory, 'tmp'))) await rm(join(directory, 'tmp', file), { force: true })
}

async function moveAll(directory: string, moves: readonly { readonly from: string; readonly to: string }[]): Promise<void> {
  for (const { from, to } of moves)
    try {
      await rename(join(directory, from), join(directory, to))
    } catch (error) {
      // Moved already, before the process was killed.
      if (!isMissing(error) || (await stat(join(directory, to)).catch(() => null)) === null) throw error
    }
  for (const folder of new Set(moves.map(({ to }) => dirname(to)))) await syncDirectory(join(directory, folder))
  await rm(join(directory, 'batch.json'), { force: true })
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

function createNodeFiles(directory: string): BlobFiles {
  const orNull = async <T>(work: () => Promise<T>): Promise<T | null> => {
    try {
      return await work()
    } catch (error) {
      if (isMissing(error)) return null
      throw error
    }
  }
  return {
    read: (file) => orNull(async () => new Uint8Array(await readFile(join(directory, file)))),
    readHead: (file, bytes) =>
      orNull(async () => {
        const handle = await open(join(directory, file))
        try {
          const { size } = await handle.stat()
          const head = new Uint8Array(Math.min(bytes, size))
          await handle.read(head, 0, head.length, 0)
          return { head, size }
        } finally {
          await handle.close()
        }
      }),
    async write(file, header, content) {
      const temporary = join(directory, `${file}.new`)
      await writeSynced(temporary, [header, content])
      await rename(temporary, join(directory, file))
      await syncDirectory(directory)
    },
    remove: (file) => rm(join(directory, file), { force: true }),
    list: async () => (await readdir(directory)).filter((file) => !file.endsWith('.new')),
  }
}
