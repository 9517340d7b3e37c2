/** MCP servers behind the gateway: processes of commands that the start named, and environments of the catalogue, over HTTP. */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterEach, describe, expect, it, test } from 'vitest'
import { commandSources, commandWords, namedCommand, worldSources } from '../../src/cli/mcpServers'
import type { ToolReply } from '../../src/environments/environment'
import { createMcpEnvironment, type McpEnvironment, type McpParts } from '../../src/environments/mcp/environment'
import { openHttpConnection } from '../../src/environments/mcp/httpConnection'
import { readRecording } from '../../src/environments/mcp/recording'
import { mcpSettings } from '../../src/environments/mcp/settings'
import { createGateway } from '../../src/gateway/app'
import { listen } from '../../src/gateway/listen'
import { createMcpSessions, type McpLimits } from '../../src/gateway/mcpBridge'

const TOKEN = 'the-token-that-the-start-printed'
const require = createRequire(import.meta.url)
const EVERYTHING = `everything=${process.execPath} ${require.resolve('@modelcontextprotocol/server-everything/dist/index.js')} stdio`
const BROKEN = `broken=${process.execPath} ${join(import.meta.dirname, 'brokenMcpServer.js')}`
const opened: { close: () => Promise<unknown> }[] = []
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close()
})

interface Running {
  readonly url: string
  readonly log: string[]
  close(): Promise<void>
}

async function gatewayWith(commands: readonly string[], worlds: readonly string[] = [], limits: Partial<McpLimits> = {}): Promise<Running> {
  const log: string[] = []
  const servers = createMcpSessions(
    commandSources(commands, (line) => log.push(line)),
    limits,
  )
  const offered = createMcpSessions(worldSources(worlds))
  const app = createGateway({
    ...{ token: TOKEN, siteDirectory: null, upstream: null, wandb: null, allowedOrigins: ['https://lab.example'], fetch },
    ...{ mcp: { servers, worlds: offered }, sleep: () => Promise.resolve() },
  })
  const gateway = await listen(app, 0)
  const close = async (): Promise<void> => {
    await Promise.all([servers.close(), offered.close(), gateway.close()])
  }
  opened.push({ close })
  return { url: gateway.url, log, close }
}

async function environmentAt(
  address: string,
  settings: Record<string, unknown> = {},
  parts: Partial<McpParts> = {},
): Promise<McpEnvironment> {
  const environment = await createMcpEnvironment({
    settings: mcpSettings.parse(settings),
    connect: (options) => openHttpConnection(address, { fetch, token: TOKEN }, options),
    recording: null,
    ...parts,
  })
  opened.push(environment)
  return environment
}

const calls = [
  { name: 'echo', arguments: { message: 'hello, “you”' } },
  { name: 'get-sum', arguments: { a: 2, b: 3 } },
  { name: 'get-structured-content', arguments: { location: 'New York' } },
  { name: 'get-tiny-image', arguments: {} },
  { name: 'get-resource-links', arguments: { count: 2 } },
  { name: 'get-annotated-message', arguments: { messageType: 'success', includeImage: true } },
  { name: 'get-sum', arguments: { a: 'two' } },
]
const withoutTime = (replies: readonly ToolReply[]): unknown[] => replies.map(({ text, error }) => ({ text, error }))

test('a server of the ecosystem is recorded through the gateway, stopped, and replayed with the same replies offline', async () => {
  const gateway = await gatewayWith([EVERYTHING])
  const saved: string[] = []
  const live = await environmentAt(
    `${gateway.url}/mcp/everything`,
    { mode: 'record' },
    { save: (made) => Promise.resolve(void saved.push(made.text())) },
  )
  expect(live.title).toBe('mcp-servers/everything')
  expect(live.tools.find(({ name }) => name === 'get-sum')).toMatchObject({
    annotations: { readOnlyHint: true },
    parameters: [
      { name: 'a', type: 'number', required: true },
      { name: 'b', type: 'number', required: true },
    ],
  })
  const episode = await live.open(null)
  const replies = await episode.call(calls)
  expect(replies[0]).toMatchObject({ text: 'Echo: hello, “you”', error: null })
  expect(replies[1]?.text).toContain('5')
  expect(replies[3]?.text).toMatch(/image\/png, \d{4} bytes/)
  expect(replies[6]).toMatchObject({ error: 'failed' })
  await episode.close()
  await live.close()
  await gateway.close()

  const refused: typeof live.open = async (query) => (await environmentAt(`${gateway.url}/mcp/everything`)).open(query)
  await expect(refused(null)).rejects.toThrow(/cannot be reached/)
  const replay = await createMcpEnvironment({
    settings: mcpSettings.parse({ mode: 'replay' }),
    connect: null,
    recording: readRecording(saved.at(-1) ?? '', 'everything.json'),
  })
  expect(replay.tools).toEqual(live.tools)
  expect(withoutTime(await (await replay.open(null)).call(calls))).toEqual(withoutTime(replies))
})

