/** An environment of the catalogue as a server of the Model Context Protocol: each session has an episode of its own, without a task. */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import {
  CallToolRequestSchema,
  ErrorCode,
  ListToolsRequestSchema,
  McpError,
  type CallToolResult,
  type Tool,
} from '@modelcontextprotocol/sdk/types.js'
import type { ToolSpec } from '../../records/trajectory'
import { EnvironmentError, type Environment, type Episode } from '../environment'
import { argumentsSchema } from '../toolSchema'

/** Serves one session; it ends when the transport closes. */
export async function serveEnvironment(environment: Environment, transport: Transport): Promise<void> {
  const protocol = new McpServer(
    { name: `hone-${environment.name}`, title: environment.title, version: environment.hash.slice(0, 12) },
    { capabilities: { tools: {} }, instructions: environment.description },
  )
  // The schemas of the tools are JSON already, which only the inner server takes as they are.
  const { server } = protocol
  let episode: Promise<Episode> | null = null
  const opened = (): Promise<Episode> => (episode ??= environment.open(null))
  server.setRequestHandler(ListToolsRequestSchema, async () => ({ tools: (await opened()).tools.map(protocolTool) }))
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, { signal }): Promise<CallToolResult> => {
    const running = await opened()
    if (!running.tools.some(({ name }) => name === params.name))
      throw new McpError(
        ErrorCode.InvalidParams,
        `There is no tool ${params.name}; there is ${running.tools.map(({ name }) => name).join(', ')}.`,
      )
    try {
      const [reply] = await running.call([{ name: params.name, arguments: params.arguments ?? {} }], { signal })
      return { content: [{ type: 'text', text: reply?.text ?? '' }], isError: reply === undefined || reply.error !== null }
    } catch (error) {
      if (!(error instanceof EnvironmentError)) throw error
      return { content: [{ type: 'text', text: error.message }], isError: true }
    }
  })
  server.onclose = () => {
    void episode?.then((open) => open.close()).catch(() => undefined)
  }
  await protocol.connect(transport)
}

function protocolTool(tool: ToolSpec): Tool {
  const { name, description, annotations } = tool
  return {
    ...{ name, description, inputSchema: { ...argumentsSchema(tool), type: 'object' as const } },
    ...(annotations ? { annotations } : {}),
  }
}
