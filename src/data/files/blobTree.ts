/** Files in memory, or one file, as a tree; an archive is opened as what it holds. */
import type { FileTree } from '../../base/fileTree'
import { zipTree } from './zipTree'

/** A tree of files that are at hand, by their paths. */
export function blobTree(files: ReadonlyMap<string, Blob>, title: string): FileTree {
  const paths = [...files.keys()].sort()
  return { title, paths: () => Promise.resolve(paths), blob: (path) => Promise.resolve(files.get(path) ?? null) }
}

/** Wheels are zip archives too. */
const ARCHIVE = [0x50, 0x4b, 0x03, 0x04]

/** The content of an archive, else a tree with the one file. Rejects with an Error of one sentence for a damaged archive. */
export async function fileOrArchive(blob: Blob, name: string): Promise<FileTree> {
  const head = new Uint8Array(await blob.slice(0, ARCHIVE.length).arrayBuffer())
  return ARCHIVE.every((byte, at) => head[at] === byte) ? zipTree(blob, name) : blobTree(new Map([[name, blob]]), name)
}
