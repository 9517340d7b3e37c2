/** dist/ on the barest of static servers: no special headers, under a path of its own. */
import { readFileSync, statSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { projectRoot } from './sources'

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
}

export async function serveStatically(prefix: string): Promise<{ readonly url: string; readonly server: Server }> {
  const root = join(projectRoot, 'dist')
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname)
    const file = join(root, normalize(path.slice(prefix.length) || '/').replace(/\/$/, '/index.html'))
    if (!path.startsWith(`${prefix}/`) || !file.startsWith(root) || !statSync(file, { throwIfNoEntry: false })?.isFile()) {
      response.writeHead(404).end()
      return
    }
    response.writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream' }).end(readFileSync(file))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the static server has no port')
  return { url: `http://127.0.0.1:${address.port}${prefix}`, server }
}
