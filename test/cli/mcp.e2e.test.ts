/** `hone mcp` as a client of the Model Context Protocol starts it. */
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { expect, test } from 'vitest'
import { projectRoot } from '../support/sources'

test.each(['arithmetic', 'starter'])('the environment %s is a server on standard input and output', async (world) => {
  const client = new Client({ name: 'test', version: '1' })
  const args = [join(projectRoot, 'src/cli/launch.js'), 'hone', 'mcp', '--world', world]
  const noise: Error[] = []
  client.onerror = (error) => noise.push(error)
  await client.connect(new StdioClientTransport({ command: process.execPath, args }), { timeout: 120_000 })
  const { tools } = await client.listTools()
  expect(tools.length).toBeGreaterThan(2)
  if (world === 'arithmetic') {
    const result = await client.callTool({ name: 'add', arguments: { a: 40, b: 2 } })
    expect(result).toMatchObject({ content: [{ type: 'text', text: '{"result":42}' }], isError: false })
  }
  await client.close()
  // Everything on standard output was a message of the protocol.
  expect(noise).toEqual([])
})
