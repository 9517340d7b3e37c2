/** The built site as static files. */
import { extname } from 'node:path'
import { serveStatic } from '@hono/node-server/serve-static'
import type { MiddlewareHandler } from 'hono'
import { siteHeaders } from './contentPolicy'

/** Types the static server does not know, or that browsers are strict about. */
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.jsonl': 'application/x-ndjson; charset=utf-8',
  '.wasm': 'application/wasm',
  '.wgsl': 'text/wgsl; charset=utf-8',
  '.safetensors': 'application/octet-stream',
  '.bin': 'application/octet-stream',
}

export function staticSite(directory: string): MiddlewareHandler {
  const serve = serveStatic({ root: directory })
  return async (c, next) => {
    const response = await serve(c, next)
    if (!(response instanceof Response)) return undefined
    const type = CONTENT_TYPES[extname(c.req.path).toLowerCase()]
    if (type !== undefined) response.headers.set('Content-Type', type)
    // Names under assets/ carry a content hash; everything else must be asked for again.
    response.headers.set('Cache-Control', c.req.path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache')
    for (const [name, value] of Object.entries(siteHeaders)) response.headers.set(name, value)
    return response
  }
}
