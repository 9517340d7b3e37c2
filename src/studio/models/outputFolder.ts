/** Where the files of a model are written that a job makes. */
import { folderFromMap, sourceFromBlob, type ByteSource, type FolderSource } from '../../models/weights/byteSource'

export interface OutputFolder {
  /** Writes a file piece by piece: it need not be in memory as a whole. A file that was begun and not finished does not count. */
  write(name: string, pieces: AsyncIterable<Uint8Array>): Promise<void>
  /** What was written so far, to be read again. */
  readonly written: FolderSource
  /** The files where the host has no directories; else empty. */
  readonly blobs: ReadonlyMap<string, Blob>
  close(): Promise<void>
}

/** Files in memory, which browsers may keep on disk. */
export function createBlobFolder(name: string): OutputFolder {
  const blobs = new Map<string, Blob>()
  const sources = new Map<string, ByteSource>()
  return {
    blobs,
    written: folderFromMap(name, sources),
    async write(file, pieces) {
      // Each piece becomes the browser's at once: it keeps large ones on disk.
      const parts: Blob[] = []
      for await (const piece of pieces) parts.push(new Blob([new Uint8Array(piece)]))
      const blob = new Blob(parts)
      blobs.set(file, blob)
      sources.set(file, sourceFromBlob(blob, file))
    },
    close: () => Promise.resolve(),
  }
}
