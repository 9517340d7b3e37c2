/** A client for servers with OpenAI's `/chat/completions`: OpenAI, Azure, Mistral, vLLM, llama.cpp, Ollama and others. */
import { createMask, type Mask } from '../base/maskSecret'
import { endpointOf, keyHeaders, keyProblem, normaliseBaseUrl } from '../base/serverAddress'
import { causeText, connectionFailure } from '../network/connectionFailure'
import type { FetchLike } from '../network/fetchLedger'
import { dialectAfterRefusal, readCompletion, requestBody, type RequestDialect } from './chatCompletion'
import { isEventStream, readCompletionStream } from './chatStream'
import type { ChatErrorCode, ChatModel, ChatReply, ChatRequest } from './chatModel'
import { errorIn, sentenceOfText } from './serverError'

export interface OpenaiChatParts {
  readonly baseUrl: string
  readonly model: string
  /** Empty for servers that need no key. The key is sent in a header and is part of no message or record. */
  readonly apiKey: string
  readonly fetch: FetchLike
  /** Waits, and rejects when `signal` aborts. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
  /** Milliseconds since 1970: reads a Retry-After that is a date. */
  readonly now: () => number
  /** Tries after the first for 429, 5xx and lost connections. Default 3. */
  readonly maxRetries?: number
  /** Longest wait before a retry; a server asking for more gets none. Default 60 000 ms. */
  readonly maxWaitMs?: number
  /** Time for one try. Default 120 000 ms. */
  readonly timeoutMs?: number
}

/** A ChatModel over HTTP. Throws for a base URL that is none and for a key that no header can carry. */
export function createOpenaiChat(parts: OpenaiChatParts): ChatModel {
  const { apiKey, model, sleep, maxRetries = 3, maxWaitMs = 60_000 } = parts
  const problem = keyProblem(apiKey)
  if (problem !== null) throw new Error(problem)
  const server: Server = {
    ...parts,
    endpoint: endpointOf(normaliseBaseUrl(parts.baseUrl), '/chat/completions'),
    dialect: { tokenField: 'max_tokens', sendsSeed: true },
    hideKey: keyMask(apiKey),
  }
  return {
    model,
    host: server.endpoint.host,
    async complete(request) {
      // Concurrent requests are refused for the same field, so each is rewritten, even if another one was already.
      const dialects = [server.dialect]
      for (let tries = 1; ;) {
        const { retryAfterMs, better, ...reply } = await attempt(server, request, dialects)
        if (reply.ok) return reply
        if (better !== undefined) {
          dialects.push(better)
          server.dialect = { tokenField: better.tokenField, sendsSeed: server.dialect.sendsSeed && better.sendsSeed }
          continue
        }
        if (retryAfterMs === undefined) return reply
        const fail = failing(server)
        const waitMs = retryAfterMs ?? Math.min(1000 * 2 ** (tries - 1), maxWaitMs)
        if (waitMs > maxWaitMs)
          return fail(reply.code, `${reply.message} It wants ${String(Math.ceil(waitMs / 1000))} s of rest, longer than Hone waits.`)
        if (tries > maxRetries) return fail(reply.code, `${reply.message} ${String(tries)} tries were made.`)
        try {
          await sleep(waitMs, request.signal)
        } catch {
          return fail('aborted', 'The request was cancelled.')
        }
        tries += 1
      }
    },
  }
}

/** A server and the request formats that it accepts. */
interface Server extends OpenaiChatParts {
  readonly endpoint: URL
  readonly hideKey: Mask
  dialect: RequestDialect
}

/**
 * The outcome of one try. With `retryAfterMs` another may succeed; null: the server does not say when. `better`: the server refused
 * a field, and takes requests written so.
 */
type Attempt = ChatReply & { readonly retryAfterMs?: number | null; readonly better?: RequestDialect }

/** Converts errors to replies; the key never appears in their messages. */
const failing =
  ({ hideKey }: Pick<Server, 'hideKey'>) =>
  (code: ChatErrorCode, message: string): Extract<ChatReply, { ok: false }> => ({ ok: false, code, message: hideKey(message) })

/** Sends a request once, in the last of the dialects: the server refused those before. */
async function attempt(server: Server, request: ChatRequest, dialects: readonly RequestDialect[]): Promise<Attempt> {
  const { endpoint, fetch, timeoutMs = 120_000 } = server
  const { signal } = request
  const { host } = endpoint
  const fail = failing(server)
  const timeout = AbortSignal.timeout(timeoutMs)
  const sent = dialects.at(-1) ?? server.dialect
  let response: Response
  let answer: Body
  try {
    response = await fetch(endpoint.href, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...keyHeaders(endpoint, server.apiKey) },
      body: JSON.stringify(requestBody(server.model, request, sent)),
      // The key must not be sent to the target of a redirect.
      redirect: 'manual',
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    })
    answer = await bodyOf(response, request)
  } catch (error) {
    if (signal?.aborted === true) return fail('aborted', 'The request was cancelled.')
    if (timeout.aborted) return fail('timeout', `${host} did not answer within ${String(timeoutMs / 1000)} s.`)
    if (error instanceof Error && error.name === 'HostNotAllowedError') return fail('host-not-allowed', error.message)
    return { ...fail('network', networkSentence(endpoint, error)), retryAfterMs: null }
  }
  if (isRedirect(response)) return fail('redirected', redirectSentence(endpoint, response))
  return readResponse(server, response, answer, (said) => {
    const better = dialectAfterRefusal(sent, said)
    const isNew = dialects.every(({ tokenField, sendsSeed }) => tokenField !== better?.tokenField || sendsSeed !== better.sendsSeed)
    return isNew ? better : null
  })
}

