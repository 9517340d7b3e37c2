/** What is written down about a stored model: its card, which makes it one, and the note of a download that has not ended. */
import { z } from 'zod'
import { openCheckpoint, SIDE_FILES, type WeightsFolder } from '../../models/checkpointFolder'
import { ropeTypeOf } from '../../models/claims'
import { architectures } from '../../models/architectures'
import { architectureOf, parameterCount } from '../../models/languageModel'
import { CheckpointError, parseJson, type FolderSource } from '../../models/weights/byteSource'
import type { Store } from '../../storage/store'
import type { ModelRow, UnfinishedDownload } from '../../worker/protocol'
import { keepingFolder, keptBytes, keptFile, modelBlob, removeModelFiles } from './modelFiles'

const CARD = 'hone.json'
const NOTE = 'download.json'

const originSchema = z.object({
  /** Of the server. */
  host: z.string(),
  /** `owner/name@commit`, or the address of a folder: the same bytes on another day. */
  pinned: z.string(),
  /** The commit; null where the server has none. */
  revision: z.string().nullable(),
})
export type ModelOrigin = z.infer<typeof originSchema>

const cardSchema = z.object({
  model_id: z.string(),
  title: z.string(),
  architecture: z.string(),
  /** Models of the first versions have none of a scaling. */
  rope: z.string().default('plain'),
  parameters: z.number(),
  bytes: z.number(),
  contextLength: z.number(),
  vocabulary: z.number(),
  sha256: z.string(),
  created_at: z.string(),
  files: z.array(keptFile).nullable().default(null),
  origin: originSchema.nullable().default(null),
})
export type Card = z.infer<typeof cardSchema>

const noteSchema = z.object({ model_id: z.string(), title: z.string(), hub: z.string(), bytes: z.number(), origin: originSchema })
/** A download that has begun. The token is not part of it. */
export type DownloadNote = z.infer<typeof noteSchema>

async function recordsNamed<T>(store: Store, file: string, schema: z.ZodType<T>): Promise<T[]> {
  const found: T[] = []
  for (const { name } of await store.listBlobs((one) => one.startsWith('models/') && one.endsWith(`/${file}`))) {
    const bytes = await store.readBlob(name).catch(() => null)
    const parsed = schema.safeParse(bytes && parseJson(new TextDecoder().decode(bytes), name))
    if (parsed.success) found.push(parsed.data)
  }
  return found
}

/** The oldest first. */
export async function readCards(store: Store): Promise<Card[]> {
  return (await recordsNamed(store, CARD, cardSchema)).sort((a, b) => (a.created_at < b.created_at ? -1 : 1))
}

export const readNotes = (store: Store): Promise<DownloadNote[]> => recordsNamed(store, NOTE, noteSchema)

export const writeNote = (store: Store, note: DownloadNote): Promise<void> =>
  store.writeBlob(modelBlob(note.model_id, NOTE), new TextEncoder().encode(JSON.stringify(note)))

interface StoredCopy {
  /** null when nothing of it is stored. */
  readonly id: string | null
  readonly isWhole: boolean
  readonly bytes: number
}

/** What is stored of a model that a server has: a whole model, or what an interrupted download left. */
export async function storedCopy(store: Store, { host, pinned }: ModelOrigin): Promise<StoredCopy> {
  const isSame = ({ origin }: { readonly origin: ModelOrigin | null }): boolean => origin?.host === host && origin.pinned === pinned
  const card = (await readCards(store)).find(isSame)
  // A folder without revisions may hold another model today.
  if (card && card.origin?.revision !== null) return { id: card.model_id, isWhole: true, bytes: card.bytes }
  const note = (await readNotes(store)).find(isSame)
  return { id: note?.model_id ?? null, isWhole: false, bytes: note ? await keptBytes(store, note.model_id) : 0 }
}

export function rowOf({ sha256: _hash, created_at: _at, files: _files, origin, ...row }: Card): ModelRow {
  return { ...row, origin: origin && placeText(origin), revision: origin?.revision ?? null, adapters: [] }
}

export const unfinishedOf = ({ model_id, title, hub, bytes, origin }: DownloadNote, keptBytes: number): UnfinishedDownload => ({
  ...{ model_id, title, hub, bytes, keptBytes: Math.min(bytes, keptBytes) },
  ...{ host: origin.host, where: origin.pinned, revision: origin.revision },
})

const placeText = ({ host, pinned, revision }: ModelOrigin): string =>
  revision === null ? pinned : `${host}/${pinned.split('@')[0] ?? ''}`

/** Throws a sentence for what the engine cannot compute with. */
export function checkUsable({ config, requireTensors }: WeightsFolder): void {
  if (!(config.model_type in architectures))
    throw new CheckpointError(
      `config.json: model_type "${config.model_type}" cannot be trained yet; expected ${Object.keys(architectures).join(', ')}`,
    )
  requireTensors(architectureOf(config).parameters(config))
}

/** An id that can be a part of stored files' names. */
export function freeId(name: string, taken: ReadonlySet<string>): string {
  const base =
    name
      .toLowerCase()
      .replaceAll(/[^a-z0-9.]+/g, '-')
      .replaceAll(/^[-.]+|[-.]+$/g, '')
      .slice(0, 60) || 'model'
  let id = base
  for (let n = 2; taken.has(id); n++) id = `${base}-${n}`
  return id
}

/** The card first: what is removed halfway is no model. */
export async function removeModel(store: Store, modelId: string): Promise<void> {
  await store.removeBlob(modelBlob(modelId, CARD))
  await removeModelFiles(store, modelId)
}

/** Bytes that keeping a model would keep, from the files' sizes alone. */
export async function keptSize(folder: FolderSource, { tensors }: Pick<WeightsFolder, 'tensors'>): Promise<number> {
  const names = [...SIDE_FILES, ...tensors.files, ...((await folder.open('model.safetensors')) ? [] : ['model.safetensors.index.json'])]
  const sources = await Promise.all(names.map((name) => folder.open(name)))
  return sources.reduce((sum, source) => sum + (source?.size ?? 0), 0)
}

/** Reads every byte of a model once, which keeps it, and writes its card, which makes it one. What was kept stays when it fails. */
export async function keepModel(
  store: Store,
  folder: FolderSource,
  { model_id, title, origin, now }: Pick<Card, 'model_id' | 'title' | 'origin'> & { readonly now: string },
): Promise<Card> {
  const keeping = keepingFolder(folder, store, model_id, now)
  const checkpoint = await openCheckpoint(keeping.folder)
  checkUsable(checkpoint)
  for (const name of SIDE_FILES) {
    const source = await keeping.folder.open(name)
    await source?.read(0, source.size)
  }
  const sha256 = await checkpoint.sha256()
  const { config } = checkpoint
  const files = [...keeping.opened()]
  const card: Card = {
    ...{ model_id, title, origin, files, sha256, created_at: now },
    architecture: config.model_type,
    rope: ropeTypeOf(config),
    parameters: parameterCount(config),
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    contextLength: config.max_position_embeddings,
    vocabulary: config.vocab_size,
  }
  await store.writeBlob(modelBlob(model_id, CARD), new TextEncoder().encode(JSON.stringify(card)))
  // The note of the download, and pieces of another version of its files.
  await removeModelFiles(store, model_id, files, [CARD])
  return card
}
