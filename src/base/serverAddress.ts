/** Addresses of OpenAI-compatible servers, and the headers that carry a key to them. */

/** Azure names the version of its interface in the address; other parts of a query may hold keys and are dropped. */
const KEPT_PARAMETER = 'api-version'
const AZURE = /\.(?:azure\.com|azure-api\.net|azure\.us|azure\.cn)$/i

/**
 * `https://host/v1` from what people paste: no scheme, a trailing slash, the whole endpoint. Azure's `?api-version=` stays. Throws a
 * sentence for what is no http address, or carries a user name or password.
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
  const version = url.searchParams.get(KEPT_PARAMETER)
  return `${url.origin}${path === '' ? '/v1' : path}${version === null ? '' : `?${KEPT_PARAMETER}=${encodeURIComponent(version)}`}`
}

/** The address of one of the server's paths, such as `/chat/completions`; a query of the base address stays behind it. */
export function endpointOf(baseUrl: string, path: string): URL {
  const url = new URL(baseUrl)
  url.pathname = `${url.pathname.replace(/\/+$/, '')}${path}`
  return url
}

/** Azure takes a key in a header of its own and reads Authorization as a token of its directory; its proxies take either. */
export function keyHeaders(endpoint: URL, apiKey: string): Record<string, string> {
  if (apiKey === '') return {}
  const bearer = { Authorization: `Bearer ${apiKey}` }
  if (!endpoint.searchParams.has(KEPT_PARAMETER)) return bearer
  return AZURE.test(endpoint.hostname) ? { 'api-key': apiKey } : { ...bearer, 'api-key': apiKey }
}

/** One sentence about a key that no header can carry; null for a key that one can. The sentence does not quote the key. */
export function keyProblem(apiKey: string): string | null {
  if (/[\r\n]/.test(apiKey)) return 'The key has a line break in it: copy it again, as one line.'
  if (!/^[\x21-\x7e]*$/.test(apiKey))
    return 'The key has characters that no key has, such as spaces or letters with accents: copy it again.'
  return null
}
