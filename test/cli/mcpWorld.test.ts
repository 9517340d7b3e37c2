/** `hone evaluate` on a user's own queries in an MCP server: live and recorded through the command that the settings name, then replayed without it. */
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { evaluate } from '../../src/cli/commands/evaluate'
import { exportFiles } from '../../src/cli/commands/export'
import type { CommandContext, JsonObject } from '../../src/cli/command'
import { stepsOf, trajectory } from '../../src/records/trajectory'
import { gatewayToken } from '../../src/studio/worlds/toolServers'
import { run, temporaryDirectory, testContext } from './commandContext'

const require = createRequire(import.meta.url)
const EVERYTHING = `${process.execPath} ${require.resolve('@modelcontextprotocol/server-everything/dist/index.js')} stdio`

interface Said {
  readonly messages: readonly { readonly role: string; readonly content?: string | null }[]
}

/** A model that adds the two numbers of the question with the tool get-sum, and answers with what the tool says. */
let model: Server
beforeAll(async () => {
  model = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { messages } = JSON.parse(Buffer.concat(chunks).toString()) as Said
      const [a = 0, b = 0] = (messages.find(({ role }) => role === 'user')?.content?.match(/\d+/g) ?? []).map(Number)
      const reply = messages.find(({ role }) => role === 'tool')?.content
      const call = { id: 'c', type: 'function', function: { name: 'get-sum', arguments: JSON.stringify({ a, b }) } }
      const message = reply === undefined ? { role: 'assistant', content: null, tool_calls: [call] } : { role: 'assistant', content: reply }
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ choices: [{ index: 0, message, finish_reason: reply === undefined ? 'tool_calls' : 'stop' }] }))
    })
  })
  await new Promise<void>((resolve) => model.listen(0, '127.0.0.1', resolve))
})
afterAll(() => {
  model.close()
})

describe('a query set in an MCP server', () => {
  const folder = temporaryDirectory()
  const queries = join(folder, 'queries.csv')
  writeFileSync(
    queries,
    'query,gold_tools,answer\nWhat is 2 plus 3?,get-sum,5\nWhat is 20 plus 22?,get-sum;echo,42\nWhat is 1 plus 1?,get-sum,3\n',
  )
  const homeDirectory = temporaryDirectory()

  async function evaluated(
    environmentSettings: JsonObject,
    data = queries,
  ): Promise<{ result: JsonObject; context: CommandContext; replies: unknown[] }> {
    const out = join(temporaryDirectory(), 'evaluation')
    const { context } = testContext({ fetch: (url, init) => fetch(url, init), homeDirectory })
    const words = [
      ...['--model', 'adder', '--server', `http://127.0.0.1:${(model.address() as AddressInfo).port}/v1`, '--out', out],
      ...['--benchmark', 'query-set', '--benchmark-data', data, '--benchmark-settings', JSON.stringify({ environmentSettings })],
    ]
    const result = await run(evaluate, words, context)
    const lines = readFileSync(join(out, 'trajectories.jsonl'), 'utf8').trimEnd().split('\n')
    const records = lines.map((line) => trajectory.parse((JSON.parse(line) as { trajectory?: unknown }).trajectory ?? JSON.parse(line)))
    return {
      result,
      context,
      replies: records.flatMap((record) => stepsOf(record).flatMap((step) => step.replies.map(({ content }) => content))),
    }
  }

  it('is evaluated live, recorded, replayed with the same replies without the server, and exported', async () => {
    const live = await evaluated({ server: `stdio:${EVERYTHING}`, mode: 'record', recording: 'sums' })
    expect(live.result).toMatchObject({ n: 3, passRate: 2 / 3, recall: (1 + 0.5 + 1) / 3, judge: 'answers of the file (contains)' })
    expect(live.replies).toContain('The sum of 2 and 3 is 5.')

    const replayed = await evaluated({ mode: 'replay', recording: 'sums' })
    expect(replayed.result).toMatchObject({ n: 3, passRate: 2 / 3 })
    expect(replayed.replies).toEqual(live.replies)

    const file = join(folder, 'sums.json')
    await run(exportFiles, ['--to', 'tool-recording', 'sums', '--out', file], live.context)
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
      replies: { 'get-sum': { "{'a': 20, 'b': 22}": { error: '', response: 'The sum of 20 and 22 is 42.' } } },
    })
    await expect(run(exportFiles, ['--to', 'tool-recording', 'other', '--out', file], live.context)).rejects.toThrow(
      /no recording other .*Stored are sums/,
    )

    // The file beside the queries is all that another computer needs.
    const elsewhere = temporaryDirectory()
    writeFileSync(join(elsewhere, 'queries.csv'), readFileSync(queries))
    writeFileSync(join(elsewhere, 'sums.json'), readFileSync(file))
    expect((await evaluated({ mode: 'replay', recording: 'elsewhere' }, elsewhere)).replies).toEqual(live.replies)
  })

  it.each([
    [{ mode: 'replay', recording: 'none' }, /Nothing was recorded/],
    [{ mode: 'live' }, /needs a tool server/],
    [{ server: 'stdio:/no/such/program' }, /cannot be reached|could not be started|ENOENT/],
    [{ server: 'ftp://example.org' }, /is no address of a tool server/],
    [{ server: 'http://127.0.0.1:1/mcp/x' }, /cannot be reached/],
  ])('%j is one clear error', async (settings, message) => {
    await expect(evaluated(settings)).rejects.toThrow(message)
  })
})

it('the gateway’s token goes to addresses of this computer alone', () => {
  const secret = (name: string): string | null => (name === 'HONE_GATEWAY_TOKEN' ? 'secret' : null)
  expect(gatewayToken('http://localhost:4180/mcp/x', secret)).toBe('secret')
  expect(gatewayToken('https://example.org/mcp/x', secret)).toBeNull()
  expect(gatewayToken('http://localhost.example.org/mcp/x', secret)).toBeNull()
})
