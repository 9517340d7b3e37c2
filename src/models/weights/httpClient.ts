/**
 * GET requests for files. Redirects are followed here, because what is sent changes on the way: the access token goes to the
 * origin of the first address alone. Dropped connections and busy servers are asked again after a wait.
 * Sources: RFC 9110 §15.4 (redirects) and §10.2.3 (Retry-After); Fetch standard, "HTTP-redirect fetch" (Authorization is dropped
 * at another origin), which browsers carry out by themselves: they do not show a page where a redirect leads.
 */
import { connectionFailure } from '../../network/connectionFailure'
import type { FetchLike } from '../../network/fetchLedger'
import { CheckpointError } from './byteSource'

export interface HttpParts {
  readonly fetch: FetchLike
  /** Rejects when `signal` aborts. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
  readonly signal?: AbortSignal | undefined
  /** The access token: it goes as `Authorization: Bearer …` to the address asked for, never to another origin that address redirects to. */
  readonly token?: string | undefined
}

export interface HttpAnswer {
  /** Never a redirect. */
  readonly response: Response
  /** What tells one version of a file from another: its ETag, else when it was changed; null when the server says neither. */
  readonly validator: string | null
}

export interface HttpClient {
  /** Rejects with CheckpointError, or TransientError when asking again may help. */
  get(url: string, headers?: Readonly<Record<string, string>>): Promise<HttpAnswer>
  /**
   * Runs `step` until it succeeds, waiting after each transient failure. Failures are counted from the last time `step` reported
   * progress. Rejects with CheckpointError that begins with `name` when there were too many.
   */
  retrying<T>(name: string, step: (progressed: () => void) => Promise<T>): Promise<T>
  /** The sentence for an answer that is not a file. Releases its connection. */
  refusal(name: string, response: Response): Promise<CheckpointError>
}

/** A failure that may pass: no connection, a broken one, a busy server. */
export class TransientError extends Error {
  override readonly name = 'TransientError'
  /** What the server asked to wait. */
  readonly waitMs: number | null
  /** A browser gave no reason: the server may be there and not allow this page to read it. */
  readonly mayBeCors: boolean
  constructor(
    message: string,
    { waitMs = null, mayBeCors = false }: { readonly waitMs?: number | null; readonly mayBeCors?: boolean } = {},
  ) {
    super(message)
    this.waitMs = waitMs
    this.mayBeCors = mayBeCors
  }
}

/** The server answered 403: the file may not be read, or is not there. */
export class ForbiddenError extends CheckpointError {
  override readonly name = 'CheckpointError'
}

const ATTEMPTS = 5
const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 60_000
const MAX_REDIRECTS = 10
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308]
const BUSY: readonly number[] = [408, 425, 429, 500, 502, 503, 504]

/** An address for messages: signed addresses carry keys in their query. */
export function addressName(url: string): string {
  const { origin, pathname } = new URL(url)
  return origin + pathname
}

/** Throws CheckpointError, without the token in it, for a token that no header can carry. */
export function createHttpClient(parts: HttpParts): HttpClient {
  const { sleep, signal, token } = parts
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token))
    throw new CheckpointError('The access token has characters that no token has, such as spaces or line breaks; copy it again.')
  const send = createSender(parts)
  return {
    get: (url, headers = {}) => getFollowing(send, url, headers, token),

    async retrying(name, step) {
      let failures = 0
      const progressed = (): void => {
        failures = 0
      }
      for (;;) {
        try {
          return await step(progressed)
        } catch (error) {
          signal?.throwIfAborted()
          if (!(error instanceof TransientError)) throw error
          failures += 1
          if (failures >= ATTEMPTS) throw new CheckpointError(`${name}: ${error.message}, ${ATTEMPTS} times in a row. ${gaveUp(error)}`)
          await sleep(Math.min(error.waitMs ?? FIRST_WAIT_MS * 2 ** (failures - 1), LONGEST_WAIT_MS), signal)
        }
      }
    },

    async refusal(name, response) {
      await release(response)
      const sentence = `${name}: ${sentenceFor(response.status, token !== undefined)}`
      return response.status === 403 ? new ForbiddenError(sentence) : new CheckpointError(sentence)
    },
  }
}

type Send = (url: URL, headers: Readonly<Record<string, string>>) => Promise<Response>

