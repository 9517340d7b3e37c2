/**
 * Files behind an address, read with HTTP ranges (RFC 9110 §14): nothing is fetched but what is asked for, a read that breaks goes
 * on at the byte where it broke, and a file that changes between two reads is refused. ETags are compared here: `If-Range`
 * would need the server's permission in a browser (CORS preflight), and answers a changed file with all of it.
 */
import { type ByteSource, CheckpointError, checkRange, type FolderSource, SMALL_FILE_BYTES, sourceFromBytes } from './byteSource'
import { cachedSource, type PieceStore } from './cachedSource'
import { addressName, bodyChunks, createHttpClient, ForbiddenError, type HttpAnswer, type HttpClient, type HttpParts, readBody, release, TransientError } from './httpClient' // prettier-ignore

/** A file of known size. Its version is that of the first read, or `pinned`. */
export function httpSource(url: string, size: number, client: HttpClient, pinned: string | null = null): ByteSource {
  const name = addressName(url)
  let version = pinned

  async function checkAnswer({ response, validator }: HttpAnswer, from: number): Promise<void> {
    const refuse = async (sentence: string): Promise<never> => {
      await release(response)
      throw new CheckpointError(`${name}: ${sentence}`)
    }
    const changed = (expected: string, found: string): Promise<never> =>
      refuse(`the file changed on the server while it was read: expected ${expected}, found ${found}. Load the model again.`)
    if (response.status === 416)
      await refuse(
        `the server has no bytes from ${from} on (416), expected ${size} bytes; the file may have changed. Load the model again.`,
      )
    // An answer with the whole file will do for its first bytes.
    if (response.status !== 206 && !(response.status === 200 && from === 0))
      throw response.status === 200 ? await refuse(NO_RANGES) : await client.refusal(name, response)
    if (version !== null && validator !== null && validator !== version) await changed(version, validator)
    version ??= validator
    const range = contentRange(response)
    if (range && range.total !== null && range.total !== size) await changed(`${size} bytes`, `${range.total}`)
    if (range && range.from !== from) await refuse(`the server sent bytes from ${range.from} on, expected from ${from} on.`)
  }

  return {
    name,
    size,
    async read(offset, length) {
      checkRange({ name, size }, offset, length)
      const out = new Uint8Array(length)
      let done = 0
      if (length === 0) return out
      await client.retrying(name, async (progressed) => {
        const from = offset + done
        const answer = await client.get(url, { Range: `bytes=${from}-${offset + length - 1}` })
        await checkAnswer(answer, from)
        for await (const chunk of bodyChunks(answer.response)) {
          const taken = chunk.subarray(0, length - done)
          out.set(taken, done)
          done += taken.length
          if (taken.length > 0) progressed()
          if (done === length) return
        }
        throw new TransientError(`the connection broke after ${done} of ${length} bytes`)
      })
      return out
    },
  }
}

const NO_RANGES = `the server sends the whole file where a part was asked for (200 instead of 206), and it is too large to be kept whole; use a server with range requests.`

export interface OpenedUrl {
  readonly source: ByteSource
  /** Address, version and size; null when the server gives no version, so that nothing may be kept for another day. */
  readonly identity: string | null
}

/**
 * Asks for a file's size and version. A server that ignores ranges, or hides a part's place from other sites' pages, gives
 * small files whole. Resolves to null when the answer is 404, or a web page: many servers answer so for files they do not have.
 * @param smallFileBytes most that is kept whole.
 */
export async function openUrl(url: string, client: HttpClient, smallFileBytes = SMALL_FILE_BYTES): Promise<OpenedUrl | null> {
  const name = addressName(url)
  const inMemory = (bytes: Uint8Array): OpenedUrl => ({ source: sourceFromBytes(bytes, name), identity: null })
  const inParts = (size: number, validator: string | null): OpenedUrl => ({
    source: httpSource(url, size, client, validator),
    identity: validator === null ? null : `${url} ${validator} ${size}`,
  })
  return client.retrying(name, async () => {
    const { response, validator } = await client.get(url, { Range: 'bytes=0-0' })
    if (response.status === 404 || (response.ok && /^text\/html\b/i.test(response.headers.get('content-type') ?? ''))) {
      await release(response)
      return null
    }
    if (response.status === 200) {
      const bytes = await readSmall(response, smallFileBytes)
      if (!bytes) throw new CheckpointError(`${name}: ${NO_RANGES}`)
      return inMemory(bytes)
    }
    if (response.status === 416) {
      // Not even byte 0 exists.
      await release(response)
      return inMemory(new Uint8Array(0))
    }
    if (response.status !== 206) throw await client.refusal(name, response)
    await release(response)
    const total = contentRange(response)?.total ?? null
    if (total !== null) return inParts(total, validator)

    // Across origins Content-Range is hidden unless the server exposes it; Content-Length never is.
    const whole = await client.get(url)
    if (!whole.response.ok) throw await client.refusal(name, whole.response)
    const size = contentLength(whole.response)
    const bytes = await readSmall(whole.response, smallFileBytes)
    if (bytes) return inMemory(bytes)
    if (size === null)
      throw new CheckpointError(`${name}: the server does not say how large the file is (no Content-Range, no Content-Length).`)
    return inParts(size, validator)
  })
}

