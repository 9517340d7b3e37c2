/**
 * Imports that ended before their time, by a reload or a crash: what they had stored belongs to nothing, so it is removed at the next start,
 * and said. An import under way in another tab holds the claim on its name, and is left alone.
 */
import { z } from 'zod'
import type { DatasetRow } from '../../records/dataset'
import type { Store } from '../../storage/store'
import type { UnfinishedImport } from '../../worker/protocol'
import type { ClaimName } from '../claim'

type ImportKind = UnfinishedImport['kind']

export const IMPORT_CLAIM = 'hone-import-'

/** What an import holds among all tabs for as long as it runs. */
export const claimOf = (kind: ImportKind, id: string): string => `${IMPORT_CLAIM}${kind}-${id}`

const noteSchema = z.object({ name: z.string() })
const NOTE = 'import.json'
const noteName = (datasetId: string): string => `datasets/${datasetId}/${NOTE}`

/** Writes the name of the imported file before anything else of a new data set, so that an import that was interrupted can be named. */
export const noteImport = (store: Store, { dataset_id, name }: Pick<DatasetRow, 'dataset_id' | 'name'>): Promise<void> =>
  store.writeBlob(noteName(dataset_id), new TextEncoder().encode(JSON.stringify({ name })))

/** The note alone when the import is finished; everything when it is not. */
export async function removeImport(store: Store, datasetId: string, what: 'note' | 'everything'): Promise<void> {
  if (what === 'everything') {
    await store.removeDataset(datasetId)
    for (const { name } of await blobsUnder(store, `datasets/${datasetId}/`)) if (name !== noteName(datasetId)) await store.removeBlob(name)
  }
  // Last: it is what names the rest.
  await store.removeBlob(noteName(datasetId))
}

/** The part of a stored file's name that says whose it is. */
const idIn = (name: string): string => name.split('/')[1] ?? ''
const blobsUnder = (store: Store, prefix: string) => store.listBlobs((name) => name.startsWith(prefix))

/** Everything that belongs to no data set, model or adapter. */
export async function unfinishedImports(store: Store): Promise<UnfinishedImport[]> {
  const folders = await Promise.all((['model', 'adapter', 'world-data'] as const).map((kind) => foldersWithout(store, kind)))
  return [...(await unfinishedDatasets(store)), ...folders.flat()]
}

async function unfinishedDatasets(store: Store): Promise<UnfinishedImport[]> {
  const blobs = await blobsUnder(store, 'datasets/')
  const owners = (await store.trajectories.owners()).flatMap((owner) => ('dataset_id' in owner ? [owner.dataset_id] : []))
  const finished = new Set((await store.datasets.list()).records.map(({ dataset_id }) => dataset_id))
  const found: UnfinishedImport[] = []
  for (const id of new Set([...owners, ...blobs.map(({ name }) => idIn(name))])) {
    if (finished.has(id)) continue
    const bytes = blobs.filter(({ name }) => idIn(name) === id).reduce((sum, one) => sum + one.bytes, 0)
    found.push({ kind: 'dataset', id, name: await noteOf(store, id), bytes })
  }
  return found
}

async function noteOf(store: Store, datasetId: string): Promise<string> {
  const bytes = await store.readBlob(noteName(datasetId)).catch(() => null)
  try {
    return bytes ? noteSchema.parse(JSON.parse(new TextDecoder().decode(bytes))).name : datasetId
  } catch {
    return datasetId
  }
}

/** A card is written last and makes a model or an adapter of its files; the note of a download says that it can go on. */
const FOLDERS = {
  model: ['models/', ['hone.json', 'download.json']],
  adapter: ['adapters/', ['hone.json']],
  'world-data': ['world-data/', ['card.json']],
} as const

async function foldersWithout(store: Store, kind: keyof typeof FOLDERS): Promise<UnfinishedImport[]> {
  const [root, cards] = FOLDERS[kind]
  const blobs = await blobsUnder(store, root)
  const whole = new Set(
    blobs.filter(({ name }) => cards.some((card) => name === `${root}${idIn(name)}/${card}`)).map(({ name }) => idIn(name)),
  )
  const bytesOf = new Map<string, number>()
  for (const { name, bytes } of blobs) if (!whole.has(idIn(name))) bytesOf.set(idIn(name), (bytesOf.get(idIn(name)) ?? 0) + bytes)
  return [...bytesOf].map(([id, bytes]) => ({ kind, id, name: id, bytes }))
}

async function removeUnfinished(store: Store, { kind, id }: UnfinishedImport): Promise<void> {
  if (kind === 'dataset') return removeImport(store, id, 'everything')
  for (const { name } of await blobsUnder(store, `${FOLDERS[kind][0]}${id}/`)) await store.removeBlob(name)
}

/** Removes them, at a start. Returns what was removed; what another tab is importing stays. */
export async function removeUnfinishedImports({
  store,
  claim,
}: {
  readonly store: Store
  readonly claim: ClaimName
}): Promise<UnfinishedImport[]> {
  const removed: UnfinishedImport[] = []
  for (const found of await unfinishedImports(store)) {
    const claimed = await claim(claimOf(found.kind, found.id))
    if (!claimed.ok) continue
    try {
      // Another tab may have finished it meanwhile.
      if (!(await unfinishedImports(store)).some(({ kind, id }) => kind === found.kind && id === found.id)) continue
      await removeUnfinished(store, found)
      removed.push(found)
    } finally {
      claimed.release()
    }
  }
  return removed
}
