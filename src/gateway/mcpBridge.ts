/**
 * Sessions of the Model Context Protocol over HTTP, each joined to a connection of its own to the server behind it: a process on this computer, or an
 * environment in this one. Messages pass unread, except that a server which ends answers what it was asked.
 */
import { randomUUID } from 'node:crypto'
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { ErrorCode, isInitializeRequest, type JSONRPCMessage, type RequestId } from '@modelcontextprotocol/sdk/types.js'
import { z } from 'zod'
import { failure } from './failure'
import { readBody } from './requestBody'

/** A server that sessions can be opened with. */
export interface McpSource {
  /** For messages: `the MCP server files`. */
  readonly title: string
  /** A connection that is not started yet. */
  readonly open: () => Transport | Promise<Transport>
}

export interface McpSessions {
  /** The names, for who may know them. */
  names(): readonly string[]
  handle(name: string, request: Request): Promise<Response>
  /** Ends every session, and with it every process. */
  close(): Promise<void>
}

interface Session {
  readonly name: string
  readonly http: WebStandardStreamableHTTPServerTransport
  readonly pending: ReadonlyMap<RequestId, unknown>
  lastAt: number
  close(): Promise<void>
}

export interface McpLimits {
  readonly sessions: number
  /** After which a session that is asked nothing may be ended. */
  readonly idleMs: number
  /** For the body of a request to arrive. */
  readonly bodyMs: number
  /** The time in milliseconds. */
  readonly now: () => number
}

const LIMITS: McpLimits = { sessions: 32, idleMs: 15 * 60_000, bodyMs: 30_000, now: () => Date.now() }
/** Arguments of a call are a few kilobytes. */
const MAX_BODY_BYTES = 8 * 2 ** 20

export function createMcpSessions(sources: Readonly<Record<string, McpSource>>, limits: Partial<McpLimits> = {}): McpSessions {
  const { sessions: most, idleMs, bodyMs, now } = { ...LIMITS, ...limits }
  const sessions = new Map<string, Session>()
  /** Ends those that nobody uses, so that a client which never says goodbye does not keep a process for ever. */
  const endIdle = (): void => {
    for (const session of sessions.values()) if (session.pending.size === 0 && now() - session.lastAt > idleMs) void session.close()
  }
  return {
    names: () => Object.keys(sources),
    async handle(name, request) {
      const source = Object.hasOwn(sources, name) ? sources[name] : undefined
      if (source === undefined) return failure(404, 'no_server', `The gateway was started without an MCP server ${name.slice(0, 100)}.`)
      endIdle()
      const body = request.method === 'POST' ? await readBody(request, { bytes: MAX_BODY_BYTES, ms: bodyMs }) : null
      if (body instanceof Response) return body
      const parsedBody = body === null ? undefined : parsed(body)
      if (parsedBody === null) return failure(400, 'not_json', 'The body of the request is no JSON.')
      const id = request.headers.get('mcp-session-id')
      if (id === null && isInitializeRequest(parsedBody)) {
        if (sessions.size >= most)
          return failure(503, 'too_many_sessions', `The gateway has ${most} sessions with MCP servers; end one first.`)
        return begin({ ...source, name }, request, parsedBody, { sessions, now })
      }
      const session = sessions.get(id ?? '')
      // The status tells a client of the protocol to begin a new session.
      if (session?.name !== name)
        return failure(id === null ? 400 : 404, 'no_session', 'The gateway does not know this session of an MCP server.')
      session.lastAt = now()
      return session.http.handleRequest(request, { parsedBody })
    },
    close: async () => {
      await Promise.all([...sessions.values()].map((session) => session.close()))
    },
  }
}

/** A session begins with the client's first message, which is passed on. */
async function begin(
  { name, title, open }: McpSource & { readonly name: string },
  request: Request,
  parsedBody: unknown,
  { sessions, now }: { readonly sessions: Map<string, Session>; readonly now: () => number },
): Promise<Response> {
  const inner = await open()
  const http = new WebStandardStreamableHTTPServerTransport({
    sessionIdGenerator: () => randomUUID(),
    onsessioninitialized: (id) => {
      sessions.set(id, { name, http, pending, lastAt: now(), close })
    },
  })
  const { pending, close } = join(http, inner, title, () => {
    if (http.sessionId !== undefined) sessions.delete(http.sessionId)
  })
  await http.start()
  try {
    await inner.start()
  } catch (error) {
    await close()
    const why = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : ''
    return failure(502, 'server_did_not_start', `${title} could not be started${why}. Check the command that the gateway was started with.`)
  }
  return http.handleRequest(request, { parsedBody })
}

const progress = z.looseObject({
  method: z.literal('notifications/progress'),
  params: z.looseObject({ progressToken: z.union([z.string(), z.number()]) }),
})
const asksProgress = z.looseObject({
  params: z.looseObject({ _meta: z.looseObject({ progressToken: z.union([z.string(), z.number()]) }) }),
})

/** @returns the requests that wait for the server, and what ends both sides. */
function join(http: WebStandardStreamableHTTPServerTransport, inner: Transport, title: string, ended: () => void) {
  /** With the token by which the server reports their progress. */
  const pending = new Map<RequestId, RequestId | undefined>()
  let isOver = false
  const send = (message: JSONRPCMessage, relatedRequestId?: RequestId): void => {
    // The client may have gone away.
    http.send(message, relatedRequestId === undefined ? {} : { relatedRequestId }).catch(() => undefined)
  }
  const over = (): void => {
    if (isOver) return
    isOver = true
    const error = { code: ErrorCode.ConnectionClosed, message: `${title} ended.`, data: { closed: true } }
    for (const id of pending.keys()) send({ jsonrpc: '2.0', id, error })
    pending.clear()
    ended()
    void http.close()
  }
  http.onmessage = (message: JSONRPCMessage) => {
    if ('method' in message && 'id' in message) pending.set(message.id, asksProgress.safeParse(message).data?.params._meta.progressToken)
    void inner.send(message).catch(over)
  }
  http.onclose = () => {
    over()
    void inner.close().catch(() => undefined)
  }
  inner.onclose = over
  inner.onmessage = (message: JSONRPCMessage) => {
    if (!('method' in message) && message.id !== undefined) pending.delete(message.id)
    send(message, requestOf(message, pending))
  }
  const close = async (): Promise<void> => {
    over()
    await inner.close().catch(() => undefined)
  }
  return { pending, close }
}

/** The request whose stream a report of progress belongs to. */
function requestOf(message: JSONRPCMessage, pending: ReadonlyMap<RequestId, RequestId | undefined>): RequestId | undefined {
  const report = progress.safeParse(message)
  if (!report.success) return undefined
  return [...pending].find(([, token]) => token === report.data.params.progressToken)?.[0]
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
