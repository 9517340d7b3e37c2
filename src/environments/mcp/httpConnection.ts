/** A server at an address: the protocol's streamable HTTP, over the fetch that is handed in, so that only allowed hosts are asked. */
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ErrorCode } from '@modelcontextprotocol/sdk/types.js'
import { z } from 'zod'
import { connectClient } from './clientConnection'
import { ToolConnectionError, type CallOptions, type ToolConnection } from '../toolConnection'

/** More than any observation; a body that goes on for ever ends here. */
const MAX_BODY_BYTES = 64 * 2 ** 20
/** What was read before a stream ended is parsed within this time. */
const LAST_MESSAGE_MS = 100

const request = z.looseObject({ id: z.union([z.string(), z.number()]), method: z.string() })

export interface HttpParts {
  readonly fetch: (url: string, init?: RequestInit) => Promise<Response>
  /** A secret that the server asks for as `Authorization: Bearer`. */
  readonly token?: string | null
}

/** Rejects with ToolConnectionError. */
export async function openHttpConnection(
  address: string,
  { fetch, token = null }: HttpParts,
  options: CallOptions,
): Promise<ToolConnection> {
  const url = new URL(address)
  const title = `The tool server at ${url.host}${url.pathname}`
  const answered = new Set<string | number>()
  const transport = new StreamableHTTPClientTransport(url, {
    fetch: async (input, init) => {
      const response = await fetch(input instanceof URL ? input.href : input, init)
      return boundedBody(response, title, (canResume) => {
        const asked = canResume ? null : requestIn(init?.body)
        if (asked !== null) setTimeout(() => failUnanswered(asked), LAST_MESSAGE_MS)
      })
    },
    ...(token === null ? {} : { requestInit: { headers: { authorization: `Bearer ${token}` } } }),
    reconnectionOptions: { initialReconnectionDelay: 500, maxReconnectionDelay: 5000, reconnectionDelayGrowFactor: 2, maxRetries: 1 },
  })
  // The client calls this one before its own.
  transport.onmessage = (message) => {
    if ('id' in message && !('method' in message) && message.id !== undefined) answered.add(message.id)
  }
  /** A stream that ends without the answer would leave its call waiting until the time limit. */
  const failUnanswered = (id: string | number): void => {
    const error = { code: ErrorCode.ConnectionClosed, message: 'the stream of the answer broke off', data: { closed: true } }
    if (!answered.has(id)) transport.onmessage?.({ jsonrpc: '2.0', id, error })
    answered.delete(id)
  }
  const connection = await connectClient(transport, title, options)
  return {
    ...connection,
    close: async () => {
      // The server may free what it holds for the session; one that cannot be asked frees it when it times out.
      if (connection.isOpen()) await transport.terminateSession().catch(() => undefined)
      await connection.close()
    },
  }
}

/** The id of the request that a body holds; null when it is a notification or an answer. */
function requestIn(body: unknown): string | number | null {
  const parsed = request.safeParse(typeof body === 'string' ? JSON.parse(body) : null)
  return parsed.success ? parsed.data.id : null
}

/** @param ended hears that the stream is over, and whether the client can ask for its rest (it had event ids). */
function boundedBody(response: Response, title: string, ended: (canResume: boolean) => void): Response {
  if (response.body === null || response.status === 204) return response
  const reader = response.body.getReader()
  const decoder = new TextDecoder()
  let bytes = 0
  let canResume = false
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read()
        if (done) {
          controller.close()
          ended(canResume)
          return
        }
        bytes += value.byteLength
        if (bytes > MAX_BODY_BYTES)
          throw new ToolConnectionError('protocol', `${title} sent more than ${MAX_BODY_BYTES / 2 ** 20} MB in one answer.`)
        canResume ||= /^id:/m.test(decoder.decode(value, { stream: true }))
        controller.enqueue(value)
      } catch (error) {
        void reader.cancel(error).catch(() => undefined)
        controller.error(error)
        ended(canResume)
      }
    },
    cancel: (reason) => reader.cancel(reason),
  })
  const { status, statusText, headers } = response
  return new Response(body, { status, statusText, headers })
}