test('a process gets no key of this one', async () => {
  process.env.OPENAI_API_KEY = 'sk-that-no-process-may-see'
  try {
    const environment = await environmentAt(`${(await gatewayWith([EVERYTHING])).url}/mcp/everything`)
    const [reply] = await (await environment.open(null)).call([{ name: 'get-env', arguments: {} }])
    expect(reply?.text).toContain('PATH')
    expect(reply?.text).not.toContain('sk-that-no-process-may-see')
  } finally {
    delete process.env.OPENAI_API_KEY
  }
})

describe('a process that does wrong', () => {
  const call = (name: string) => ({ name, arguments: {} })

  it('gives a typed reply when it dies, and the next call has a new process', async () => {
    const environment = await environmentAt(`${(await gatewayWith([BROKEN])).url}/mcp/broken`)
    const [before, death, after] = await (await environment.open(null)).call([call('works'), call('die'), call('works')])
    expect(death).toMatchObject({ error: 'unavailable' })
    expect(death?.text).toContain('The MCP server broken ended')
    expect(after?.text).toMatch(/^process \d+$/)
    expect(after?.text).not.toBe(before?.text)
  })

  it('is waited for as long as the settings say when it never answers, or answers in prose', async () => {
    const environment = await environmentAt(`${(await gatewayWith([BROKEN])).url}/mcp/broken`, { timeoutSeconds: 1 })
    const replies = await (await environment.open(null)).call([call('wait'), call('prose'), call('works')])
    expect(replies.map(({ error }) => error)).toEqual(['timeout', 'timeout', null])
  })

  it.each([
    ['no such program', 'gone=/no/such/program', /The MCP server gone could not be started \(ENOENT\)/],
    ['a program that ends at once', `short=${process.execPath} -e 0`, /The MCP server short ended/],
    [
      'a program that speaks no protocol',
      `odd=${process.execPath} -e "setInterval(()=>console.log('tick'),20)"`,
      /did not answer within 1 s/,
    ],
  ])('%s is one clear error', async (_, command, message) => {
    const { url } = await gatewayWith([command])
    await expect(environmentAt(`${url}/mcp/${namedCommand(command).name}`, { timeoutSeconds: 1 })).rejects.toThrow(message)
  })

  it('is ended with the gateway, and when nobody used its session for long', async () => {
    let at = 0
    const gateway = await gatewayWith([BROKEN], [], { idleMs: 1000, now: () => at })
    const pidOf = async (environment: McpEnvironment): Promise<number> =>
      Number((await (await environment.open(null)).call([call('works')]))[0]?.text.replace('process ', ''))
    const idle = await environmentAt(`${gateway.url}/mcp/broken`)
    const first = await pidOf(idle)
    at = 2000
    const second = await pidOf(await environmentAt(`${gateway.url}/mcp/broken`))
    await expect.poll(() => isRunning(first)).toBe(false)
    expect(isRunning(second)).toBe(true)
    // Whoever comes back gets another process.
    expect(await pidOf(idle)).not.toBe(first)
    await gateway.close()
    await expect.poll(() => isRunning(second)).toBe(false)
  })
})

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe('who may use an MCP server', () => {
  const initialize = {
    ...{ jsonrpc: '2.0', id: 0, method: 'initialize' },
    params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
  }
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream', authorization: `Bearer ${TOKEN}` }
  const post = (url: string, more: Record<string, string> = {}, body: unknown = initialize): Promise<Response> =>
    fetch(url, { method: 'POST', headers: { ...headers, ...more }, body: typeof body === 'string' ? body : JSON.stringify(body) })

  it.each<[string, Record<string, string>, number]>([
    ['without the token', { authorization: '' }, 401],
    ['with a guessed token', { authorization: 'Bearer guessed' }, 401],
    ['a foreign page', { origin: 'https://evil.example' }, 403],
    ['a page on another port', { origin: 'http://localhost:1' }, 403],
    ['a form', { 'content-type': 'text/plain' }, 415],
    ['a page that was named at the start', { origin: 'https://lab.example' }, 200],
  ])('%s', async (_, more, status) => {
    const { url } = await gatewayWith([], ['arithmetic'])
    for (const path of ['/mcp-world/arithmetic', ...(status < 404 && status > 200 ? ['/mcp/any'] : [])]) {
      const response = await post(url + path, more)
      expect(response.status).toBe(status)
      expect(response.headers.get('x-content-type-options')).toBe('nosniff')
      expect(response.headers.get('content-type')).toMatch(/^(application\/json|text\/event-stream)/)
    }
  })

  it('a named page may read the id of its session', async () => {
    const { url } = await gatewayWith([], ['arithmetic'])
    const response = await post(`${url}/mcp-world/arithmetic`, { origin: 'https://lab.example' })
    expect(response.headers.get('access-control-expose-headers')).toBe('mcp-session-id')
    expect(response.headers.get('mcp-session-id')).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('a request names no command, and one server’s session opens no other', async () => {
    const { url } = await gatewayWith([BROKEN], ['arithmetic', 'starter'])
    expect((await post(`${url}/mcp/${encodeURIComponent('x=/bin/sh -c id')}`)).status).toBe(404)
    expect((await post(`${url}/mcp/constructor`)).status).toBe(404)
    expect((await post(`${url}/mcp/broken`, {}, { jsonrpc: '2.0', id: 1, method: 'tools/list' })).status).toBe(400)
    const session = (await post(`${url}/mcp-world/arithmetic`)).headers.get('mcp-session-id') ?? ''
    expect((await post(`${url}/mcp-world/starter`, { 'mcp-session-id': session })).status).toBe(404)
    expect((await post(`${url}/mcp/broken`, { 'mcp-session-id': session })).status).toBe(404)
    expect((await post(`${url}/mcp-world/arithmetic`, {}, '{"broken')).status).toBe(400)
    expect((await post(`${url}/mcp-world/arithmetic`, {}, `"${'x'.repeat(9e6)}"`)).status).toBe(413)
  })

  it('there are only so many sessions', async () => {
    const { url } = await gatewayWith([BROKEN], [], { sessions: 2 })
    const statuses = []
    for (let at = 0; at < 3; at++) statuses.push((await post(`${url}/mcp/broken`)).status)
    expect(statuses).toEqual([200, 200, 503])
  })

  it('health lists them for who has the token', async () => {
    const { url } = await gatewayWith([BROKEN], ['arithmetic'])
    const health = async (more: Record<string, string>): Promise<unknown> =>
      (await fetch(`${url}/gateway/v1/health`, { headers: more })).json()
    expect(await health({})).toEqual({ status: 'ok' })
    expect(await health(headers)).toMatchObject({ mcp: { servers: ['broken'], worlds: ['arithmetic'] } })
  })
})

describe('an environment as an MCP server', () => {
  const clientAt = async (url: string): Promise<Client> => {
    const client = new Client({ name: 'test', version: '1' })
    const requestInit = { headers: { authorization: `Bearer ${TOKEN}` } }
    await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }))
    opened.push(client)
    return client
  }

  it('passes the protocol’s own client, and each session has an episode of its own', async () => {
    const { url } = await gatewayWith([], ['starter', 'arithmetic'])
    const client = await clientAt(`${url}/mcp-world/arithmetic`)
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['add', 'multiply', 'divide'])
    expect(await client.callTool({ name: 'add', arguments: { a: 2, b: 3 } })).toMatchObject({
      content: [{ type: 'text', text: '{"result":5}' }],
      isError: false,
    })
    expect(await client.callTool({ name: 'divide', arguments: { a: 2, b: 0 } })).toMatchObject({ isError: true })
    await expect(client.callTool({ name: 'no_such', arguments: {} })).rejects.toThrow(
      /There is no tool no_such; there is add, multiply, divide/,
    )
    const starter = await clientAt(`${url}/mcp-world/starter`)
    const { tools } = await starter.listTools()
    expect(tools.length).toBeGreaterThan(3)
    for (const { inputSchema } of tools) expect(inputSchema).toMatchObject({ type: 'object' })
  })

  it('is an environment again', async () => {
    const { url } = await gatewayWith([], ['arithmetic'])
    const environment = await environmentAt(`${url}/mcp-world/arithmetic`)
    expect(environment.title).toBe('hone-arithmetic')
    const replies = await (await environment.open(null)).call([{ name: 'multiply', arguments: { a: 6, b: 7 } }])
    expect(replies[0]).toMatchObject({ text: '{"result":42}', error: null })
  })
})

