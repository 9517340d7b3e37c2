/**
 * Who may ask. A loopback server can be reached by any page the user visits: by name tricks (DNS rebinding, so Host is checked) and by
 * cross-site requests (so Origin is).
 */
import type { MiddlewareHandler } from 'hono'

const LOOPBACK_NAMES: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])

export function loopbackHostsOnly(): MiddlewareHandler {
  return async (c, next) => {
    if (!LOOPBACK_NAMES.has(hostName(c.req.header('host') ?? new URL(c.req.url).host))) {
      return c.json({ error: { message: 'The gateway answers on localhost only.', code: 'forbidden_host' } }, 403)
    }
    await next()
    return undefined
  }
}

/** The page it serves itself, and origins the user named (`--allow-origin`). Requests without an Origin come from programs, not pages. */
export function knownOriginsOnly(allowedOrigins: readonly string[]): MiddlewareHandler {
  return async (c, next) => {
    const origin = c.req.header('origin')
    const isForeignPage = origin === undefined && c.req.header('sec-fetch-site') === 'cross-site'
    const isAllowed = origin === undefined ? !isForeignPage : isOwnOrigin(origin, c.req.header('host')) || allowedOrigins.includes(origin)
    if (!isAllowed) {
      const message = `The gateway does not know the page ${origin ?? '(unnamed)'}; start it with --allow-origin to let that page in.`
      return c.json({ error: { message, code: 'forbidden_origin' } }, 403)
    }
    const isNamed = origin !== undefined && allowedOrigins.includes(origin)
    if (isNamed && c.req.method === 'OPTIONS') {
      // The last: Chrome asks it before a public page may reach a local address.
      return c.body(null, 204, {
        'Access-Control-Allow-Origin': origin,
        'Access-Control-Allow-Methods': 'GET, POST',
        'Access-Control-Allow-Headers': 'content-type',
        'Access-Control-Allow-Private-Network': 'true',
      })
    }
    await next()
    if (isNamed) {
      c.res.headers.set('Access-Control-Allow-Origin', origin)
      c.res.headers.append('Vary', 'Origin')
    }
    return undefined
  }
}

/** Same port, any loopback name: localhost and 127.0.0.1 are the same server. */
function isOwnOrigin(origin: string, host: string | undefined): boolean {
  if (host === undefined || !URL.canParse(origin)) return false
  const url = new URL(origin)
  return url.protocol === 'http:' && LOOPBACK_NAMES.has(hostName(url.host)) && portOf(url.host) === portOf(host)
}

const hostName = (host: string): string => host.replace(/:\d+$/, '').toLowerCase()
const portOf = (host: string): string => /:(\d+)$/.exec(host)?.[1] ?? '80'
