/**
 * Big files in two slots. A write goes to the slot that does not hold the newest good copy, and its header, which makes the slot
 * count, is written last: killed at any moment, the copy from before is still there.
 *
 * Slot file: 64 header bytes, then the content. Header: "HONEBLOB" · u32 version · u64 sequence · u64 content length · u32
 * CRC-32 of the content · u32 CRC-32 of the header so far; little-endian, the rest zero.
 */
import { crc32 } from './crc32'

export const HEADER_BYTES = 64
const MAGIC = 'HONEBLOB'
const VERSION = 1
const CHECKED_BYTES = 32

/** Files as a host gives them: OPFS, a directory, IndexedDB, memory. Names are plain file names. */
export interface BlobFiles {
  /** Whole file; null when there is none. */
  read(file: string): Promise<Uint8Array<ArrayBuffer> | null>
  /** The first bytes of a file and its size; null when there is none. */
  readHead(file: string, bytes: number): Promise<{ readonly head: Uint8Array<ArrayBuffer>; readonly size: number } | null>
  /** Replaces a file. The content must be on disk before the header is. */
  write(file: string, header: Uint8Array<ArrayBuffer>, content: Uint8Array): Promise<void>
  remove(file: string): Promise<void>
  list(): Promise<readonly string[]>
}

export interface BlobEntry {
  readonly name: string
  /** Content of the newest slot. */
  readonly bytes: number
}

/** A blob was stored, but no slot of it can be read. */
export class StoredBlobError extends Error {
  override readonly name = 'StoredBlobError'
  readonly blob: string
  constructor(blob: string) {
    super(`The stored file ${blob} is damaged in every copy; it has to be made again.`)
    this.blob = blob
  }
}

interface Header {
  readonly sequence: number
  readonly length: number
  readonly contentCrc: number
}

function encodeHeader({ sequence, length, contentCrc }: Header): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_BYTES)
  new TextEncoder().encodeInto(MAGIC, bytes)
  const view = new DataView(bytes.buffer)
  view.setUint32(8, VERSION, true)
  view.setBigUint64(12, BigInt(sequence), true)
  view.setBigUint64(20, BigInt(length), true)
  view.setUint32(28, contentCrc, true)
  view.setUint32(CHECKED_BYTES, crc32(bytes.subarray(0, CHECKED_BYTES)), true)
  return bytes
}

/** null for a header that is torn, foreign, of a newer version, or promises another size than the file has. */
function decodeHeader(bytes: Uint8Array<ArrayBuffer>, size: number): Header | null {
  if (bytes.length < HEADER_BYTES || new TextDecoder().decode(bytes.subarray(0, 8)) !== MAGIC) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES)
  if (view.getUint32(CHECKED_BYTES, true) !== crc32(bytes.subarray(0, CHECKED_BYTES)) || view.getUint32(8, true) !== VERSION) return null
  const length = Number(view.getBigUint64(20, true))
  if (size !== HEADER_BYTES + length) return null
  return { sequence: Number(view.getBigUint64(12, true)), length, contentCrc: view.getUint32(28, true) }
}

/** Longest file name most file systems take, less the slot's suffix. */
const MAX_FILE_NAME = 240

function fileName(name: string, slot: 0 | 1): string {
  const encoded = encodeURIComponent(name).replaceAll('*', '%2A').replaceAll('.', '%2E')
  if (name === '' || encoded.length > MAX_FILE_NAME)
    throw new RangeError(
      `Expected a stored file's name of 1 to ${String(MAX_FILE_NAME)} characters, found ${JSON.stringify(name.slice(0, 60))}.`,
    )
  return `${encoded}.${String(slot)}`
}

export interface BlobSlots {
  /** Resolves once the bytes are safe. Writes to one name follow one another. */
  readonly write: (name: string, bytes: Uint8Array) => Promise<void>
  /** The newest whole copy; null when there never was one. Rejects with StoredBlobError when no copy is whole. */
  readonly read: (name: string) => Promise<Uint8Array<ArrayBuffer> | null>
  readonly remove: (name: string) => Promise<void>
  /** All, or those with a name that is `wanted`: the others are not looked at. */
  readonly list: (wanted?: (name: string) => boolean) => Promise<BlobEntry[]>
}

