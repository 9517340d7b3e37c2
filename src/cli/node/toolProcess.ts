/** A command of this computer as a tool server: `stdio:COMMAND` in the settings of a command that the user typed. */
import { connectClient } from '../../environments/mcp/clientConnection'
import type { CallOptions, ToolConnection } from '../../environments/toolConnection'
import { processTransport } from '../../gateway/mcpProcess'
import { namedCommand } from '../mcpServers'

export function openToolProcess(command: string, log: (line: string) => void, options: CallOptions): Promise<ToolConnection> {
  const { name, words } = namedCommand(command)
  return connectClient(
    processTransport(words, (line) => log(`${name}: ${line}`)),
    `The MCP server ${name}`,
    options,
  )
}
