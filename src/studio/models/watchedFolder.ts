/** A folder whose reads are counted and can be stopped: for imports, which say how far they are. */
import type { ByteSource, FolderSource } from '../../models/weights/byteSource'

/** A larger read is done in parts, so that its progress is seen and it stops soon. */
const PART_BYTES = 4 << 20

export interface ReadWatch {
  /** Rejects the reads that come after it aborts. */
  readonly signal: AbortSignal
  /** So many bytes of a file were read. */
  readonly onRead: (bytes: number, file: string) => void
}

export function watchedFolder(folder: FolderSource, watch: ReadWatch): FolderSource {
  return {
    ...folder,
    open: async (name) => {
      const source = await folder.open(name)
      return source && watchedSource(source, name, watch)
    },
  }
}

const watchedSource = (source: ByteSource, name: string, { signal, onRead }: ReadWatch): ByteSource => ({
  ...source,
  async read(offset, length) {
    const parts: Uint8Array<ArrayBuffer>[] = []
    for (let done = 0; done < length || parts.length === 0; done += PART_BYTES) {
      signal.throwIfAborted()
      const part = await source.read(offset + done, Math.min(PART_BYTES, length - done))
      parts.push(part)
      onRead(part.length, name)
    }
    const [only] = parts
    if (only && parts.length === 1) return only
    const whole = new Uint8Array(length)
    parts.forEach((part, index) => {
      whole.set(part, index * PART_BYTES)
    })
    return whole
  },
})
