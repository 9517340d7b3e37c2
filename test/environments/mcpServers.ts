/** Servers for tests: one that the test scripts, over any of the protocol's transports, and one that speaks no protocol. */
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js'
import { connectClient } from '../../src/environments/mcp/clientConnection'
import type { OpenToolConnection } from '../../src/environments/toolConnection'

export interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: Record<string, unknown>
}

/** What a scripted server does with a request: a result, an error, nothing at all, or the end of the connection. */
export type Answer = { readonly result: unknown } | { readonly error: { code: number; message: string } } | 'silence' | 'death'

const hello: Answer = {
  result: { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'scripted', version: '7' } },
}

export const aTool = (name: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  name,
  description: `Does ${name}.`,
  inputSchema: { type: 'object', properties: { city: { type: 'string', description: 'Where.' } }, required: ['city'] },
  ...more,
})

export interface Scripted {
  readonly connect: OpenToolConnection
  /** Every request that came, in order. */
  readonly asked: Message[]
  /** How often a connection was opened. */
  opened(): number
}

/** A server whose answers the test gives; it says hello by itself. */
export function scripted(answer: (message: Message, connection: number) => Answer): Scripted {
  const asked: Message[] = []
  let opened = 0
  return {
    asked,
    opened: () => opened,
    connect: async (options) => {
      opened += 1
      const connection = opened
      const [client, server] = InMemoryTransport.createLinkedPair()
      server.onmessage = (given) => {
        const message = given as Message
        asked.push(message)
        if (message.id === undefined) return
        const reply = message.method === 'initialize' ? hello : answer(message, connection)
        if (reply === 'death') void server.close()
        else if (reply !== 'silence') void server.send({ jsonrpc: '2.0', id: message.id, ...reply } as JSONRPCMessage)
      }
      await server.start()
      return connectClient(client, 'The scripted server', options)
    },
  }
}

/** Lists these tools, and answers calls as the test says. */
export const withTools = (
  tools: readonly unknown[],
  call: (message: Message, connection: number) => Answer = ({ params }) => ({
    result: { content: [{ type: 'text', text: `called ${JSON.stringify(params)}` }] },
  }),
): Scripted => scripted((message, connection) => (message.method === 'tools/list' ? { result: { tools } } : call(message, connection)))