/** Sends one GET request without following redirects, where the runtime shows them. Rejects with TransientError without a connection. */
function createSender({ fetch, signal }: HttpParts): Send {
  // Browsers do not show where a redirect leads; the first redirect tells whether this is one.
  let followsByItself = false
  return async function send(url, headers) {
    signal?.throwIfAborted()
    const redirect = followsByItself ? 'follow' : 'manual'
    let response: Response
    try {
      response = await fetch(url.href, { headers, redirect, credentials: 'omit', ...(signal ? { signal } : {}) })
    } catch (error) {
      signal?.throwIfAborted()
      // Network failures are TypeErrors; anything else is a decision, such as that of the network ledger.
      if (!(error instanceof TypeError)) throw error
      throw new TransientError(`no connection${codeOf(error)}`, { mayBeCors: connectionFailure(error).mayBeCors })
    }
    if (response.type !== 'opaqueredirect') return response
    followsByItself = true
    return send(url, headers)
  }
}

/** Follows redirects from `url`; `token` goes to the origin of `url` alone. Rejects with TransientError when the server is busy. */
async function getFollowing(
  send: Send,
  url: string,
  headers: Readonly<Record<string, string>>,
  token: string | undefined,
): Promise<HttpAnswer> {
  let at = new URL(url)
  let authorization: Readonly<Record<string, string>> = token === undefined ? {} : { Authorization: `Bearer ${token}` }
  let linked: string | null = null
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const response = await send(at, { ...headers, ...authorization })
    if (BUSY.includes(response.status)) {
      await release(response)
      throw new TransientError(`the server answered ${response.status}`, { waitMs: retryAfterMs(response) })
    }
    const found = response.headers
    // The Hub redirects to servers with ETags of their own, and names the file's before.
    linked ??= found.get('x-linked-etag')
    if (!REDIRECTS.includes(response.status)) return { response, validator: linked ?? found.get('etag') ?? found.get('last-modified') }
    await release(response)
    const next = redirectTarget(found.get('location'), at)
    if (next.origin !== at.origin) authorization = {}
    at = next
  }
  throw new CheckpointError(`${addressName(url)}: the server redirects more than ${MAX_REDIRECTS} times`)
}

const gaveUp = ({ mayBeCors }: TransientError): string =>
  `The server may be down${mayBeCors ? ', or may not let pages of other sites read it (CORS)' : ''}; try again later.`

function sentenceFor(status: number, hasToken: boolean): string {
  switch (status) {
    case 401:
      return hasToken
        ? 'the server does not accept the access token (401); it may have expired, or may not read this model.'
        : 'the server asks for an access token (401): the model is private or gated, or does not exist. Give a token that may read it (on the command line: HF_TOKEN).'
    case 403:
      return 'the server forbids access (403); accept the terms of a gated model on its page, with the account of the access token.'
    case 404:
      return 'not found (404); check the name and the revision.'
    default:
      return `the server answered ${status}.`
  }
}

/** Lets the connection go. A body that cannot be cancelled has ended. */
export async function release(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined)
}

/** At most `limitBytes` of a body; null, and the rest is not fetched, when there is more. */
export async function readBody(response: Response, limitBytes: number): Promise<Uint8Array<ArrayBuffer> | null> {
  const chunks: Uint8Array<ArrayBuffer>[] = []
  let size = 0
  for await (const chunk of bodyChunks(response)) {
    size += chunk.length
    if (size > limitBytes) return null
    chunks.push(chunk)
  }
  const out = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    out.set(chunk, at)
    at += chunk.length
  }
  return out
}

/** A body as it arrives; a broken connection is a TransientError. Leaving the loop lets the connection go. */
export async function* bodyChunks(response: Response): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const reader = response.body?.getReader()
  if (!reader) return
  try {
    for (;;) {
      const next = await reader.read().catch((error: unknown) => {
        throw new TransientError(`the connection broke${codeOf(error)}`)
      })
      if (next.done) return
      yield next.value
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}

function redirectTarget(location: string | null, from: URL): URL {
  const fail = (why: string): never => {
    throw new CheckpointError(`${addressName(from.href)}: the server redirects ${why}`)
  }
  if (location === null || !URL.canParse(location, from)) return fail('without saying where to')
  const next = new URL(location, from)
  const isSafe = next.protocol === 'https:' || (next.protocol === 'http:' && from.protocol === 'http:')
  return isSafe ? next : fail(`from ${from.protocol}// to ${next.protocol}//, which is not safe`)
}

/** Node's code of a network failure, such as " (ECONNREFUSED)"; browsers tell pages nothing. */
function codeOf(error: unknown): string {
  const { code } = connectionFailure(error)
  return code === null ? '' : ` (${code})`
}

function retryAfterMs(response: Response): number | null {
  const seconds = /^\d+$/.exec(response.headers.get('retry-after') ?? '')?.[0]
  return seconds === undefined ? null : Number(seconds) * 1000
}