/** Reads and writes of one name follow one another: a slot must not be read while it is rewritten. */
export function createBlobSlots(files: BlobFiles): BlobSlots {
  const inTurn = queuePerName()
  return {
    write: (name, bytes) => inTurn(name, () => writeOlderSlot(files, name, bytes)),
    read: (name) => inTurn(name, () => readNewest(files, name)),
    remove: (name) =>
      inTurn(name, async () => {
        await files.remove(fileName(name, 0))
        await files.remove(fileName(name, 1))
      }),
    list: (wanted = () => true) => listNewest(files, wanted),
  }
}

/** Returns a function that runs the work on each name one at a time, in the order it was asked for. */
function queuePerName(): <T>(name: string, work: () => Promise<T>) => Promise<T> {
  const queues = new Map<string, Promise<unknown>>()
  return (name, work) => {
    const result = (queues.get(name) ?? Promise.resolve()).then(work, work)
    const settled = result
      .catch(() => undefined)
      .finally(() => {
        if (queues.get(name) === settled) queues.delete(name)
      })
    queues.set(name, settled)
    return result
  }
}

/** The header of a slot's file; null when the file is missing or its header is not whole. */
async function headerOf(files: BlobFiles, file: string): Promise<Header | null> {
  const found = await files.readHead(file, HEADER_BYTES)
  return found && decodeHeader(found.head, found.size)
}

/** Writes to the slot that does not hold the newest copy. */
async function writeOlderSlot(files: BlobFiles, name: string, bytes: Uint8Array): Promise<void> {
  const [a, b] = [await headerOf(files, fileName(name, 0)), await headerOf(files, fileName(name, 1))]
  const newestIsA = a !== null && (b === null || a.sequence > b.sequence)
  const sequence = Math.max(a?.sequence ?? 0, b?.sequence ?? 0) + 1
  const header = encodeHeader({ sequence, length: bytes.length, contentCrc: crc32(bytes) })
  await files.write(fileName(name, newestIsA ? 1 : 0), header, bytes)
}

interface Slot {
  readonly file: string
  readonly header: Header
}

/** The slots of a name with a whole header, newest first, and how many of its two files exist. */
async function slotsOf(files: BlobFiles, name: string): Promise<{ readonly slots: readonly Slot[]; readonly present: number }> {
  const slots: Slot[] = []
  let present = 0
  for (const slot of [0, 1] as const) {
    const file = fileName(name, slot)
    const found = await files.readHead(file, HEADER_BYTES)
    if (!found) continue
    present += 1
    const header = decodeHeader(found.head, found.size)
    if (header) slots.push({ file, header })
  }
  slots.sort((x, y) => y.header.sequence - x.header.sequence)
  return { slots, present }
}

/** The newest whole content of a name; null when there never was one. Throws StoredBlobError when no copy is whole. */
async function readNewest(files: BlobFiles, name: string): Promise<Uint8Array<ArrayBuffer> | null> {
  const { slots, present } = await slotsOf(files, name)
  for (const [index, { file, header }] of slots.entries()) {
    const whole = await files.read(file)
    const content = whole?.subarray(HEADER_BYTES)
    if (content?.length !== header.length || crc32(content) !== header.contentCrc) continue
    // A newer one's header still promises a whole copy: the next write would spare it and take the good one's place.
    for (const damaged of slots.slice(0, index)) await files.remove(damaged.file)
    return content
  }
  // A first write that was cut off left one slot without a header: there never was a copy.
  if (slots.length === 0 && present < 2) return null
  throw new StoredBlobError(name)
}

/** Every `wanted` name with the size of its newest copy, sorted by name. */
async function listNewest(files: BlobFiles, wanted: (name: string) => boolean): Promise<BlobEntry[]> {
  const newest = new Map<string, Header>()
  for (const file of await files.list()) {
    const encoded = /^(.+)\.[01]$/.exec(file)?.[1]
    const name = encoded === undefined ? null : decodeURIComponent(encoded)
    const header = name !== null && wanted(name) ? await headerOf(files, file) : null
    if (name === null || !header) continue
    if (header.sequence > (newest.get(name)?.sequence ?? 0)) newest.set(name, header)
  }
  return [...newest].map(([name, { length }]) => ({ name, bytes: length })).sort((x, y) => (x.name < y.name ? -1 : 1))
}
