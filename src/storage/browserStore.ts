/**
 * The browser's store: records in IndexedDB, big files in the origin's private file system. Runs in a dedicated worker, where
 * files can be written in place; elsewhere, and in browsers without that, files go into IndexedDB too.
 */
import { openDB, type DBSchema, type IDBPDatabase } from 'idb'
import type { BlobFiles } from './blobSlots'
import { recordKinds, STORE_VERSION, StoreVersionError, type RecordKind, type RecordMigration } from './recordKinds'
import { StorageFullError } from './storageFull'
import { createStore, type Store, type StoredRow, type StoreHost } from './store'

/** The part of a FileSystemSyncAccessHandle that is used; TypeScript knows it in worker code only. */
export interface SyncAccess {
  write(bytes: Uint8Array, options: { readonly at: number }): number
  truncate(bytes: number): void
  flush(): void
  close(): void
}
export interface FileAccess {
  getFile(): Promise<Blob>
  createSyncAccessHandle?(): Promise<SyncAccess>
}
/** The part of a FileSystemDirectoryHandle that is used. */
export interface DirectoryAccess {
  getFileHandle(name: string, options: { readonly create: boolean }): Promise<FileAccess>
  removeEntry(name: string): Promise<void>
  keys(): AsyncIterable<string>
}

export interface BrowserStoreParts {
  /** A directory of the origin's private file system, from `navigator.storage.getDirectory()`; null where there is none. */
  readonly directory: DirectoryAccess | null
  /** Name of the database. */
  readonly name?: string
  readonly migrations?: readonly RecordMigration[]
}

interface KeptRow {
  readonly id: string
  readonly owner: string
  readonly value: unknown
}
interface RowStore {
  key: string
  value: KeptRow
  indexes: { owner: string }
}
interface Schema extends DBSchema {
  runs: RowStore
  datasets: RowStore
  trajectories: RowStore
  opinions: RowStore
  evaluations: RowStore
  metrics: RowStore
  /** Slot header and size apart from the content, so that looking at it does not load a checkpoint. */
  blobHeads: { key: string; value: { readonly head: Uint8Array<ArrayBuffer>; readonly size: number } }
  blobs: { key: string; value: Uint8Array<ArrayBuffer> }
}

/** The database was taken away under this page: nothing can be stored or read until it is reloaded. */
class StorageGoneError extends Error {
  override readonly name = 'StorageGoneError'
}
const DELETED =
  'The data of this page was deleted while the page was open, as clearing the site’s data does: what runs had stored is gone. Reload the page to begin again.'
const REPLACED = 'Another tab opened a newer version of Hone, which has taken over the stored data: reload this page to use it.'

const KINDS = Object.keys(recordKinds).filter((kind): kind is RecordKind => kind in recordKinds)

/** Opens or makes the store. Rejects with StoreVersionError for one that a newer Hone wrote. */
export async function openBrowserStore({ directory, name = 'hone', migrations }: BrowserStoreParts): Promise<Store> {
  let db: IDBPDatabase<Schema>
  /** Why the database cannot be used any more. */
  let gone: StorageGoneError | null = null
  try {
    db = await openDB<Schema>(name, STORE_VERSION, {
      upgrade(database, oldVersion) {
        // One block for each version, oldest first, so that a store of any version can be migrated.
        if (oldVersion < 1) {
          for (const kind of KINDS) database.createObjectStore(kind, { keyPath: 'id' }).createIndex('owner', 'owner')
          database.createObjectStore('blobHeads')
          database.createObjectStore('blobs')
        }
      },
      blocking: (_version, next) => {
        // Whoever waits deletes the database, or is another tab with a newer Hone.
        gone ??= new StorageGoneError(next === null ? DELETED : REPLACED)
        db.close()
      },
      terminated: () => {
        gone ??= new StorageGoneError(DELETED)
      },
    })
  } catch (error) {
    if (error instanceof Error && error.name === 'VersionError') throw new StoreVersionError("This browser's data")
    throw error
  }
  const use = (): IDBPDatabase<Schema> => {
    if (gone !== null) throw gone
    return db
  }
  const files = directory !== null && (await canWriteInPlace(directory)) ? createDirectoryFiles(directory) : createDatabaseFiles(use)
  const close = (): void => {
    db.close()
  }
  return createStore(hostOver(use, files, close), migrations)
}

function hostOver(use: () => IDBPDatabase<Schema>, files: BlobFiles, close: () => void): StoreHost {
  const asRow = (kind: RecordKind, { id, owner, value }: KeptRow): StoredRow => ({ kind, id, owner, value })
  // Nothing but requests of the transaction may be awaited while it is open: it would commit early.
  return {
    async get(kind, id) {
      const row = await use().get(kind, id)
      return row ? asRow(kind, row) : null
    },
    async list(kind, owners) {
      if (owners === undefined) return (await use().getAll(kind)).map((row) => asRow(kind, row))
      if (owners.length === 0) return []
      const index = use().transaction(kind).store.index('owner')
      const rows = (await Promise.all([...new Set(owners)].map((owner) => index.getAll(owner)))).flat()
      return rows.map((row) => asRow(kind, row)).sort((a, b) => (a.id < b.id ? -1 : 1))
    },
    async owners(kind) {
      const found: string[] = []
      for (let at = await use().transaction(kind).store.index('owner').openKeyCursor(null, 'nextunique'); at; at = await at.continue())
        found.push(at.key)
      return found
    },
    async put(rows) {
      if (rows.length === 0) return
      const change = use().transaction([...new Set(rows.map(({ kind }) => kind))], 'readwrite')
      const requests = rows.map(({ kind, id, owner, value }) => change.objectStore(kind).put({ id, owner, value }))
      await committed(change, requests)
    },
    async remove(rows) {
      if (rows.length === 0) return
      const change = use().transaction([...new Set(rows.map(({ kind }) => kind))], 'readwrite')
      await committed(
        change,
        rows.map(({ kind, id }) => change.objectStore(kind).delete(id)),
      )
    },
    files,
    close: () => {
      close()
      return Promise.resolve()
    },
  }
}

