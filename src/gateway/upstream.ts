/** The OpenAI-compatible server behind the gateway. */

export interface Upstream {
  /** Ends in `/v1` or the like, without a slash. */
  readonly baseUrl: string
  readonly apiKey: string | null
}

const OPENAI = 'https://api.openai.com/v1'
/** A conversation with its tools is tens of kilobytes; anything near this is a mistake. */
const MAX_BODY_BYTES = 8 * 2 ** 20
/** Of the server's headers only these reach the page. */
const PASSED_HEADERS = ['content-type', 'retry-after', 'x-request-id'] as const

/** Null when the environment names neither a key nor a server. Throws one sentence when the address is not one. */
export function upstreamFromEnvironment(env: Readonly<Record<string, string | undefined>>): Upstream | null {
  const apiKey = env.OPENAI_API_KEY?.trim() ?? ''
  const baseUrl = (env.OPENAI_BASE_URL?.trim() ?? '').replace(/\/+$/, '')
  if (apiKey === '' && baseUrl === '') return null
  const address = baseUrl === '' ? OPENAI : baseUrl
  if (!URL.canParse(address) || !/^https?:$/.test(new URL(address).protocol)) {
    throw new Error('OPENAI_BASE_URL must be an http or https address such as http://localhost:8000/v1.')
  }
  return { baseUrl: address, apiKey: apiKey === '' ? null : apiKey }
}

/** Sends the request on and streams the answer back. Nothing of the caller's headers is passed on. */
export async function forward(upstream: Upstream | null, path: string, request: Request, fetcher: typeof fetch): Promise<Response> {
  if (upstream === null) {
    return failure(503, 'no_upstream', 'The gateway has no model server: set OPENAI_API_KEY or OPENAI_BASE_URL and start Hone again.')
  }
  const body = request.method === 'POST' ? await readBody(request) : null
  if (body instanceof Response) return body
  const headers: Record<string, string> = { accept: request.headers.get('accept') ?? 'application/json' }
  if (body !== null) headers['content-type'] = 'application/json'
  if (upstream.apiKey !== null) headers.authorization = `Bearer ${upstream.apiKey}`
  let response: Response
  try {
    // A redirect could carry the key to another host.
    const init: RequestInit = { method: request.method, headers, redirect: 'error', signal: request.signal }
    response = await fetcher(`${upstream.baseUrl}${path}`, body === null ? init : { ...init, body })
  } catch {
    return failure(502, 'upstream_unreachable', `The model server at ${new URL(upstream.baseUrl).host} could not be reached.`)
  }
  const passed = PASSED_HEADERS.flatMap((name) => {
    const value = response.headers.get(name)
    return value === null ? [] : [[name, value] as [string, string]]
  })
  return new Response(response.body, { status: response.status, headers: [...passed, ['cache-control', 'no-store']] })
}

export async function readBody(request: Request, maxBytes = MAX_BODY_BYTES): Promise<string | Response> {
  // Only JSON: other types can be sent across origins without asking first.
  if (!/^application\/json\b/i.test(request.headers.get('content-type') ?? '')) {
    return failure(415, 'not_json', 'The request must have the content type application/json.')
  }
  const tooLarge = (): Response => failure(413, 'too_large', `The request is larger than ${maxBytes / 2 ** 20} MB.`)
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) return tooLarge()
  const bytes = await request.arrayBuffer()
  return bytes.byteLength > maxBytes ? tooLarge() : new TextDecoder().decode(bytes)
}

/** The error shape OpenAI clients read. */
export function failure(status: number, code: string, message: string): Response {
  return Response.json({ error: { message, type: 'gateway_error', code } }, { status })
}
