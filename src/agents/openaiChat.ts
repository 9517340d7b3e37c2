/** A server with OpenAI's `/chat/completions`: OpenAI, vLLM, llama.cpp, Ollama and their kin. */
import { z } from 'zod'
import type { FetchLike } from '../network/fetchLedger'
import type { ChatErrorCode, ChatMessage, ChatModel, ChatReply, ChatRequest } from './chatModel'

export interface OpenaiChatParts {
  readonly baseUrl: string
  readonly model: string
  /** Empty for servers that want none. Sent in the Authorization header, never put into a message or a record. */
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

const completion = z.object({
  choices: z
    .array(
      z.object({
        message: z.object({
          content: z.string().nullish(),
          tool_calls: z
            .array(
              z.object({
                id: z.string().nullish(),
                function: z.object({ name: z.string(), arguments: z.union([z.string(), z.record(z.string(), z.unknown())]).nullish() }),
              }),
            )
            .nullish(),
        }),
        finish_reason: z.string().nullish(),
      }),
    )
    .min(1),
  usage: z.object({ prompt_tokens: z.number().nullish(), completion_tokens: z.number().nullish() }).nullish(),
})

/**
 * `https://host/v1` from what people paste: no scheme, a trailing slash, the whole endpoint. Throws a sentence for what is no
 * http address, or carries a user name or password.
 */
export function normaliseBaseUrl(given: string): string {
  const text = given.trim()
  const isLocal = /^(?:localhost|127\.|\[::1\])/i.test(text)
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `${isLocal ? 'http' : 'https'}://${text}`
  let url: URL
  try {
    url = new URL(withScheme)
  } catch {
    throw new Error(`Expected a server address such as https://api.openai.com/v1, found ${JSON.stringify(given.slice(0, 80))}.`)
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new Error(`Expected an http or https address, found ${url.protocol}//.`)
  if (url.username !== '' || url.password !== '') throw new Error('Expected a server address without a user name or password in it.')
  const path = url.pathname
    .replace(/\/+$/, '')
    .replace(/\/chat\/completions$/, '')
    .replace(/\/+$/, '')
  return `${url.origin}${path === '' ? '/v1' : path}`
}

/** A ChatModel over HTTP. Throws only for a base URL that is none. */
export function createOpenaiChat(parts: OpenaiChatParts): ChatModel {
  const { model, sleep, maxRetries = 3, maxWaitMs = 60_000 } = parts
  const server: Server = { ...parts, endpoint: new URL(`${normaliseBaseUrl(parts.baseUrl)}/chat/completions`), tokenField: 'max_tokens' }
  const fail = failing(parts.apiKey)
  return {
    model,
    host: server.endpoint.host,
    async complete(request) {
      for (let tries = 1; ; tries++) {
        const { retryAfterMs, ...reply } = await attempt(server, request)
        if (reply.ok || retryAfterMs === undefined) return reply
        const waitMs = retryAfterMs ?? Math.min(1000 * 2 ** (tries - 1), maxWaitMs)
        if (waitMs > maxWaitMs)
          return fail(reply.code, `${reply.message} It wants ${String(Math.ceil(waitMs / 1000))} s of rest, longer than Hone waits.`)
        if (tries > maxRetries) return fail(reply.code, `${reply.message} ${String(tries)} tries were made.`)
        try {
          await sleep(waitMs, request.signal)
        } catch {
          return fail('aborted', 'The request was cancelled.')
        }
      }
    },
  }
}

/** A server and what was learnt about it. */
interface Server extends OpenaiChatParts {
  readonly endpoint: URL
  /** OpenAI's newer models know max_tokens under another name only, and say so. */
  tokenField: 'max_tokens' | 'max_completion_tokens'
}

/** The outcome of one try. With `retryAfterMs` another may succeed; null: the server does not say when. */
type Attempt = ChatReply & { readonly retryAfterMs?: number | null }

/** Makes replies of errors; the key never appears in their messages. */
const failing =
  (apiKey: string) =>
  (code: ChatErrorCode, message: string): ChatReply => ({ ok: false, code, message: withoutKey(message, apiKey) })

/** Sends a request once. */
async function attempt(server: Server, request: ChatRequest): Promise<Attempt> {
  const { apiKey, endpoint, fetch, timeoutMs = 120_000 } = server
  const { signal } = request
  const { host } = endpoint
  const fail = failing(apiKey)
  const timeout = AbortSignal.timeout(timeoutMs)
  let response: Response
  let text: string
  try {
    response = await fetch(endpoint.href, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...(apiKey === '' ? {} : { Authorization: `Bearer ${apiKey}` }) },
      body: JSON.stringify(bodyOf(server.model, request, server.tokenField)),
      // A key must not travel on to wherever a server points.
      redirect: 'error',
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    })
    text = await response.text()
  } catch (error) {
    if (signal?.aborted === true) return fail('aborted', 'The request was cancelled.')
    if (timeout.aborted) return fail('timeout', `${host} did not answer within ${String(timeoutMs / 1000)} s.`)
    if (error instanceof Error && error.name === 'HostNotAllowedError') return fail('host-not-allowed', error.message)
    return { ...fail('network', networkSentence(endpoint)), retryAfterMs: null }
  }
  if (!response.ok) return refusal(server, response, text)
  return (
    readAnswer(text, host) ??
    fail('malformed', `${host} answered with something that is no chat completion: ${quote(withoutKey(text, apiKey))}.`)
  )
}

