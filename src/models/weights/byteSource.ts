/**
 * Where bytes come from: a random-access source, so that no file need be in memory as a whole.
 * The host passes the file, Blob or Node file handle; this folder uses no globals itself. Files behind an address:
 * `httpSource.ts`; of the Hugging Face Hub: `hub.ts`; kept after the first read: `cachedSource.ts`.
 */
import { z } from 'zod'
import { oneLine } from '../../base/visibleText'

const jsonObject = z.record(z.string(), z.unknown())

/** A file of known size that can be read anywhere. `read` resolves to exactly `length` bytes or rejects. */
export interface ByteSource {
  /** For messages: the file's name, path or address. */
  readonly name: string
  readonly size: number
  /** Where the bytes came from and in which version: another content has another. It is absent where the source does not say. */
  readonly identity?: string | null
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>
}

/** A named set of files. `open` resolves to null when there is no such file, so that a server without listings will do. */
export interface FolderSource {
  /** For messages: the folder's name, path or address. */
  readonly name: string
  open(fileName: string): Promise<ByteSource | null>
  /** The files' names; absent where they cannot be listed, as on a plain web server. */
  names?(): Promise<readonly string[]>
  /** Files asked for so far that the server forbids: some servers answer so for files they do not have. */
  forbidden?(): readonly string[]
}

/** Most that is read of a text, or kept of a file that cannot be read in parts. The largest tokenizers have some 35 MB. */
export const SMALL_FILE_BYTES = 64 << 20

/** Anything wrong with a file we were given. The message names the file, what was expected and what was found. */
export class CheckpointError extends Error {
  override name = 'CheckpointError'
  /** Names in files may have any length and any characters. */
  constructor(message: string, options?: ErrorOptions) {
    super(oneLine(message), options)
  }
}

/** The error for a file that must be there and is not. */
export function missingFile(folder: FolderSource, expected: string): CheckpointError {
  const forbidden = folder.forbidden?.() ?? []
  const note =
    forbidden.length === 0 ? '' : `. The server forbids access (403) to ${forbidden.join(', ')}: they are not there, or may not be read.`
  return new CheckpointError(`${folder.name}: file missing: ${expected}${note}`)
}

/** Throws RangeError for a read that is not inside the source. */
export function checkRange({ name, size }: Pick<ByteSource, 'name' | 'size'>, offset: number, length: number): void {
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0 || offset + length > size) {
    throw new RangeError(`${name}: read of ${length} bytes at ${offset} is outside a source of ${size} bytes`)
  }
}

/** Bytes that are in memory already. Reads are copies, so a caller may keep or transfer them. */
export function sourceFromBytes(bytes: Uint8Array | ArrayBuffer, name = 'bytes in memory'): ByteSource {
  const view = bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes)
  const size = view.byteLength
  return {
    name,
    size,
    read: (offset, length) =>
      new Promise((resolve) => {
        checkRange({ name, size }, offset, length)
        resolve(new Uint8Array(view.subarray(offset, offset + length)))
      }),
  }
}

/** A Blob or a File the user picked. */
export function sourceFromBlob(blob: Blob, name = blob instanceof File ? blob.name : 'blob'): ByteSource {
  const { size } = blob
  return {
    name,
    size,
    async read(offset, length) {
      checkRange({ name, size }, offset, length)
      return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer())
    },
  }
}

/** The part of Node's `FileHandle` (node:fs/promises) that is needed here. */
export interface ReadableHandle {
  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }>
}

/** An open Node file handle and its size. Short reads are continued. */
export function sourceFromHandle(handle: ReadableHandle, size: number, name = 'file'): ByteSource {
  return {
    name,
    size,
    async read(offset, length) {
      checkRange({ name, size }, offset, length)
      const out = new Uint8Array(length)
      let done = 0
      while (done < length) {
        const { bytesRead } = await handle.read(out, done, length - done, offset + done)
        if (bytesRead === 0) throw new CheckpointError(`${name}: the file ended after ${offset + done} bytes, expected ${size}`)
        done += bytesRead
      }
      return out
    },
  }
}

/** A folder given as name → source (or bytes). Names are the files' own names, without a path. */
export function folderFromMap(name: string, files: ReadonlyMap<string, ByteSource | Uint8Array>): FolderSource {
  return {
    name,
    open: (fileName) => {
      const file = files.get(fileName)
      return Promise.resolve(file === undefined ? null : file instanceof Uint8Array ? sourceFromBytes(file, fileName) : file)
    },
    names: () => Promise.resolve([...files.keys()]),
  }
}

/** Files picked together in a browser (`<input webkitdirectory>` or dropped). */
export function folderFromFiles(name: string, files: Iterable<File>): FolderSource {
  return folderFromMap(name, new Map(Array.from(files, (file) => [file.name, sourceFromBlob(file)])))
}

/** A small text file, or null when it is absent. Throws when it is larger than `limitBytes` or not UTF-8. */
export async function readText(folder: FolderSource, fileName: string, limitBytes = SMALL_FILE_BYTES): Promise<string | null> {
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

export type JsonObject = Readonly<Record<string, unknown>>

/** A small file that holds a JSON object, or null when it is absent. */
export async function readJsonObject(folder: FolderSource, fileName: string, limitBytes = SMALL_FILE_BYTES): Promise<JsonObject | null> {
  const text = await readText(folder, fileName, limitBytes)
  return text === null ? null : parseJsonObject(text, fileName)
}

function parseJsonObject(text: string, fileName: string): JsonObject {
  const value = parseJson(text, fileName)
  const parsed = jsonObject.safeParse(value)
  if (!parsed.success)
    throw new CheckpointError(`${fileName}: expected a JSON object, found ${Array.isArray(value) ? 'an array' : typeof value}`)
  return parsed.data
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
