/** The gateway's routes. */
import { Hono, type MiddlewareHandler } from 'hono'
import { maskDeep, createMask } from '../base/maskSecret'
import { gatewayHeaders } from './contentPolicy'
import { failure } from './failure'
import type { McpSessions } from './mcpBridge'
import { hasToken, knownOriginsOnly, loopbackHostsOnly, tokenOnly } from './guard'
import { readBody } from './requestBody'
import { staticSite } from './site'
import { forward, type Timeouts, type Upstream } from './upstream'
import { virtualAnswer, type VirtualHandler } from './virtual'
import { sendRunToWandb, WandbError, type WandbServer } from './wandb'
import { wandbRun } from '../records/wandbRun'

export interface GatewayParts {
  /** The built site, or null to serve the gateway alone. */
  readonly siteDirectory: string | null
  readonly upstream: Upstream | null
  readonly wandb: WandbServer | null
  /** MCP servers behind commands, and environments that are offered as MCP servers; absent: none. */
  readonly mcp?: { readonly servers: McpSessions; readonly worlds: McpSessions }
  /** Answers `POST /virtual`; absent: there is no such route. */
  readonly virtual?: VirtualHandler | undefined
  /** What a request must carry for the keys to be used. */
  readonly token: string
  /** Origins besides the gateway's own that may use it. */
  readonly allowedOrigins: readonly string[]
  readonly fetch: typeof fetch
  readonly sleep: (ms: number) => Promise<void>
  readonly timeouts?: Partial<Timeouts>
}

const TIMEOUTS: Timeouts = { bodyMs: 30_000, silenceMs: 300_000 }

/** Ten thousand steps of thirty metrics are about 10 MB. */
const MAX_RUN_BYTES = 128 * 2 ** 20

/** Nobody is answered here without the token, and no other page than those known. */
const PROTECTED = ['/gateway/*', '/mcp/*', '/mcp-world/*'] as const

export function createGateway(parts: GatewayParts): Hono {
  const app = new Hono()
  const timeouts = { ...TIMEOUTS, ...parts.timeouts }
  app.use(loopbackHostsOnly())
  for (const path of PROTECTED) {
    app.use(path, hardened())
    app.use(path, knownOriginsOnly(parts.allowedOrigins))
  }

  app.get('/gateway/v1/health', (c) => {
    // Everybody may know that the gateway runs. Only requests with the token learn which server it uses.
    if (!hasToken(c.req.header('authorization'), parts.token)) return c.json({ status: 'ok' })
    const server = parts.upstream === null ? null : new URL(parts.upstream.baseUrl).host
    const wandb = parts.wandb === null ? null : new URL(parts.wandb.baseUrl).host
    const mcp = { servers: parts.mcp?.servers.names() ?? [], worlds: parts.mcp?.worlds.names() ?? [] }
    return c.json({ status: 'ok', server, hasKey: parts.upstream !== null && parts.upstream.apiKey !== null, wandb, mcp })
  })
  for (const path of PROTECTED) app.use(path, tokenOnly(parts.token))
  app.get('/gateway/v1/models', (c) => forward(parts.upstream, '/models', c.req.raw, { fetch: parts.fetch, timeouts }))
  app.post('/gateway/v1/chat/completions', (c) => forward(parts.upstream, '/chat/completions', c.req.raw, { fetch: parts.fetch, timeouts }))
  app.post('/gateway/v1/wandb/runs', (c) => runToWandb(parts, c.req.raw, timeouts))
  const { mcp } = parts
  if (mcp) {
    app.all('/mcp/:name', (c) => mcp.servers.handle(c.req.param('name'), c.req.raw))
    app.all('/mcp-world/:name', (c) => mcp.worlds.handle(c.req.param('name'), c.req.raw))
  }
  for (const path of PROTECTED) app.all(path, (c) => failure(404, 'not_found', `The gateway has no ${c.req.path}.`))

  const { virtual } = parts
  if (virtual) {
    app.use('/virtual', hardened(), knownOriginsOnly(parts.allowedOrigins))
    app.post('/virtual', (c) => virtualAnswer(virtual, c.req.raw, timeouts))
  }

  if (parts.siteDirectory !== null) app.use(staticSite(parts.siteDirectory))
  app.notFound((c) => c.text('Not found.', 404))
  app.onError(() => failure(500, 'internal', 'The gateway failed on this request.'))
  return app
}

/** Nothing under /gateway/ is a document, whatever it says and whoever frames it. */
function hardened(): MiddlewareHandler {
  return async (c, next) => {
    await next()
    for (const [name, value] of Object.entries(gatewayHeaders)) c.res.headers.set(name, value)
  }
}

async function runToWandb({ wandb, fetch, sleep }: GatewayParts, request: Request, { bodyMs }: Timeouts): Promise<Response> {
  if (wandb === null) return failure(503, 'no_wandb', 'The gateway has no key of wandb: set WANDB_API_KEY and start Hone again.')
  const body = await readBody(request, { bytes: MAX_RUN_BYTES, ms: bodyMs })
  if (body instanceof Response) return body
  const run = wandbRun.safeParse(parsed(body))
  if (!run.success) {
    const [issue] = run.error.issues
    return failure(400, 'no_run', `The request holds no run for wandb: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}.`)
  }
  try {
    const sent = await sendRunToWandb(wandb, run.data, { fetch, sleep, signal: request.signal })
    return Response.json(maskDeep(sent, createMask(wandb.apiKey)))
  } catch (error) {
    if (!(error instanceof WandbError)) throw error
    return failure(502, 'wandb', error.message)
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
