/**
 * Data that the user gave for benchmarks: files, folders, archives. Small ones are stored; larger ones are read from where the user has them for as
 * long as the studio is open, so that an archive of gigabytes is never copied.
 */
import { z } from 'zod'
import type { FileTree } from '../../base/fileTree'
import type { NewId } from '../../base/id'
import { blobTree, fileOrArchive } from '../../data/files/blobTree'
import type { Store } from '../../storage/store'
import type { GivenFile, Reply, WorldDataRow } from '../../worker/protocol'
import type { ClaimName } from '../claim'
import { accept, attempt, refuse } from '../failure'
import { claimOf } from '../storage/unfinishedImports'

/** Data up to this size are stored, so that they are there after a reload. */
const STORED_BYTES = 64 * 2 ** 20
const MOST_STORED_FILES = 500

const cardSchema = z.object({ data_id: z.string(), title: z.string(), files: z.array(z.object({ path: z.string(), bytes: z.number() })) })
type Card = z.infer<typeof cardSchema>

const folderOf = (id: string): string => `world-data/${id}/`
const cardName = (id: string): string => `${folderOf(id)}card.json`
/** Paths may have any characters, names of stored files may not. */
const fileName = (id: string, index: number): string => `${folderOf(id)}${index}`

export interface WorldData {
  list(): Promise<readonly WorldDataRow[]>
  add(title: string, files: readonly GivenFile[]): Promise<Reply<WorldDataRow>>
  remove(id: string): Promise<Reply<null>>
  /** Rejects with an Error of one sentence when there is no such data here. */
  open(id: string): Promise<FileTree>
}

interface WorldDataParts {
  readonly store: Store
  readonly newId: NewId
  readonly claim: ClaimName
  /** Opens data of the host's own, such as a path; absent: it has none. */
  readonly openHost?: ((id: string) => Promise<FileTree>) | undefined
}

export function createWorldData(parts: WorldDataParts): WorldData {
  const { store, newId, openHost } = parts
  const open = new Map<string, { readonly row: WorldDataRow; readonly tree: FileTree }>()
  return {
    list: async () => {
      const stored = (await storedCards(store)).map(rowOf)
      return [...stored, ...[...open.values()].map(({ row }) => row).filter(({ isStored }) => !isStored)]
    },
    add: (title, files) =>
      attempt('world-data', async () => {
        if (files.length === 0) return refuse('world-data', 'No file was chosen.')
        const bytes = files.reduce((sum, { file }) => sum + file.size, 0)
        const isStored = bytes <= STORED_BYTES && files.length <= MOST_STORED_FILES
        const card: Card = { data_id: newId('data'), title, files: files.map(({ path, file }) => ({ path, bytes: file.size })) }
        const tree = await treeOf(title, new Map(files.map(({ path, file }) => [path, file])))
        if (isStored) await storeFiles(card, files, parts)
        const row = { ...rowOf(card), isStored }
        open.set(row.data_id, { row, tree })
        return accept(row)
      }),
    remove: (id) =>
      attempt('world-data', async () => {
        open.delete(id)
        for (const { name } of await store.listBlobs((one) => one.startsWith(folderOf(id)))) await store.removeBlob(name)
        return accept(null)
      }),
    async open(id) {
      const known = open.get(id)
      if (known) return known.tree
      const card = (await storedCards(store)).find(({ data_id }) => data_id === id)
      if (card) return storedTree(store, card)
      if (openHost) return openHost(id)
      throw new Error(
        'These data are not here any more: large data are only read while this tab is open. Choose the files again on the Tools page.',
      )
    },
  }
}

const rowOf = ({ data_id, title, files }: Card): WorldDataRow => ({
  ...{ data_id, title, files: files.length, isStored: true },
  bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
})

/** One file is opened as what it holds; several are a folder. */
async function treeOf(title: string, files: ReadonlyMap<string, Blob>): Promise<FileTree> {
  const [only] = files
  return only && files.size === 1 ? fileOrArchive(only[1], only[0]) : blobTree(files, title)
}

async function storeFiles(card: Card, files: readonly GivenFile[], { store, claim }: WorldDataParts): Promise<void> {
  // Another tab removes files without a card, unless this one says that it is still writing them.
  const claimed = await claim(claimOf('world-data', card.data_id))
  try {
    for (const [index, { file }] of files.entries())
      await store.writeBlob(fileName(card.data_id, index), new Uint8Array(await file.arrayBuffer()))
    await store.writeBlob(cardName(card.data_id), new TextEncoder().encode(JSON.stringify(card)))
  } finally {
    if (claimed.ok) claimed.release()
  }
}

async function storedCards(store: Store): Promise<readonly Card[]> {
  const names = await store.listBlobs((name) => name.startsWith('world-data/') && name.endsWith('/card.json'))
  const cards = await Promise.all(
    names.map(async ({ name }) => {
      const bytes = await store.readBlob(name)
      return bytes ? cardSchema.safeParse(JSON.parse(new TextDecoder().decode(bytes))).data : undefined
    }),
  )
  return cards.filter((card) => card !== undefined)
}

async function storedTree(store: Store, { data_id, title, files }: Card): Promise<FileTree> {
  const blobs = new Map<string, Blob>()
  for (const [index, { path }] of files.entries()) {
    const bytes = await store.readBlob(fileName(data_id, index))
    if (!bytes)
      throw new Error(`${title}: the stored file ${path} is missing. Remove these data on the Tools page and choose the files again.`)
    blobs.set(path, new Blob([bytes]))
  }
  return treeOf(title, blobs)
}
