/** Opens the gateway's sockets: loopback only. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import type { Hono } from 'hono'
import { createGateway, type GatewayParts } from './app'
import { upstreamFromEnvironment } from './upstream'
import { wandbFromEnvironment } from './wandb'

export interface RunningGateway {
  readonly url: string
  close(): Promise<void>
}

/** `localhost` may mean 127.0.0.1 or ::1, so both are opened; a machine without IPv6 has only the first. */
export async function listen(app: Hono, port: number): Promise<RunningGateway> {
  const first = await open(app, '127.0.0.1', port)
  const address = first.address()
  const actualPort = typeof address === 'object' && address !== null ? address.port : port
  const servers = [first]
  try {
    servers.push(await open(app, '::1', actualPort))
  } catch (error) {
    if (isBusy(error)) {
      await close(first)
      throw busyPort(actualPort)
    }
  }
  return {
    url: `http://localhost:${actualPort}`,
    close: async () => {
      await Promise.all(servers.map(close))
    },
  }
}

function open(app: Hono, host: string, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const listener = getRequestListener(app.fetch)
    // Node checks the times of requests about this often; what takes longer than they allow is cut.
    const times = { headersTimeout: 20_000, requestTimeout: 60_000, connectionsCheckingInterval: 5_000 }
    const server = createServer(times, (request, response) => void listener(request, response))
    server.once('error', (error) => {
      reject(isBusy(error) && host === '127.0.0.1' ? busyPort(port) : error)
    })
    server.listen({ host, port, ipv6Only: host === '::1' }, () => {
      resolve(server)
    })
  })
}

function close(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => {
    server.close(() => {
      resolve()
    })
  })
}

const isBusy = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'

const busyPort = (port: number): Error => new Error(`Port ${port} is in use: end the program that uses it, or pass --port with another.`)

/**
 * The gateway without the site, for the development server's middleware in vite.config.ts.
 * @public
 */
export async function developmentListener(
  request: IncomingMessage,
  response: ServerResponse,
  parts: Pick<GatewayParts, 'token' | 'fetch'>,
): Promise<void> {
  const [upstream, wandb] = [upstreamFromEnvironment(process.env), wandbFromEnvironment(process.env)]
  const app = createGateway({ ...parts, siteDirectory: null, upstream, wandb, allowedOrigins: [], sleep })
  await getRequestListener(app.fetch)(request, response)
}
