/**
 * Caches the pieces of a remote file as they arrive: a second read of the same bytes needs no request, and an interrupted download, even after
 * the process ended, resumes where it stopped. What is missing is fetched in runs of neighbouring pieces.
 */
import { sha256 } from '../../base/sha256'
import { type ByteSource, checkRange } from './byteSource'

/** A key-value store of bytes. A value is stored whole or not at all. */
export interface PieceStore {
  /** null when there is none. Rejects when it is damaged. */
  readonly read: (key: string) => Promise<Uint8Array<ArrayBuffer> | null>
  readonly write: (key: string, bytes: Uint8Array) => Promise<void>
}

const PIECE_BYTES = 4 << 20
/** Most that is fetched with one request: it is lost when the process ends before its arrival. */
const RUN_PIECES = 4

/** What the keys of a file's pieces begin with. */
export const piecePrefix = (identity: string, size: number, pieceBytes = PIECE_BYTES): string =>
  `${sha256(`${identity}\n${size}\n${pieceBytes}`).slice(0, 32)}-`

/** @param identity what names this version of the file: another content must have another identity. */
export function cachedSource(source: ByteSource, identity: string, pieces: PieceStore, pieceBytes = PIECE_BYTES): ByteSource {
  const { name, size } = source
  const prefix = piecePrefix(identity, size, pieceBytes)
  const keyOf = (index: number): string => `${prefix}${index}`
  const lengthOf = (index: number): number => Math.min(pieceBytes, size - index * pieceBytes)
  /** Small tensors lie side by side: the last piece is likely to be asked for again. */
  let latest: { readonly index: number; readonly bytes: Uint8Array } | null = null

  async function kept(index: number): Promise<Uint8Array | null> {
    if (latest?.index === index) return latest.bytes
    // A damaged piece is fetched again.
    const bytes = await pieces.read(keyOf(index)).catch(() => null)
    if (bytes?.length !== lengthOf(index)) return null
    latest = { index, bytes }
    return bytes
  }

  /** Fetches pieces from `first` on, up to `last` or the next one that is kept. */
  async function fetchRun(first: number, last: number): Promise<Uint8Array[]> {
    let end = first + 1
    while (end <= last && end < first + RUN_PIECES && (await kept(end)) === null) end += 1
    const start = first * pieceBytes
    const bytes = await source.read(start, Math.min(end * pieceBytes, size) - start)
    const run: Uint8Array[] = []
    for (let index = first; index < end; index++) {
      const piece = bytes.subarray((index - first) * pieceBytes, (index - first + 1) * pieceBytes)
      await pieces.write(keyOf(index), piece)
      run.push(piece)
    }
    // A copy, so that the rest of the run can be freed.
    latest = { index: end - 1, bytes: (run.at(-1) ?? new Uint8Array(0)).slice() }
    return run
  }

  async function readPieces(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const out = new Uint8Array(length)
    const last = Math.floor((offset + length - 1) / pieceBytes)
    const copy = (index: number, piece: Uint8Array): void => {
      const at = index * pieceBytes - offset
      out.set(piece.subarray(Math.max(0, -at), Math.min(piece.length, length - at)), Math.max(0, at))
    }
    for (let index = Math.floor(offset / pieceBytes); index <= last;) {
      const known = await kept(index)
      const run = known ? [known] : await fetchRun(index, last)
      for (const piece of run) copy(index++, piece)
    }
    return out
  }

  let working: Promise<unknown> = Promise.resolve()
  return {
    name,
    size,
    identity,
    /** One read at a time: two that share a piece would fetch it twice. */
    async read(offset, length) {
      checkRange({ name, size }, offset, length)
      if (length === 0) return new Uint8Array(0)
      const work = (): Promise<Uint8Array<ArrayBuffer>> => readPieces(offset, length)
      const result = working.then(work, work)
      working = result.catch(() => undefined)
      return result
    },
  }
}
