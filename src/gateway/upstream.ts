/** The OpenAI-compatible server behind the gateway: where it is, and what is sent there. */
import { createMask } from '../base/maskSecret'
import { endpointOf, keyHeaders, keyProblem, normaliseBaseUrl } from '../base/serverAddress'
import { failure } from './failure'
import { readBody, timer } from './requestBody'
import { answerOf } from './upstreamAnswer'

export interface Upstream {
  /** Ends in `/v1` or the like, without a slash; Azure's has `?api-version=…` after it. */
  readonly baseUrl: string
  readonly apiKey: string | null
}

type Environment = Readonly<Record<string, string | undefined>>

const OPENAI = 'https://api.openai.com/v1'
/** A conversation with its tools is tens of kilobytes; anything near this is a mistake. */
const MAX_BODY_BYTES = 8 * 2 ** 20

export interface Timeouts {
  /** For the body of a request to arrive. */
  readonly bodyMs: number
  /** For which a model server may say nothing. */
  readonly silenceMs: number
}

/** Null when the environment names neither a key nor a server. Throws one sentence for an address or a key that is none. */
export function upstreamFromEnvironment(env: Environment): Upstream | null {
  const apiKey = keyFromEnvironment(env, 'OPENAI_API_KEY')
  const baseUrl = addressFromEnvironment(env, 'OPENAI_BASE_URL', 'http://localhost:8000/v1')
  if (apiKey === null && baseUrl === null) return null
  return { baseUrl: baseUrl === null ? OPENAI : normaliseBaseUrl(baseUrl), apiKey }
}

/** A key, or null. Throws one sentence, without the key, for one that no header can carry. */
export function keyFromEnvironment(env: Environment, name: string): string | null {
  const key = env[name]?.trim() ?? ''
  const problem = keyProblem(key)
  if (problem !== null) throw new Error(`${name} cannot be used. ${problem}`)
  return key === '' ? null : key
}

/** An http or https address without a slash at its end, or null. Throws one sentence for another, without the password in it. */
export function addressFromEnvironment(env: Environment, name: string, example: string): string | null {
  const address = env[name]?.trim() ?? ''
  if (address === '') return null
  if (!URL.canParse(address) || !/^https?:$/.test(new URL(address).protocol))
    throw new Error(`${name} must be an http or https address such as ${example}.`)
  const { username, password } = new URL(address)
  if (username !== '' || password !== '')
    throw new Error(`${name} must not hold a user name or password: the key goes into ${name.replace(/_BASE_URL$/, '_API_KEY')}.`)
  return address.replace(/\/+$/, '')
}

/** Sends the request on and the answer back. Nothing of the caller's headers is passed on, and the key comes back in nothing. */
export async function forward(
  upstream: Upstream | null,
  path: string,
  request: Request,
  { fetch, timeouts }: { readonly fetch: typeof globalThis.fetch; readonly timeouts: Timeouts },
): Promise<Response> {
  if (upstream === null)
    return failure(503, 'no_upstream', 'The gateway has no model server: set OPENAI_API_KEY or OPENAI_BASE_URL and start Hone again.')
  const body = request.method === 'POST' ? await readBody(request, { bytes: MAX_BODY_BYTES, ms: timeouts.bodyMs }) : null
  if (body instanceof Response) return body
  const endpoint = endpointOf(upstream.baseUrl, path)
  const accept = request.headers.get('accept')?.includes('text/event-stream') === true ? 'text/event-stream' : 'application/json'
  const key = Object.entries(keyHeaders(endpoint, upstream.apiKey ?? '')).map(([name, value]) => [name.toLowerCase(), value] as const)
  const headers = { accept, ...(body === null ? {} : { 'content-type': 'application/json' }), ...Object.fromEntries(key) }
  const cancel = new AbortController()
  const late = timer(timeouts.silenceMs)
  try {
    // A redirect could carry the key to another host.
    const signal = AbortSignal.any([request.signal, cancel.signal])
    const init: RequestInit = { method: request.method, headers, redirect: 'manual', signal }
    const response = await Promise.race([fetch(endpoint.href, body === null ? init : { ...init, body }), late.passed])
    if (response === 'late') {
      cancel.abort()
      return failure(504, 'upstream_silent', `The model server at ${endpoint.host} said nothing for ${timeouts.silenceMs / 1000} s.`)
    }
    return await answerOf(response, { host: endpoint.host, mask: createMask(upstream.apiKey ?? ''), silenceMs: timeouts.silenceMs })
  } catch {
    return failure(502, 'upstream_unreachable', `The model server at ${endpoint.host} could not be reached.`)
  } finally {
    late.clear()
  }
}
