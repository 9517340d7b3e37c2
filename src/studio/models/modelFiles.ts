/**
 * The files of a model as the store keeps them: in pieces, so that none is ever in memory as a whole and a download that was interrupted
 * continues where it stopped. Models imported by the first versions have one stored file each.
 */
import { z } from 'zod'
import { cachedSource, piecePrefix, type PieceStore } from '../../models/weights/cachedSource'
import { CheckpointError, sourceFromBytes, type ByteSource, type FolderSource } from '../../models/weights/byteSource'
import type { Store } from '../../storage/store'

/** Part of the stored layout. Large enough that a model of 8 B has a thousand. */
const PIECE_BYTES = 16 << 20

export const keptFile = z.object({ name: z.string(), size: z.int().nonnegative(), identity: z.string() })
export type KeptFile = z.infer<typeof keptFile>

export const modelBlob = (modelId: string, name: string): string => `models/${modelId}/${name}`

/** Pieces of one model's files: removed with it. */
export function piecesOf(store: Store, modelId: string): PieceStore {
  return {
    read: (key) => store.readBlob(modelBlob(modelId, key)),
    write: (key, bytes) => store.writeBlob(modelBlob(modelId, key), bytes),
  }
}

/** @param files as they were kept; null for a model with one stored file each. */
export function keptFolder(store: Store, modelId: string, files: readonly KeptFile[] | null): FolderSource {
  if (!files)
    return {
      name: modelId,
      open: async (name) => {
        const bytes = await store.readBlob(modelBlob(modelId, name))
        return bytes && sourceFromBytes(bytes, name)
      },
    }
  const open = ({ name, size, identity }: KeptFile): ByteSource => {
    const gone = (): Promise<never> =>
      Promise.reject(new CheckpointError(`${name}: a part of the stored file is missing or damaged; remove the model and load it again`))
    return cachedSource({ name, size, read: gone }, identity, piecesOf(store, modelId), PIECE_BYTES)
  }
  const sources = new Map(files.map((file) => [file.name, open(file)]))
  return { name: modelId, open: (name) => Promise.resolve(sources.get(name) ?? null), names: () => Promise.resolve([...sources.keys()]) }
}

/**
 * A folder whose files are kept as they are read, and read from what was kept.
 * @param fallback names the version of files that do not say it: they are not taken for those of another day.
 */
export function keepingFolder(
  folder: FolderSource,
  store: Store,
  modelId: string,
  fallback: string,
): { readonly folder: FolderSource; readonly opened: () => readonly KeptFile[] } {
  const files = new Map<string, KeptFile>()
  const sources = new Map<string, Promise<ByteSource | null>>()
  async function open(name: string): Promise<ByteSource | null> {
    const source = await folder.open(name)
    if (!source) return null
    const identity = source.identity ?? `${fallback} ${name}`
    files.set(name, { name, size: source.size, identity })
    return cachedSource(source, identity, piecesOf(store, modelId), PIECE_BYTES)
  }
  return {
    folder: {
      ...folder,
      open: (name) => {
        const source = sources.get(name) ?? open(name)
        sources.set(name, source)
        source.catch(() => sources.delete(name))
        return source
      },
    },
    opened: () => [...files.values()],
  }
}

/** Bytes kept of a model so far. */
export async function keptBytes(store: Store, modelId: string): Promise<number> {
  const blobs = await store.listBlobs((name) => name.startsWith(modelBlob(modelId, '')))
  return blobs.reduce((sum, { bytes }) => sum + bytes, 0)
}

/** Removes what is stored of a model; of `but` the pieces stay, and the stored files named in `keep`. */
export async function removeModelFiles(
  store: Store,
  modelId: string,
  but: readonly KeptFile[] = [],
  keep: readonly string[] = [],
): Promise<void> {
  const prefix = modelBlob(modelId, '')
  const staying = [...but.map(({ size, identity }) => piecePrefix(identity, size, PIECE_BYTES)), ...keep]
  for (const { name } of await store.listBlobs((one) => one.startsWith(prefix)))
    if (!staying.some((start) => name.startsWith(prefix + start))) await store.removeBlob(name)
}
