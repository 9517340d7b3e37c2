/** `hone mcp`: an environment as an MCP server on standard input and output, for clients that start their servers. */
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { z } from 'zod'
import { serveEnvironment } from '../../environments/mcp/environmentServer'
import { DEFAULT_ENVIRONMENT } from '../../studio/defaults'
import { defineCommand } from '../command'
import { builtInEnvironment } from '../mcpServers'

export const mcp = defineCommand({
  name: 'mcp',
  summary: 'offers an environment as an MCP server on standard input and output',
  options: z.object({
    world: z.string().default(DEFAULT_ENVIRONMENT).meta({ help: 'the environment whose tools are offered' }),
  }),
  run: async (context, { world }) => {
    const transport = new StdioServerTransport()
    const closed = new Promise<void>((resolve) => {
      process.stdin.once('end', resolve)
      context.signal.addEventListener('abort', () => {
        resolve()
      })
    })
    await serveEnvironment(builtInEnvironment(world), transport)
    await closed
    await transport.close()
    return { world, ended: true }
  },
  // Standard output carries messages of the protocol alone.
  show: () => '',
})