/**
 * When a transaction aborts, its requests fail with AbortError and only the transaction knows why: that the storage is full, for
 * example.
 */
async function committed(change: { readonly done: Promise<void> }, requests: readonly Promise<unknown>[]): Promise<void> {
  const [outcomes, done] = await Promise.all([Promise.allSettled(requests), Promise.allSettled([change.done])])
  const failures = [...outcomes, ...done].flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []))
  const cause = failures.find((reason) => !(reason instanceof Error && reason.name === 'AbortError')) ?? failures[0]
  if (cause !== undefined) throw cause instanceof Error ? cause : new Error('The browser did not keep what was written.')
}

async function canWriteInPlace(directory: DirectoryAccess): Promise<boolean> {
  const probe = 'probe'
  try {
    const access = await (await directory.getFileHandle(probe, { create: true })).createSyncAccessHandle?.()
    access?.close()
    await directory.removeEntry(probe)
    return access !== undefined
  } catch {
    return false
  }
}

/** Files of a directory of the private file system. */
export function createDirectoryFiles(directory: DirectoryAccess): BlobFiles {
  async function fileOf(file: string): Promise<Blob | null> {
    try {
      return await (await directory.getFileHandle(file, { create: false })).getFile()
    } catch (error) {
      if (isNotFound(error)) return null
      throw error
    }
  }
  const bytesOf = async (blob: Blob): Promise<Uint8Array<ArrayBuffer>> => new Uint8Array(await blob.arrayBuffer())
  return {
    async read(file) {
      const blob = await fileOf(file)
      return blob && bytesOf(blob)
    },
    async readHead(file, bytes) {
      const blob = await fileOf(file)
      return blob && { head: await bytesOf(blob.slice(0, bytes)), size: blob.size }
    },
    async write(file, header, content) {
      const handle = await directory.getFileHandle(file, { create: true })
      const access = await openToWrite(handle)
      if (!access) throw new Error('This browser cannot write files in place.')
      try {
        access.truncate(0)
        // Content first, header last and only when the content is on disk: a header means a whole slot.
        writeAll(access, content, header.length)
        access.flush()
        writeAll(access, header, 0)
        access.flush()
      } finally {
        access.close()
      }
    },
    async remove(file) {
      try {
        await directory.removeEntry(file)
      } catch (error) {
        if (!isNotFound(error)) throw error
      }
    },
    async list() {
      const names: string[] = []
      for await (const name of directory.keys()) names.push(name)
      return names
    },
  }
}

/** A worker that was ended a moment ago may hold its file a little longer. */
const LOCK_TRIES = 10
const LOCK_WAIT_MS = 100

async function openToWrite(handle: FileAccess): Promise<SyncAccess | undefined> {
  for (let tries = 1; ; tries++)
    try {
      return await handle.createSyncAccessHandle?.()
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'NoModificationAllowedError') throw error
      if (tries === LOCK_TRIES)
        throw new Error('Another tab of Hone is writing to this file: close that tab, then try again.', { cause: error })
      await new Promise((resolve) => setTimeout(resolve, LOCK_WAIT_MS))
    }
}

function writeAll(access: SyncAccess, bytes: Uint8Array, start: number): void {
  for (let done = 0; done < bytes.length;) {
    const written = access.write(bytes.subarray(done), { at: start + done })
    if (written === 0) throw new StorageFullError('The browser’s storage is full: there is no space for this file.')
    done += written
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && error.name === 'NotFoundError'
}

function createDatabaseFiles(use: () => IDBPDatabase<Schema>): BlobFiles {
  return {
    read: async (file) => (await use().get('blobs', file)) ?? null,
    readHead: async (file, bytes) => {
      const found = await use().get('blobHeads', file)
      return found ? { head: found.head.slice(0, bytes), size: found.size } : null
    },
    async write(file, header, content) {
      const whole = new Uint8Array(header.length + content.length)
      whole.set(header)
      whole.set(content, header.length)
      const change = use().transaction(['blobs', 'blobHeads'], 'readwrite')
      await committed(change, [
        change.objectStore('blobs').put(whole, file),
        change.objectStore('blobHeads').put({ head: header, size: whole.length }, file),
      ])
    },
    async remove(file) {
      const change = use().transaction(['blobs', 'blobHeads'], 'readwrite')
      await committed(change, [change.objectStore('blobs').delete(file), change.objectStore('blobHeads').delete(file)])
    },
    list: () => use().getAllKeys('blobHeads'),
  }
}
