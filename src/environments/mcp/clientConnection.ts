/** A server that speaks the Model Context Protocol, as a connection: the protocol's own client over any of its transports. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import type { jsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/types.js'
import { ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js'
import { z } from 'zod'
import { excerpt } from '../../base/excerpt'
import { cancellable } from '../environment'
import { ToolConnectionError, type CallOptions, type ToolConnection, type ToolServer } from '../toolConnection'

/** A server that never stops listing is stopped here. */
const MAX_PAGES = 500
const MAX_LISTED = 20_000

const page = z.looseObject({ tools: z.array(z.unknown()), nextCursor: z.string().nullish() })
const anyResult = z.looseObject({})

/** Answers are judged by what reads them; the client's own validator would compile schemas to code, which a page does not allow. */
const noValidator: jsonSchemaValidator = {
  getValidator: () => (input) => ({ valid: true, data: input as never, errorMessage: undefined }),
}

/** Greets the server. Rejects with ToolConnectionError; the transport is closed then. @param title names the server in sentences. */
export async function connectClient(transport: Transport, title: string, options: CallOptions): Promise<ToolConnection> {
  const client = new Client({ name: 'hone', version: '0.1.0' }, { capabilities: {}, jsonSchemaValidator: noValidator })
  /** The last thing that was no message of the protocol, as a server's log on its standard output. */
  let foreign: string | null = null
  let isOpen = false
  client.onerror = ({ message }) => {
    foreign = message
  }
  client.onclose = () => {
    isOpen = false
  }
  const request = async <T>(
    { signal, timeoutMs }: CallOptions,
    ask: (own: { signal: AbortSignal; timeout: number }) => Promise<T>,
  ): Promise<T> => {
    // The client listens to a signal for ever, so each request gets one of its own.
    const stop = new AbortController()
    try {
      return await cancellable(ask({ signal: stop.signal, timeout: timeoutMs }), signal)
    } catch (error) {
      if (signal?.aborted === true) {
        stop.abort(signal.reason)
        throw error
      }
      const failure = failureOf(error, { title, timeoutMs, foreign })
      if (failure.problem === 'session-over') isOpen = false
      throw failure
    }
  }
  try {
    await request(options, (own) => client.connect(transport, own))
    isOpen = true
  } catch (error) {
    await client.close().catch(() => undefined)
    throw error
  }
  return {
    server: serverOf(client, title),
    isOpen: () => isOpen,
    list: (limits) =>
      listAll(title, (cursor) =>
        request(limits, (own) => client.request({ method: 'tools/list', ...(cursor === null ? {} : { params: { cursor } }) }, page, own)),
      ),
    call: (name, args, limits) =>
      request(limits, (own) => client.request({ method: 'tools/call', params: { name, arguments: { ...args } } }, anyResult, own)),
    close: async () => {
      isOpen = false
      await client.close().catch(() => undefined)
    },
  }
}

function serverOf(client: Client, title: string): ToolServer {
  const instructions = client.getInstructions()
  const { name = title, version = '' } = client.getServerVersion() ?? {}
  return { name, version, ...(instructions === undefined ? {} : { instructions }) }
}

async function listAll(title: string, pageAfter: (cursor: string | null) => Promise<z.output<typeof page>>): Promise<unknown[]> {
  const tools: unknown[] = []
  const cursors = new Set<string>()
  for (let cursor: string | null = null; ;) {
    const { tools: more, nextCursor } = await pageAfter(cursor)
    for (const tool of more) tools.push(tool)
    if (nextCursor === undefined || nextCursor === null || nextCursor === '') return tools
    if (cursors.has(nextCursor) || cursors.size >= MAX_PAGES || tools.length > MAX_LISTED)
      throw new ToolConnectionError(
        'protocol',
        `${title} does not end its list of tools: it has listed ${tools.length} in ${cursors.size + 1} pages.`,
      )
    cursors.add(nextCursor)
    cursor = nextCursor
  }
}

const isMarkedClosed = (data: unknown): boolean => z.looseObject({ closed: z.literal(true) }).safeParse(data).success

interface Circumstances {
  readonly title: string
  readonly timeoutMs: number
  readonly foreign: string | null
}

function failureOf(error: unknown, { title, timeoutMs, foreign }: Circumstances): ToolConnectionError {
  if (error instanceof ToolConnectionError) return error
  const message = error instanceof Error ? error.message : String(error)
  const quoted = foreign === null ? '' : ` The last thing it sent was no message of the protocol: ${excerpt(foreign, 300)}.`
  if (error instanceof McpError) {
    const said = message.replace(/^MCP error -?\d+: /, '')
    const code: unknown = error.code
    // A server may use the same code for something of its own.
    const isOwn = code === ErrorCode.RequestTimeout && z.looseObject({ timeout: z.number() }).safeParse(error.data).success
    if (isOwn) return new ToolConnectionError('timeout', `${title} did not answer within ${timeoutMs / 1000} s.${quoted}`)
    // The code is that of every server error: the client says so itself, or the error says that the connection is meant.
    const isClosed = code === ErrorCode.ConnectionClosed && (said === 'Connection closed' || isMarkedClosed(error.data))
    if (isClosed) return new ToolConnectionError('closed', `${title} ended the connection: ${said}.${quoted}`)
    return new ToolConnectionError(code === ErrorCode.InvalidParams ? 'arguments' : 'refused', said)
  }
  // The protocol's package has classes of its own for errors of its schemas.
  if (error instanceof SyntaxError || (error instanceof Error && 'issues' in error))
    return new ToolConnectionError(
      'protocol',
      `${title} answered with something other than the Model Context Protocol: ${excerpt(message, 300)}.`,
    )
  const status = error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : null
  // A session that the server no longer knows is over; a new one can be opened.
  if (status === 404)
    return new ToolConnectionError('session-over', `${title} does not know this session any more: ${excerpt(message, 300)}.`)
  if (status !== null)
    return new ToolConnectionError('protocol', `${title} did not answer in the Model Context Protocol: ${excerpt(message, 300)}.`)
  if (message === 'Not connected') return new ToolConnectionError('closed', `${title} closed the connection.${quoted}`)
  return new ToolConnectionError('unreachable', `${title} cannot be reached: ${excerpt(message, 300)}.`)
}
