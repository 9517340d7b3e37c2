/**
 * `fetch` through the proxies that the environment names. Node 20 does not read HTTP_PROXY, HTTPS_PROXY and NO_PROXY; undici, from which its
 * `fetch` comes, does. Names in lower case take precedence, as in curl.
 */
import { EnvHttpProxyAgent, fetch as fetchOfUndici } from 'undici'
import { UsageError } from '../command'

type Environment = Readonly<Record<string, string | undefined>>

/** Node's own `fetch` where no proxy is named. Throws one sentence for a proxy whose address is none. */
export function fetchOfEnvironment(env: Environment): typeof fetch {
  const [httpProxy, httpsProxy] = [proxyOf(env, 'HTTP_PROXY'), proxyOf(env, 'HTTPS_PROXY')]
  if (httpProxy === null && httpsProxy === null) return (input, init) => fetch(input, init)
  const dispatcher = new EnvHttpProxyAgent({
    httpProxy: httpProxy ?? '',
    httpsProxy: httpsProxy ?? '',
    noProxy: env.no_proxy ?? env.NO_PROXY ?? '',
    // Proxies take plain http as it is; many refuse to open a tunnel to port 80.
    proxyTunnel: false,
  })
  // Its types are undici's own: to the compiler its Response is another than the global one.
  const fetchThrough = fetchOfUndici as unknown as (
    input: Parameters<typeof fetch>[0],
    init: RequestInit & { readonly dispatcher: unknown },
  ) => Promise<Response>
  return (input, init = {}) => fetchThrough(input, { ...init, dispatcher })
}

function proxyOf(env: Environment, name: 'HTTP_PROXY' | 'HTTPS_PROXY'): string | null {
  const given = (env[name.toLowerCase()] ?? env[name] ?? '').trim()
  if (given === '') return null
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(given) ? given : `http://${given}`
  // The address may hold a password: it is not quoted.
  if (!URL.canParse(address) || !/^https?:$/.test(new URL(address).protocol))
    throw new UsageError(`${name} must be the http or https address of a proxy, such as http://proxy.example:3128.`)
  return address
}