/** A whole answer, or null without reading on when it is too large. */
async function readSmall(response: Response, limitBytes: number): Promise<Uint8Array | null> {
  if ((contentLength(response) ?? 0) <= limitBytes) return readBody(response, limitBytes)
  await release(response)
  return null
}

function contentLength(response: Response): number | null {
  const text = response.headers.get('content-length') ?? ''
  return /^\d{1,15}$/.test(text) ? Number(text) : null
}

/** `bytes 0-9/100`, or `bytes 0-9/*` where the size is unknown; null when hidden or malformed. */
function contentRange(response: Response): { from: number; total: number | null } | null {
  const match = /^bytes (\d{1,15})-\d{1,15}\/(\d{1,15}|\*)$/.exec(response.headers.get('content-range') ?? '')
  return match ? { from: Number(match[1]), total: match[2] === '*' ? null : Number(match[2]) } : null
}

/**
 * A folder under an address, such as `…/starter/`. With `pieces`, what was fetched is kept there.
 * Throws CheckpointError for an address that no folder can have.
 */
export function folderFromUrl(base: string, parts: HttpParts, pieces: PieceStore | null = null): FolderSource {
  const prefix = folderAddress(base)
  const client = createHttpClient(parts)
  const opened = new Map<string, Promise<ByteSource | null>>()
  const forbidden = new Set<string>()
  let readable: Promise<boolean> | null = null

  /** S3 and CloudFront answer 403 for files that are not there. Where the folder can be read otherwise, that is what it means. */
  async function openOrAbsent(file: string): Promise<OpenedUrl | null> {
    try {
      return await openUrl(prefix + encodeURIComponent(file), client)
    } catch (error) {
      if (!(error instanceof ForbiddenError)) throw error
      readable ??= canRead(prefix, client)
      if (!(await readable)) throw error
      forbidden.add(file)
      return null
    }
  }
  async function open(file: string): Promise<ByteSource | null> {
    const found = await openOrAbsent(file)
    if (!found) return null
    const { source, identity } = found
    return pieces && identity !== null ? cachedSource(source, identity, pieces) : { ...source, identity }
  }
  return {
    name: prefix,
    forbidden: () => [...forbidden],
    open: (file) => {
      const known = opened.get(file) ?? open(file)
      opened.set(file, known)
      // A failed request may work the next time.
      known.catch(() => opened.delete(file))
      return known
    },
  }
}

/** Every folder of a model has the first, every folder of an adapter the second. */
const ALWAYS_THERE = ['config.json', 'adapter_config.json']

/** Whether a folder gives the file that it must have. */
async function canRead(prefix: string, client: HttpClient): Promise<boolean> {
  for (const file of ALWAYS_THERE) {
    const found = await openUrl(prefix + file, client).catch(() => null)
    if (found) return true
  }
  return false
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/

/** Checks an address that people type: https, or http on this computer. Ends in a slash. Messages quote no keys. */
export function folderAddress(text: string): string {
  if (!URL.canParse(text)) throw new CheckpointError('Expected the address of a folder, such as https://example.org/model/.')
  const { protocol, origin, pathname, hostname, username, password, search, hash } = new URL(text)
  if (username || password || search || hash)
    throw new CheckpointError(`${origin}${pathname}: expected the address of a folder without user name, query or fragment.`)
  if (protocol !== 'https:' && !(protocol === 'http:' && LOOPBACK.test(hostname)))
    throw new CheckpointError(`${origin}${pathname}: expected an https:// address, or http:// on this computer.`)
  return `${origin}${pathname.replace(/\/*$/, '/')}`
}
