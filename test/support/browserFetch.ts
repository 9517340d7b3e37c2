/** Node's fetch with a browser's manners: cross-origin rules (CORS), hidden headers, redirects that a page does not see. */
import type { FetchLike } from '../../src/network/fetchLedger'

const SAFELISTED = ['cache-control', 'content-language', 'content-length', 'content-type', 'expires', 'last-modified', 'pragma']

/** What a page of another origin than any server's gets. Source: Fetch standard, "CORS filtered response" and "HTTP-redirect fetch". */
export const browserFetch: FetchLike = async (url, init = {}) => {
  const headers = new Headers(init.headers)
  let at = new URL(url)
  for (;;) {
    const response = await fetch(at, { ...init, headers, redirect: 'manual' })
    if (response.headers.get('access-control-allow-origin') !== '*') throw new TypeError('Failed to fetch')
    if (response.status >= 300 && response.status < 400) {
      await response.body?.cancel()
      if (init.redirect === 'manual') return withType(new Response(null), 'opaqueredirect')
      const next = new URL(response.headers.get('location') ?? '', at)
      if (next.origin !== at.origin) headers.delete('authorization')
      at = next
      continue
    }
    const exposed = (response.headers.get('access-control-expose-headers') ?? '').toLowerCase().split(/,\s*/)
    const shown = [...response.headers].filter(([name]) => SAFELISTED.includes(name) || exposed.includes(name))
    return withType(new Response(response.body, { status: response.status, headers: shown }), 'cors')
  }
}

function withType(response: Response, type: ResponseType): Response {
  Object.defineProperty(response, 'type', { value: type })
  return response
}
