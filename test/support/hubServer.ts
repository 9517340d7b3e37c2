/**
 * A server with the Hub's layout, on two ports as the Hub has two origins: the first knows models and redirects large files to the
 * second, which has their bytes. It misbehaves on request.
 */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'

export const COMMIT = 'a'.repeat(40)

export interface SeenRequest {
  readonly origin: 'hub' | 'files'
  readonly method: string
  readonly path: string
  readonly range: string | null
  readonly authorization: string | null
}

/** What to do wrong; change it between requests. */
export interface Faults {
  /** Cut this many of the coming file answers after `afterBytes` bytes; those with fewer than `atLeast` bytes are left alone. */
  drops: { count: number; afterBytes: number; atLeast?: number }
  /** Answer this many requests with 503 and `Retry-After: 2`. */
  busy: number
  ignoreRanges: boolean
  hideEtag: boolean
  etagSuffix: string
  cors: boolean
  exposeContentRange: boolean
  /** Status for requests with no token or another one. */
  secured: { token: string; status: 401 | 403 } | null
  redirectTo: string | null
  listing: string | null
  /** Status for files that are not there: S3 and CloudFront answer 403. */
  absentStatus: 403 | 404
}

export interface HubServer {
  readonly endpoint: string
  /** Where redirects lead. */
  readonly filesOrigin: string
  readonly seen: SeenRequest[]
  readonly faults: Faults
  /** Bytes of bodies sent so far, of files. */
  sentBytes(): number
  readonly files: Map<string, Uint8Array>
  close(): Promise<void>
}

export async function serveHub(repo: string, files: Map<string, Uint8Array>): Promise<HubServer> {
  const seen: SeenRequest[] = []
  const faults: Faults = {
    ...{ drops: { count: 0, afterBytes: 0 }, busy: 0, ignoreRanges: false, hideEtag: false, etagSuffix: '', cors: true },
    ...{ exposeContentRange: true, secured: null, redirectTo: null, listing: null, absentStatus: 404 },
  }
  let sent = 0

  function note(origin: SeenRequest['origin'], request: IncomingMessage, response: ServerResponse): boolean {
    const { range = null, authorization = null } = request.headers
    if (request.method !== 'OPTIONS') seen.push({ origin, method: request.method ?? '', path: request.url ?? '', range, authorization })
    if (faults.cors) {
      response.setHeader('access-control-allow-origin', '*')
      if (faults.exposeContentRange) response.setHeader('access-control-expose-headers', 'ETag, Content-Range')
    }
    // A page asks before it sends a token to another origin.
    if (request.method === 'OPTIONS') {
      response.setHeader('access-control-allow-headers', 'authorization, range')
      response.writeHead(204).end()
      return false
    }
    if (faults.busy === 0) return true
    faults.busy -= 1
    response.writeHead(503, { 'retry-after': '2' }).end('busy')
    return false
  }

  function sendFile(bytes: Uint8Array, request: IncomingMessage, response: ServerResponse): void {
    const match = faults.ignoreRanges ? null : /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '')
    if (!faults.hideEtag) {
      const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 8)
      response.setHeader('etag', `"${hash}${faults.etagSuffix}"`)
    }
    response.setHeader('content-type', 'application/octet-stream')
    const from = Number(match?.[1] ?? 0)
    if (match && from >= bytes.length) {
      response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end()
      return
    }
    const part = match ? bytes.subarray(from, Number(match[2]) + 1) : bytes
    response.writeHead(match ? 206 : 200, {
      'content-length': part.length,
      ...(match ? { 'content-range': `bytes ${from}-${from + part.length - 1}/${bytes.length}` } : {}),
    })
    const { count, afterBytes, atLeast = 0 } = faults.drops
    if (count > 0 && part.length > afterBytes && part.length >= atLeast) {
      faults.drops.count -= 1
      sent += afterBytes
      response.flushHeaders()
      if (afterBytes > 0) response.write(part.subarray(0, afterBytes))
      // A browser forgets what it has not read when its connection ends, and when it reads is known to it alone.
      setTimeout(() => response.destroy(), 20)
      return
    }
    sent += part.length
    response.end(part)
  }

  const fileServer = createServer((request, response) => {
    if (!note('files', request, response)) return
    const bytes = files.get(decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname.slice(1)))
    if (bytes) sendFile(bytes, request, response)
    else response.writeHead(faults.absentStatus).end()
  })
  const filesOrigin = await listen(fileServer)

  const hub = createServer((request, response) => {
    if (!note('hub', request, response)) return
    const { secured } = faults
    if (secured && request.headers.authorization !== `Bearer ${secured.token}`) {
      response.writeHead(secured.status).end(`not with ${request.headers.authorization ?? 'nothing'}`)
      return
    }
    const path = new URL(request.url ?? '/', 'http://x').pathname
    if (new RegExp(`^/api/models/${repo}/revision/(main|v1|${COMMIT})$`).test(path)) {
      const siblings = [...files].map(([rfilename, bytes]) => ({ rfilename, size: bytes.length }))
      response.writeHead(200, { 'content-type': 'application/json' }).end(faults.listing ?? JSON.stringify({ sha: COMMIT, siblings }))
      return
    }
    const file = /\/(?:resolve\/a{40}|folder)\/([^/]+)$/.exec(path)?.[1]
    const bytes = files.get(decodeURIComponent(file ?? ''))
    if (file === undefined || !bytes) response.writeHead(faults.absentStatus).end('no such file')
    else if (file.endsWith('.safetensors'))
      response.writeHead(302, { location: faults.redirectTo ?? `${filesOrigin}/${file}?signature=secret` }).end()
    else sendFile(bytes, request, response)
  })
  const endpoint = await listen(hub)

  return {
    ...{ endpoint, filesOrigin, seen, faults, files },
    sentBytes: () => sent,
    close: async () => {
      for (const server of [hub, fileServer]) {
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      }
    },
  }
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return `http://127.0.0.1:${address.port}`
}