describe('commands', () => {
  it.each([
    ['npx -y @modelcontextprotocol/server-everything', 'server-everything', ['npx', '-y', '@modelcontextprotocol/server-everything']],
    ['npx -y @scope/files@1.2.3 /data', 'files', ['npx', '-y', '@scope/files@1.2.3', '/data']],
    ['mine=node "my server.js" \'a b\' c\\ d', 'mine', ['node', 'my server.js', 'a b', 'c d']],
    ['uvx mcp-server-time --local-timezone=Europe/Paris', 'mcp-server-time', ['uvx', 'mcp-server-time', '--local-timezone=Europe/Paris']],
    ['node server.js; rm -rf $HOME', 'server', ['node', 'server.js;', 'rm', '-rf', '$HOME']],
    ['/opt/tools/serve', 'serve', ['/opt/tools/serve']],
  ])('%s is %s', (given, name, words) => {
    expect(namedCommand(given)).toEqual({ name, words })
  })

  it('with a quote that does not end, without words, or named twice are refused', () => {
    expect(() => commandWords('node "server.js')).toThrow(/a quote that does not end/)
    expect(() => namedCommand('files=')).toThrow(/has no command/)
    expect(() => commandSources(['a=x', 'a=y'], () => undefined)).toThrow(/Two MCP servers are named a/)
    expect(() => worldSources(['nowhere'])).toThrow(/no environment nowhere/)
  })
})
