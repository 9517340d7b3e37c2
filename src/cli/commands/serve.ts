/** `hone serve`: the gateway, with `--site` the page too (`npm start` is `hone serve --site dist`), and with `--tools` or `--cache` StableToolBench's tool server. */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { createGateway } from '../../gateway/app'
import { createMcpSessions } from '../../gateway/mcpBridge'
import { listen } from '../../gateway/listen'
import { upstreamFromEnvironment } from '../../gateway/upstream'
import { wandbFromEnvironment } from '../../gateway/wandb'
import { defineCommand, UsageError, type CommandContext } from '../command'
import { commandSources, namedCommand, worldSources } from '../mcpServers'
import { virtualOptions } from '../virtualOptions'
import { openVirtual } from '../virtualServer'

export const serve = defineCommand({
  name: 'serve',
  summary: 'serves the gateway on localhost, with --site the built site, and with --tools or --cache a tool server',
  options: z.object({
    port: z.int().min(0).max(65_535).default(4180).meta({ help: 'port on localhost; 0 takes a free one' }),
    site: z.string().optional().meta({ help: 'folder of the built site' }),
    allowOrigin: z
      .array(z.url({ protocol: /^https?$/ }))
      .default([])
      .meta({ help: 'origins of other pages that may use this gateway, such as https://example.org' }),
    mcp: z
      .array(z.string())
      .default([])
      .meta({ help: 'commands of MCP servers, offered at /mcp/NAME: "npx -y @modelcontextprotocol/server-everything" or NAME="COMMAND"' }),
    mcpWorld: z.array(z.string()).default([]).meta({ help: 'environments that are offered as MCP servers at /mcp-world/NAME' }),
    ...virtualOptions,
  }),
  run: async (context, { port, site, allowOrigin, mcp: commands, mcpWorld, ...virtualFlags }) => {
    const options = { mcp: commands, mcpWorld }
    if (site !== undefined && !existsSync(join(site, 'index.html')))
      throw new UsageError(`${site} holds no built site; npm run build makes one.`)
    const mcp = mcpSessions(context, options)
    const upstream = upstreamFromEnvironment(process.env)
    const virtual = await openVirtual(virtualFlags, upstream, context)
    // A new one at every start: who had the last one, or holds the port while Hone does not run, has nothing.
    const token = randomBytes(32).toString('base64url')
    const app = createGateway({
      token,
      siteDirectory: site ?? null,
      upstream,
      mcp,
      ...(virtual ? { virtual } : {}),
      wandb: wandbFromEnvironment(process.env),
      sleep,
      allowedOrigins: allowOrigin.map((url) => new URL(url).origin),
      fetch: context.fetch,
    })
    const gateway = await listen(app, port)
    const server = upstream === null ? 'no model server (OPENAI_API_KEY is not set)' : `model server ${new URL(upstream.baseUrl).host}`
    context.progress(`Hone is at ${gateway.url} (${server}). Ctrl-C stops it.`)
    if (virtual)
      context.progress(`The tool server is at ${gateway.url}/virtual: set SERVICE_URL to this address for StepTool’s own client.`)
    context.progress(
      `For the gateway, which uses your keys, open ${gateway.url}/#token=${token} instead: nobody without the token can use them.`,
    )
    announceMcp(context, gateway.url, options)
    await aborted(context.signal)
    await Promise.all([mcp.servers.close(), mcp.worlds.close()])
    await gateway.close()
    return { url: gateway.url, stopped: true }
  },
  show: () => '',
})

interface McpOptions {
  readonly mcp: readonly string[]
  readonly mcpWorld: readonly string[]
}

const mcpSessions = (context: CommandContext, { mcp, mcpWorld }: McpOptions) => ({
  servers: createMcpSessions(commandSources(mcp, (line) => context.progress(line))),
  worlds: createMcpSessions(worldSources(mcpWorld)),
})

/** Commands run only because the user wrote them here: no request can name another. */
function announceMcp(context: CommandContext, url: string, { mcp, mcpWorld }: McpOptions): void {
  for (const { name, words } of mcp.map(namedCommand))
    context.progress(`MCP server ${name} at ${url}/mcp/${name}: a session of who has the token runs ${words.join(' ')}`)
  for (const name of mcpWorld) context.progress(`MCP server of the environment ${name} at ${url}/mcp-world/${name}, for who has the token.`)
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      resolve()
    })
  })
}
