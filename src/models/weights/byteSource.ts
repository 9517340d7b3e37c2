/**
 * Where bytes come from: a random-access source, so that no file need be in memory as a whole.
 * The host hands in the file, Blob, Node file handle or `fetch`; this folder touches no globals of its own.
 */

/** A file of known size that can be read anywhere. `read` resolves to exactly `length` bytes or rejects. */
export interface ByteSource {
  readonly size: number
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>
}

/** A named set of files. `open` resolves to null when there is no such file, so that a server without listings will do. */
export interface FolderSource {
  /** For messages: the folder's name, path or address. */
  readonly name: string
  open(fileName: string): Promise<ByteSource | null>
}

/** Anything wrong with a file we were given. The message names the file, what was expected and what was found. */
export class CheckpointError extends Error {
  override name = 'CheckpointError'
}

function checkRange(offset: number, length: number, size: number): void {
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0 || offset + length > size) {
    throw new RangeError(`read of ${length} bytes at ${offset} is outside a source of ${size} bytes`)
  }
}

/** Bytes that are in memory already. Reads are copies, so a caller may keep or transfer them. */
export function sourceFromBytes(bytes: Uint8Array | ArrayBuffer): ByteSource {
  const view = bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes)
  return {
    size: view.byteLength,
    read: (offset, length) =>
      new Promise((resolve) => {
        checkRange(offset, length, view.byteLength)
        resolve(new Uint8Array(view.subarray(offset, offset + length)))
      }),
  }
}

/** A Blob or a File the user picked. */
export function sourceFromBlob(blob: Blob): ByteSource {
  return {
    size: blob.size,
    async read(offset, length) {
      checkRange(offset, length, blob.size)
      return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer())
    },
  }
}

/** The part of Node's `FileHandle` (node:fs/promises) that is needed here. */
export interface ReadableHandle {
  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }>
}

/** An open Node file handle and its size. Short reads are continued. */
export function sourceFromHandle(handle: ReadableHandle, size: number): ByteSource {
  return {
    size,
    async read(offset, length) {
      checkRange(offset, length, size)
      const out = new Uint8Array(length)
      let done = 0
      while (done < length) {
        const { bytesRead } = await handle.read(out, done, length - done, offset + done)
        if (bytesRead === 0) throw new CheckpointError(`file ended after ${offset + done} bytes, expected ${size}`)
        done += bytesRead
      }
      return out
    },
  }
}

export type Fetcher = (url: string, init?: { headers?: Record<string, string> }) => Promise<Response>

/**
 * A file behind a URL, read with HTTP ranges. A server that ignores ranges (answers 200) is asked once more at most: its whole
 * answer is kept. Resolves to null when the answer is 404, or a web page: many servers answer so for files they do not have.
 */
export async function sourceFromUrl(url: string, fetcher: Fetcher): Promise<ByteSource | null> {
  const first = await fetcher(url, { headers: { Range: 'bytes=0-0' } })
  if (first.status === 404 || (first.ok && /^text\/html\b/i.test(first.headers.get('content-type') ?? ''))) return null
  if (first.status === 200) return sourceFromBytes(await first.arrayBuffer())
  // 416: the file is empty, so not even byte 0 exists.
  if (first.status === 416) return sourceFromBytes(new Uint8Array(0))
  if (first.status !== 206) throw new CheckpointError(`${url}: the server answered ${first.status} ${first.statusText}`.trim())
  await first.arrayBuffer()
  const size = Number(/\/(\d+)$/.exec(first.headers.get('content-range') ?? '')?.[1] ?? Number.NaN)
  if (!Number.isSafeInteger(size)) {
    // Across origins Content-Range is hidden unless the server exposes it.
    const whole = await fetcher(url)
    if (!whole.ok) throw new CheckpointError(`${url}: the server answered ${whole.status} ${whole.statusText}`.trim())
    return sourceFromBytes(await whole.arrayBuffer())
  }
  return {
    size,
    async read(offset, length) {
      checkRange(offset, length, size)
      if (length === 0) return new Uint8Array(0)
      const response = await fetcher(url, { headers: { Range: `bytes=${offset}-${offset + length - 1}` } })
      if (response.status !== 206) throw new CheckpointError(`${url}: expected a partial answer (206), found ${response.status}`)
      const bytes = new Uint8Array(await response.arrayBuffer())
      if (bytes.byteLength !== length) {
        throw new CheckpointError(`${url}: asked for ${length} bytes at ${offset}, received ${bytes.byteLength}`)
      }
      return bytes
    },
  }
}

/** A folder given as name → source (or bytes). Names are the files' own names, without a path. */
export function folderFromMap(name: string, files: ReadonlyMap<string, ByteSource | Uint8Array>): FolderSource {
  return {
    name,
    open: (fileName) => {
      const file = files.get(fileName)
      return Promise.resolve(file === undefined ? null : file instanceof Uint8Array ? sourceFromBytes(file) : file)
    },
  }
}

/** Files picked together in a browser (`<input webkitdirectory>` or dropped). */
export function folderFromFiles(name: string, files: Iterable<File>): FolderSource {
  return folderFromMap(name, new Map(Array.from(files, (file) => [file.name, sourceFromBlob(file)])))
}

/** A folder under a URL, such as `…/starter/` or `https://huggingface.co/ORG/NAME/resolve/REVISION/`. */
export function folderFromUrl(base: string, fetcher: Fetcher): FolderSource {
  const prefix = base.endsWith('/') ? base : `${base}/`
  return { name: prefix, open: (fileName) => sourceFromUrl(prefix + fileName, fetcher) }
}

/** A small text file, or null when it is absent. Throws when it is larger than `limitBytes` or not UTF-8. */
export async function readText(folder: FolderSource, fileName: string, limitBytes = 64 << 20): Promise<string | null> {
  const source = await folder.open(fileName)
  if (!source) return null
  if (source.size > limitBytes) {
    throw new CheckpointError(`${fileName}: expected at most ${limitBytes} bytes of text, found ${source.size}`)
  }
  const bytes = await source.read(0, source.size)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new CheckpointError(`${fileName}: expected UTF-8 text, found other bytes`)
  }
}

/** A small JSON file, or null when it is absent. */
export async function readJson(folder: FolderSource, fileName: string): Promise<unknown> {
  const text = await readText(folder, fileName)
  return text === null ? null : parseJson(text, fileName)
}

export function parseJson(text: string, fileName: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return value
  } catch (error) {
    throw new CheckpointError(`${fileName}: not valid JSON (${error instanceof Error ? error.message : String(error)})`)
  }
}
