/**
 * Who may ask. A loopback server can be reached by any page the user visits: by name tricks (DNS rebinding, so Host is checked) and by
 * cross-site requests (so Origin is). It can be reached by every other user and program of the computer too: so its keys are used for
 * those alone who have the token that the start printed.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'
import { failure } from './failure'

const LOOPBACK_NAMES: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])

export function loopbackHostsOnly(): MiddlewareHandler {
  return async (c, next) => {
    if (!LOOPBACK_NAMES.has(hostName(c.req.header('host') ?? new URL(c.req.url).host)))
      return failure(403, 'forbidden_host', 'The gateway answers on localhost only.')
    await next()
    return undefined
  }
}

/** The page it serves itself, and origins the user named (`--allow-origin`). Requests without an Origin come from programs, not pages. */
export function knownOriginsOnly(allowedOrigins: readonly string[]): MiddlewareHandler {
  return async (c, next) => {
    const origin = c.req.header('origin')
    // Other ports of this computer are the same site, and not this page.
    const isForeignPage = origin === undefined && ['cross-site', 'same-site'].includes(c.req.header('sec-fetch-site') ?? '')
    const isAllowed = origin === undefined ? !isForeignPage : isOwnOrigin(origin, c.req.header('host')) || allowedOrigins.includes(origin)
    if (!isAllowed)
      return failure(
        403,
        'forbidden_origin',
        `The gateway does not know the page ${origin ?? '(unnamed)'}; start it with --allow-origin to let that page in.`,
      )
    const isNamed = origin !== undefined && allowedOrigins.includes(origin)
    if (isNamed && c.req.method === 'OPTIONS') {
      // The last: Chrome asks it before a public page may reach a local address.
      return c.body(null, 204, {
        'Access-Control-Allow-Origin': origin,
        'Access-Control-Allow-Methods': 'GET, POST, DELETE',
        'Access-Control-Allow-Headers': 'content-type, authorization, mcp-session-id, mcp-protocol-version, last-event-id',
        'Access-Control-Allow-Private-Network': 'true',
      })
    }
    await next()
    if (isNamed) {
      c.res.headers.set('Access-Control-Allow-Origin', origin)
      c.res.headers.set('Access-Control-Expose-Headers', 'mcp-session-id')
      c.res.headers.append('Vary', 'Origin')
    }
    return undefined
  }
}

/** `Authorization: Bearer TOKEN`, as clients of OpenAI send a key: to them the token is the gateway's key. */
export function hasToken(authorization: string | undefined, token: string): boolean {
  const given = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? ''
  const [a, b] = [given, token].map((text) => createHash('sha256').update(text).digest())
  // The comparison takes the same time for every guess.
  return a !== undefined && b !== undefined && timingSafeEqual(a, b)
}

export function tokenOnly(token: string): MiddlewareHandler {
  return async (c, next) => {
    if (!hasToken(c.req.header('authorization'), token)) {
      const refused = failure(
        401,
        'no_token',
        'The gateway asks for its token: open the address that npm start printed, which ends in #token=…, or give that token as the key.',
      )
      refused.headers.set('WWW-Authenticate', 'Bearer')
      return refused
    }
    await next()
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
