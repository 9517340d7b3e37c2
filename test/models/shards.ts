/** A golden model cut into shards, and sources that count what is read from them. */
import { type ByteSource, folderFromMap, type FolderSource, sourceFromBytes } from '../../src/models/weights/byteSource'
import { type TensorToWrite, writeSafetensors } from '../../src/models/weights/writeSafetensors'
import { goldenFiles, openGolden } from './files'

export const INDEX = 'model.safetensors.index.json'
export const encode = (value: unknown): Uint8Array => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))

/** The folder's files with its weights in three shards of the single file's dtypes. */
export async function shardedFiles(folder: string): Promise<Map<string, Uint8Array>> {
  const file = await openGolden(`${folder}/model.safetensors`)
  const shards: Record<string, TensorToWrite>[] = [{}, {}, {}]
  const weight_map: Record<string, string> = {}
  const nameOf = (shard: number): string => `model-0000${shard + 1}-of-00003.safetensors`
  for (const [i, [name, { shape, dtype }]] of [...file.tensors].entries()) {
    if (dtype !== 'F32' && dtype !== 'F16' && dtype !== 'BF16') throw new Error(dtype)
    const tensors = shards[i % 3]
    if (tensors) tensors[name] = { shape, dtype, data: await file.float32(name) }
    weight_map[name] = nameOf(i % 3)
  }
  const files = goldenFiles(folder)
  files.delete('model.safetensors')
  for (const [i, tensors] of shards.entries()) files.set(nameOf(i), writeSafetensors(tensors))
  return files.set(INDEX, encode({ metadata: { total_size: 1 }, weight_map }))
}

export interface Reads {
  bytes: number
  largest: number
}

export function countedSource(source: ByteSource, reads: Reads): ByteSource {
  return {
    ...source,
    read: (offset, length) => {
      reads.bytes += length
      reads.largest = Math.max(reads.largest, length)
      return source.read(offset, length)
    },
  }
}

export function countedFolder(name: string, files: ReadonlyMap<string, Uint8Array>): { folder: FolderSource; reads: Reads } {
  const reads: Reads = { bytes: 0, largest: 0 }
  const sources = new Map([...files].map(([file, bytes]) => [file, countedSource(sourceFromBytes(bytes, file), reads)]))
  return { folder: folderFromMap(name, sources), reads }
}
