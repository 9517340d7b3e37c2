/** The gateway's routes. */
import { Hono } from 'hono'
import { knownOriginsOnly, loopbackHostsOnly } from './guard'
import { staticSite } from './site'
import { failure, forward, readBody, type Upstream } from './upstream'
import { sendRunToWandb, WandbError, type WandbServer } from './wandb'
import { wandbRun } from '../records/wandbRun'

export interface GatewayParts {
  /** The built site, or null to serve the gateway alone. */
  readonly siteDirectory: string | null
  readonly upstream: Upstream | null
  readonly wandb: WandbServer | null
  /** Origins besides the gateway's own that may use it. */
  readonly allowedOrigins: readonly string[]
  readonly fetch: typeof fetch
  readonly sleep: (ms: number) => Promise<void>
}

/** Ten thousand steps of thirty metrics are about 10 MB. */
const MAX_RUN_BYTES = 128 * 2 ** 20

export function createGateway(parts: GatewayParts): Hono {
  const app = new Hono()
  app.use(loopbackHostsOnly())
  app.use('/gateway/*', knownOriginsOnly(parts.allowedOrigins))

  app.get('/gateway/v1/health', (c) => {
    const server = parts.upstream === null ? null : new URL(parts.upstream.baseUrl).host
    const wandb = parts.wandb === null ? null : new URL(parts.wandb.baseUrl).host
    return c.json({ status: 'ok', server, hasKey: parts.upstream !== null && parts.upstream.apiKey !== null, wandb })
  })
  app.get('/gateway/v1/models', (c) => forward(parts.upstream, '/models', c.req.raw, parts.fetch))
  app.post('/gateway/v1/chat/completions', (c) => forward(parts.upstream, '/chat/completions', c.req.raw, parts.fetch))
  app.post('/gateway/v1/wandb/runs', (c) => runToWandb(parts, c.req.raw))
  app.all('/gateway/*', (c) => c.json({ error: { message: `The gateway has no ${c.req.path}.`, code: 'not_found' } }, 404))

  if (parts.siteDirectory !== null) app.use(staticSite(parts.siteDirectory))
  app.notFound((c) => c.text('Not found.', 404))
  app.onError((_error, c) => c.json({ error: { message: 'The gateway failed on this request.', code: 'internal' } }, 500))
  return app
}

async function runToWandb({ wandb, fetch, sleep }: GatewayParts, request: Request): Promise<Response> {
  if (wandb === null) return failure(503, 'no_wandb', 'The gateway has no key of wandb: set WANDB_API_KEY and start Hone again.')
  const body = await readBody(request, MAX_RUN_BYTES)
  if (body instanceof Response) return body
  const run = wandbRun.safeParse(parsed(body))
  if (!run.success) {
    const [issue] = run.error.issues
    return failure(400, 'no_run', `The request holds no run for wandb: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}.`)
  }
  try {
    return Response.json(await sendRunToWandb(wandb, run.data, { fetch, sleep, signal: request.signal }))
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
