/** The gateway's routes. */
import { Hono } from 'hono'
import { knownOriginsOnly, loopbackHostsOnly } from './guard'
import { staticSite } from './site'
import { forward, type Upstream } from './upstream'

export interface GatewayParts {
  /** The built site, or null to serve the gateway alone. */
  readonly siteDirectory: string | null
  readonly upstream: Upstream | null
  /** Origins besides the gateway's own that may use it. */
  readonly allowedOrigins: readonly string[]
  readonly fetch: typeof fetch
}

export function createGateway(parts: GatewayParts): Hono {
  const app = new Hono()
  app.use(loopbackHostsOnly())
  app.use('/gateway/*', knownOriginsOnly(parts.allowedOrigins))

  app.get('/gateway/v1/health', (c) => {
    const server = parts.upstream === null ? null : new URL(parts.upstream.baseUrl).host
    return c.json({ status: 'ok', server, hasKey: parts.upstream !== null && parts.upstream.apiKey !== null })
  })
  app.get('/gateway/v1/models', (c) => forward(parts.upstream, '/models', c.req.raw, parts.fetch))
  app.post('/gateway/v1/chat/completions', (c) => forward(parts.upstream, '/chat/completions', c.req.raw, parts.fetch))
  app.all('/gateway/*', (c) => c.json({ error: { message: `The gateway has no ${c.req.path}.`, code: 'not_found' } }, 404))

  if (parts.siteDirectory !== null) app.use(staticSite(parts.siteDirectory))
  app.notFound((c) => c.text('Not found.', 404))
  app.onError((_error, c) => c.json({ error: { message: 'The gateway failed on this request.', code: 'internal' } }, 500))
  return app
}