/** Reads a response whose status is an error: what happened, and whether another try may succeed. */
function refusal(server: Server, { status, headers }: Response, text: string): Attempt {
  const { apiKey, model, endpoint, now } = server
  const { host } = endpoint
  const fail = failing(apiKey)
  // Before it is cut to length: half a key would not be recognised.
  const said = serverSentence(withoutKey(text, apiKey))
  if (status === 401)
    return fail('unauthorised', `${host} refused the key (401). Check that it is complete and belongs to this server.${said}`)
  if (status === 403) return fail('forbidden', `${host} does not allow this key to use ${model} (403).${said}`)
  if (status === 404) return fail('not-found', `${host} knows no model ${model} or has no ${endpoint.pathname} (404).${said}`)
  const retryAfterMs = waitAsked(headers, now())
  if (status === 429) return { ...fail('rate-limited', `${host} asks to slow down (429).${said}`), retryAfterMs }
  if (status >= 500 || status === 408) return { ...fail('server', `${host} failed (${String(status)}).${said}`), retryAfterMs }
  if (status === 400 && server.tokenField === 'max_tokens' && text.includes('max_completion_tokens')) {
    server.tokenField = 'max_completion_tokens'
    return { ...fail('bad-request', `${host} does not know max_tokens.`), retryAfterMs: 0 }
  }
  return fail('bad-request', `${host} did not accept the request (${String(status)}).${said}`)
}

function bodyOf(model: string, { messages, tools, forcedTool, temperature, maxTokens, seed }: ChatRequest, tokenField: string): unknown {
  return {
    model,
    messages: messages.map(wireMessage),
    ...(tools
      ? { tools: tools.map(({ name, description, parameters }) => ({ type: 'function', function: { name, description, parameters } })) }
      : {}),
    ...(forcedTool === undefined ? {} : { tool_choice: { type: 'function', function: { name: forcedTool } } }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(maxTokens === undefined ? {} : { [tokenField]: maxTokens }),
    ...(seed === undefined ? {} : { seed }),
  }
}

function wireMessage(message: ChatMessage): unknown {
  if (message.role === 'tool') return { role: 'tool', tool_call_id: message.toolCallId, content: message.content }
  if (message.role !== 'assistant' || !message.toolCalls?.length) return { role: message.role, content: message.content }
  return {
    role: 'assistant',
    content: message.content,
    tool_calls: message.toolCalls.map((call) => ({
      id: call.id,
      type: 'function',
      function: { name: call.name, arguments: call.arguments },
    })),
  }
}

function readAnswer(text: string, host: string): ChatReply | null {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return null
  }
  const read = completion.safeParse(parsed)
  const choice = read.data?.choices[0]
  if (!read.success || !choice) {
    const issue = read.error?.issues[0]
    const place = issue?.path.join('.') ?? ''
    return {
      ok: false,
      code: 'malformed',
      message: `${host} answered with something that is no chat completion${place === '' ? '' : ` (${place}: ${issue?.message ?? ''})`}.`,
    }
  }
  const toolCalls = (choice.message.tool_calls ?? []).map((call, index) => ({
    id: call.id ?? `call-${String(index)}`,
    name: call.function.name,
    // Ollama and some proxies send the arguments as an object.
    arguments: typeof call.function.arguments === 'string' ? call.function.arguments : JSON.stringify(call.function.arguments ?? {}),
  }))
  const { usage } = read.data
  return {
    ok: true,
    value: {
      text: choice.message.content ?? '',
      toolCalls,
      finishReason: choice.finish_reason ?? null,
      promptTokens: usage?.prompt_tokens ?? null,
      completionTokens: usage?.completion_tokens ?? null,
    },
  }
}

/** A browser does not say why a request failed, so the sentence names the likely causes and the way out. */
function networkSentence({ host, hostname, protocol }: URL): string {
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

function serverSentence(text: string): string {
  try {
    const shape = z.object({ error: z.union([z.string(), z.object({ message: z.string() })]) }).safeParse(JSON.parse(text))
    if (shape.success) return ` It said: ${quote(typeof shape.data.error === 'string' ? shape.data.error : shape.data.error.message)}.`
  } catch {
    // Not JSON: an error page says nothing a person can use.
  }
  return ''
}

function quote(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text)
}

/** Servers like to repeat the key they refused, whole or with stars in the middle. */
function withoutKey(message: string, apiKey: string): string {
  const whole = apiKey === '' ? message : message.replaceAll(apiKey, '[key]')
  return whole.replaceAll(/\b(?:sk|gsk|hf)[-_][\w*.-]{6,}/g, '[key]')
}
