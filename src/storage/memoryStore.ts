/** A store that lasts as long as the process, for tests, private windows and trying things out. */
import type { BlobFiles } from './blobSlots'
import type { RecordKind, RecordMigration } from './recordKinds'
import { createStore, type Store, type StoredRow, type StoreHost } from './store'

/** Records are copied in and out, as with any other store: changing one later does not change what is stored. */
export function createMemoryStore(migrations?: readonly RecordMigration[]): Store {
  return createStore(createMemoryHost(), migrations)
}

/** The rows and files of a memory store, for stores that keep some of their records elsewhere. */
export function createMemoryHost(): StoreHost {
  const rows = new Map<string, StoredRow>()
  /** The same rows by kind and owner: listing those of one owner passes over no others. */
  const owned = new Map<string, Map<string, StoredRow>>()
  const keyOf = ({ kind, id }: Pick<StoredRow, 'kind' | 'id'>): string => `${kind}/${id}`
  const ownerKeyOf = (kind: RecordKind, owner: string): string => `${kind}/${owner}`
  const remove = (one: Pick<StoredRow, 'kind' | 'id'>): void => {
    const before = rows.get(keyOf(one))
    if (!before) return
    rows.delete(keyOf(one))
    const key = ownerKeyOf(before.kind, before.owner)
    const others = owned.get(key)
    others?.delete(before.id)
    if (others?.size === 0) owned.delete(key)
  }
  const put = (row: StoredRow): void => {
    remove(row)
    rows.set(keyOf(row), row)
    const key = ownerKeyOf(row.kind, row.owner)
    const others = owned.get(key)
    if (others) others.set(row.id, row)
    else owned.set(key, new Map([[row.id, row]]))
  }
  return {
    get: (kind, id) => Promise.resolve(structuredClone(rows.get(keyOf({ kind, id })) ?? null)),
    owners: (kind) => Promise.resolve([...new Set([...rows.values()].filter((row) => row.kind === kind).map(({ owner }) => owner))]),
    list: (kind, owners) => {
      const found = owners
        ? [...new Set(owners)].flatMap((owner) => [...(owned.get(ownerKeyOf(kind, owner))?.values() ?? [])])
        : [...rows.values()].filter((row) => row.kind === kind)
      return Promise.resolve(structuredClone(found.sort((a, b) => (a.id < b.id ? -1 : 1))))
    },
    put: (added) => {
      for (const row of structuredClone(added)) put(row)
      return Promise.resolve()
    },
    remove: (removed) => {
      for (const row of removed) remove(row)
      return Promise.resolve()
    },
    files: createMemoryFiles(),
    close: () => Promise.resolve(),
  }
}

function createMemoryFiles(): BlobFiles {
  const files = new Map<string, Uint8Array<ArrayBuffer>>()
  return {
    read: (file) => Promise.resolve(files.get(file)?.slice() ?? null),
    readHead: (file, bytes) => {
      const whole = files.get(file)
      return Promise.resolve(whole ? { head: whole.slice(0, bytes), size: whole.length } : null)
    },
    write: (file, header, content) => {
      const whole = new Uint8Array(header.length + content.length)
      whole.set(header)
      whole.set(content, header.length)
      files.set(file, whole)
      return Promise.resolve()
    },
    remove: (file) => Promise.resolve(void files.delete(file)),
    list: () => Promise.resolve([...files.keys()]),
  }
}
