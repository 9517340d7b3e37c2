/**
 * Caches the pieces of a remote file as they arrive: a second read of the same bytes needs no request, and an interrupted download, even after
 * the process ended, resumes where it stopped. What is missing is fetched in runs of neighbouring pieces.
 */
import { createSerialQueue } from '../../base/serialQueue'
import { sha256 } from '../../base/sha256'
import { type ByteSource, checkRange } from './byteSource'

/** A key-value store of bytes. A value is stored whole or not at all. */
export interface PieceStore {
  /** null when there is none. Rejects when it is damaged. */
  readonly read: (key: string) => Promise<Uint8Array<ArrayBuffer> | null>
  readonly write: (key: string, bytes: Uint8Array) => Promise<void>
}

const PIECE_BYTES = 4 << 20
/** One request fetches at most so many pieces: they are lost when the process ends before they arrive. */
const RUN_PIECES = 4

/** The keys of a file's pieces begin with this. */
export const piecePrefix = (identity: string, size: number, pieceBytes = PIECE_BYTES): string =>
  `${sha256(`${identity}\n${size}\n${pieceBytes}`).slice(0, 32)}-`

/**
 * `source` with its pieces cached in `pieces`. Reads run one at a time: two that share a piece would fetch it twice. A damaged piece is fetched
 * again.
 * @param identity names this version of the file: other content must have another identity.
 */
export function cachedSource(source: ByteSource, identity: string, pieces: PieceStore, pieceBytes = PIECE_BYTES): ByteSource {
  const { name, size } = source
  const file = new CachedFile(source, identity, pieces, pieceBytes)
  const queue = createSerialQueue()
  return {
    name,
    size,
    identity,
    async read(offset, length) {
      checkRange({ name, size }, offset, length)
      if (length === 0) return new Uint8Array(0)
      return queue.run(() => file.read(offset, length))
    },
  }
}

/** The pieces of one file: `read` takes those that the store has, and fetches and stores the others. */
class CachedFile {
  readonly #source: ByteSource
  readonly #pieces: PieceStore
  readonly #pieceBytes: number
  readonly #prefix: string
  /** Small tensors lie side by side: the last piece is likely to be asked for again. */
  #latest: { readonly index: number; readonly bytes: Uint8Array } | null = null

  constructor(source: ByteSource, identity: string, pieces: PieceStore, pieceBytes: number) {
    this.#source = source
    this.#pieces = pieces
    this.#pieceBytes = pieceBytes
    this.#prefix = piecePrefix(identity, source.size, pieceBytes)
  }

  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const out = new Uint8Array(length)
    const last = Math.floor((offset + length - 1) / this.#pieceBytes)
    const copy = (index: number, piece: Uint8Array): void => {
      const at = index * this.#pieceBytes - offset
      out.set(piece.subarray(Math.max(0, -at), Math.min(piece.length, length - at)), Math.max(0, at))
    }
    for (let index = Math.floor(offset / this.#pieceBytes); index <= last;) {
      const known = await this.#stored(index)
      const run = known ? [known] : await this.#fetchRun(index, last)
      for (const piece of run) copy(index++, piece)
    }
    return out
  }

  /** The piece from the store; null when it is missing or damaged. */
  async #stored(index: number): Promise<Uint8Array | null> {
    if (this.#latest?.index === index) return this.#latest.bytes
    const bytes = await this.#pieces.read(this.#keyOf(index)).catch(() => null)
    if (bytes?.length !== Math.min(this.#pieceBytes, this.#source.size - index * this.#pieceBytes)) return null
    this.#latest = { index, bytes }
    return bytes
  }

  /** Fetches and stores pieces from `first` on, up to `last` or to the next one that the store has. */
  async #fetchRun(first: number, last: number): Promise<Uint8Array[]> {
    let end = first + 1
    while (end <= last && end < first + RUN_PIECES && (await this.#stored(end)) === null) end += 1
    const start = first * this.#pieceBytes
    const bytes = await this.#source.read(start, Math.min(end * this.#pieceBytes, this.#source.size) - start)
    const run: Uint8Array[] = []
    for (let index = first; index < end; index++) {
      const piece = bytes.subarray((index - first) * this.#pieceBytes, (index - first + 1) * this.#pieceBytes)
      await this.#pieces.write(this.#keyOf(index), piece)
      run.push(piece)
    }
    // A copy, so that the rest of the run can be freed.
    this.#latest = { index: end - 1, bytes: (run.at(-1) ?? new Uint8Array(0)).slice() }
    return run
  }

  #keyOf(index: number): string {
    return `${this.#prefix}${index}`
  }
}
