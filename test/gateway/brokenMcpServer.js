/** An MCP server on standard input and output that does what servers should not: `node brokenMcpServer.js`. */
import { createInterface } from 'node:readline'

const say = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
const tools = ['die', 'wait', 'prose', 'works'].map((name) => ({ name, inputSchema: { type: 'object' } }))

process.stdout.write('Welcome! This line is no message of the protocol.\n')
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line)
  if (method === 'initialize')
    say({
      id,
      result: { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'broken', version: '1' } },
    })
  if (method === 'tools/list') say({ id, result: { tools } })
  if (method !== 'tools/call') return
  if (params.name === 'die') process.exit(3)
  if (params.name === 'prose') process.stdout.write('I would rather not say.\n')
  if (params.name === 'works') say({ id, result: { content: [{ type: 'text', text: `process ${process.pid}` }] } })
})