/** What the server sent, and as JSON; undefined if it is none. */
interface Body {
  readonly text: string
  readonly body: unknown
}

async function bodyOf(response: Response, { onText }: ChatRequest): Promise<Body> {
  if (onText && response.ok && isEventStream(response)) {
    const body = await readCompletionStream(response, onText)
    return { text: body === undefined ? '' : JSON.stringify(body), body }
  }
  const text = await response.text()
  return { text, body: parsed(text) }
}

/** An answer, or an error: of the status, or of a body that says so whatever its status. */
function readResponse(server: Server, response: Response, answer: Body, betterAfter: (said: string) => RequestDialect | null): Attempt {
  const { host } = server.endpoint
  const fail = failing(server)
  const { body, text } = answer
  const error = errorIn(body)
  if (response.ok && error === null) {
    const read = body === undefined ? null : readCompletion(body)
    if (read?.ok === true) return read
    // The key is hidden before the text is cut to length: half a key would not be recognised.
    const found = read === null ? `: ${quote(server.hideKey(text))}` : read.place
    return fail('malformed', `${host} answered with something that is no chat completion${found}.`)
  }
  const said = error === null ? (body === undefined ? sentenceOfText(text) : '') : error.said
  const status = effectiveStatus(response, error?.status ?? null)
  if (status === 400 || status === 422) {
    const better = betterAfter(`${said}\n${text}`)
    if (better !== null) return { ...fail('bad-request', `${host} refused a field of the request.`), better }
  }
  return refusal(server, status, response, said === '' ? '' : ` It said: ${quote(server.hideKey(said))}.`)
}

/** A server that is busy or broken although its status says otherwise is classified by its body. */
function effectiveStatus({ ok, status }: Response, inBody: number | null): number {
  if (ok) return inBody ?? 400
  const isPassing = inBody === 429 || (inBody !== null && inBody >= 500)
  return isPassing && status < 500 && status !== 401 && status !== 403 ? inBody : status
}

/** The meaning of a status, and whether another try may succeed. */
function refusal(server: Server, status: number, { ok, headers, status: sent }: Response, said: string): Attempt {
  const { model, endpoint, now } = server
  const { host } = endpoint
  const fail = failing(server)
  const shown = status === sent ? String(status) : `${String(status)} in the body of a ${String(sent)}`
  if (status === 401)
    return fail('unauthorised', `${host} refused the key (${shown}). Check that it is complete and belongs to this server.${said}`)
  if (status === 403) return fail('forbidden', `${host} does not allow this key to use ${model} (${shown}).${said}`)
  if (status === 404) return fail('not-found', `${host} knows no model ${model} or has no ${endpoint.pathname} (${shown}).${said}`)
  const retryAfterMs = waitAsked(headers, now())
  if (status === 429) return { ...fail('rate-limited', `${host} asks to slow down (${shown}).${said}`), retryAfterMs }
  if (status >= 500 || status === 408) return { ...fail('server', `${host} failed (${shown}).${said}`), retryAfterMs }
  return fail('bad-request', `${host} did not accept the request (${ok ? `an error in the body of a ${String(sent)}` : shown}).${said}`)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const isRedirect = ({ type, status }: Response): boolean => type === 'opaqueredirect' || (status >= 300 && status < 400)

/** A browser does not tell a page where a redirect leads. */
function redirectSentence(endpoint: URL, { headers, status }: Response): string {
  const location = headers.get('location')
  const target = location !== null && URL.canParse(location, endpoint) ? new URL(location, endpoint) : null
  const to = target === null ? 'to another address' : `to ${normalisedTarget(target)}`
  const shown = status === 0 ? '' : ` (${String(status)})`
  return `${endpoint.host} redirects requests ${to}${shown}. Hone does not send a key on: give the address it redirects to as the server’s address.`
}

/** The base address of a redirect's target, without its query, which may contain keys. */
const normalisedTarget = ({ origin, pathname }: URL): string => origin + pathname.replace(/\/chat\/completions\/?$/, '')

/** A browser does not say why a request failed, so the sentence names the likely causes and the way out. */
function networkSentence({ host, hostname, protocol }: URL, error: unknown): string {
  const failure = connectionFailure(error)
  if (!failure.mayBeCors) return `No connection to ${host}${causeText(failure)}. Check the address, and that the server is running.`
  const isLocal = /^(?:localhost|127\..*|\[::1\])$/.test(hostname)
  const cors =
    'If it is, it does not allow this page to call it (CORS): use its own option for allowed origins (vLLM --allowed-origins, Ollama OLLAMA_ORIGINS, llama.cpp allows all), or run Hone with npm start and use its gateway.'
  const local = isLocal
    ? ' From a page served over https, Chrome first asks for permission to reach devices on this computer or network.'
    : ''
  return `No connection to ${host}. Check that the server is running${protocol === 'http:' && !isLocal ? ' and that this page may call http servers' : ''}. ${cors}${local}`
}

/** Milliseconds of Retry-After (seconds or a date); null when the server does not say. */
function waitAsked(headers: Headers, nowMs: number): number | null {
  const given = headers.get('retry-after')?.trim()
  if (given === undefined || given === '') return null
  const seconds = Number(given)
  const ms = Number.isNaN(seconds) ? Date.parse(given) - nowMs : seconds * 1000
  return Number.isNaN(ms) ? null : Math.max(0, ms)
}

function quote(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text)
}

/** Servers often repeat the key that they refused, whole or with stars in the middle. */
function keyMask(apiKey: string): Mask {
  const mask = createMask(apiKey)
  return (text) => mask(text).replaceAll(/\b(?:sk|gsk|hf)[-_][\w*.-]{6,}/g, '[key]')
}
