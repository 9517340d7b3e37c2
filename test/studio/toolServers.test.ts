/** `studio.environments` with tool servers: connections are opened, tried, recorded and replayed, as the page asks for them. */
import { afterEach, describe, expect, it } from 'vitest'
import { worldSources } from '../../src/cli/mcpServers'
import { createGateway } from '../../src/gateway/app'
import { listen } from '../../src/gateway/listen'
import { createMcpSessions } from '../../src/gateway/mcpBridge'
import type { Reply } from '../../src/worker/protocol'
import { openFolderStore } from '../../src/storage/folderStore'
import { temporaryDirectory } from '../cli/commandContext'
import { recordedWeather } from '../environments/worldFixtures'
import { openTestStudio, type TestStudio } from './testStudio'

const TOKEN = 'the-token-that-the-start-printed'
const opened: { close: () => unknown }[] = []
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close()
})

async function gateway(): Promise<{ readonly address: string; close(): Promise<void> }> {
  const none = createMcpSessions({})
  const worlds = createMcpSessions(worldSources(['arithmetic']))
  const app = createGateway({
    ...{ token: TOKEN, siteDirectory: null, upstream: null, wandb: null, allowedOrigins: [], fetch, sleep: () => Promise.resolve() },
    mcp: { servers: none, worlds },
  })
  const running = await listen(app, 0)
  const close = async (): Promise<void> => {
    await Promise.all([worlds.close(), running.close()])
  }
  opened.push({ close })
  return { address: `${running.url}/mcp-world/arithmetic`, close }
}

async function studioWith(
  changes: Parameters<typeof openTestStudio>[0] = {},
  store = openFolderStore(temporaryDirectory()),
): Promise<TestStudio> {
  const studio = await openTestStudio({ fetch: (url, init) => fetch(url, init), ...changes }, store)
  opened.push(studio)
  return studio
}

const valueOf = <T>(reply: Reply<T>): T => {
  if (!reply.ok) throw new Error(reply.message)
  return reply.value
}

describe('a tool server behind the gateway', () => {
  it('needs the token, is tried, recorded, and replayed when it is gone', async () => {
    const server = await gateway()
    const { address } = server
    const { studio } = await studioWith()
    const { environments } = studio
    const record = { settings: { server: address, mode: 'record', recording: 'sums' } }
    const refused = await environments.openEnvironment('mcp', record)
    expect(refused).toMatchObject({ ok: false })
    expect(refused.ok ? '' : refused.message).toContain('asks for its token')
    await studio.toolServers.nameToken(address, TOKEN)
    const { title, tools, description: said } = valueOf(await environments.openEnvironment('mcp', record))
    expect(title).toBe('hone-arithmetic')
    expect(tools.map(({ name }) => name)).toEqual(['add', 'multiply', 'divide'])
    expect(said).toContain('live')
    expect(valueOf(await environments.callTool('mcp', 'add', { a: 2, b: 3 }, record))).toBe('{"result":5}')
    expect(await studio.toolServers.recordings()).toMatchObject([
      { name: 'sums', server: 'hone-arithmetic', tools: 3, replies: 1, problem: null },
    ])

    await server.close()
    const replay = { settings: { mode: 'replay', recording: 'sums' } }
    const before = valueOf(await environments.openEnvironment('mcp', replay))
    expect(valueOf(await environments.callTool('mcp', 'add', { b: 3, a: 2 }, replay))).toBe('{"result":5}')
    expect(valueOf(await environments.callTool('mcp', 'add', { a: 1, b: 1 }, replay))).toContain('was not recorded')
    const gone = await environments.openEnvironment('mcp', record)
    expect(gone.ok ? '' : gone.message).toMatch(/cannot be reached/)

    // A recording that is replaced is replayed as it is now.
    const text = valueOf(await studio.toolServers.recordingText('sums'))
    valueOf(await studio.toolServers.addRecording('sums', text.replace('"response": "{\\"result\\":5}"', '"response": "six"')))
    expect(valueOf(await environments.callTool('mcp', 'add', { a: 2, b: 3 }, replay))).toBe('six')
    expect(valueOf(await environments.openEnvironment('mcp', replay)).hash).not.toBe(before.hash)
    expect((await studio.storage.usage()).items).toContainEqual(
      expect.objectContaining({ name: 'sums', kind: 'recording of a tool server' }),
    )
    valueOf(await studio.toolServers.removeRecording('sums'))
    expect(await studio.toolServers.recordings()).toEqual([])
  })

  it('gets the token for its own origin alone, and only hosts that were named are asked', async () => {
    const asked: { url: string; authorization: string | null }[] = []
    const { studio } = await studioWith({
      fetch: (url, init) => {
        asked.push({ url, authorization: new Headers(init?.headers).get('authorization') })
        return Promise.resolve(new Response('<html>', { headers: { 'content-type': 'text/html' } }))
      },
    })
    await studio.toolServers.nameToken('https://tools.example/mcp', 'secret')
    for (const server of ['https://tools.example/mcp', 'https://other.example/mcp']) {
      const reply = await studio.environments.openEnvironment('mcp', { settings: { server } })
      expect(reply.ok ? '' : reply.message).toMatch(/did not answer in the Model Context Protocol: .*text\/html/)
    }
    expect(asked).toEqual([
      { url: 'https://tools.example/mcp', authorization: 'Bearer secret' },
      { url: 'https://other.example/mcp', authorization: null },
    ])
  })

  it.each([
    [{ server: 'stdio:npx something' }, /A page starts no programs/],
    [{ server: 'javascript:alert(1)' }, /is no address of a tool server/],
    [{ mode: 'replay', recording: '../outside' }, /setting recording/],
    [{ mode: 'replay' }, /Nothing was recorded/],
    [{}, /needs a tool server: name its address/],
  ])('%j is refused with one sentence', async (settings, message) => {
    const reply = await (await studioWith()).studio.environments.openEnvironment('mcp', { settings })
    expect(reply.ok ? '' : reply.message).toMatch(message)
  })
})

describe('recordings', () => {
  it('that are given are checked, and last', async () => {
    const home = temporaryDirectory()
    const first = await studioWith({}, openFolderStore(home))
    expect(await first.studio.toolServers.addRecording('a b', recordedWeather)).toMatchObject({ ok: false })
    expect(await first.studio.toolServers.addRecording('weather', '{"format"')).toMatchObject({ ok: false })
    expect(valueOf(await first.studio.toolServers.addRecording('weather', recordedWeather))).toMatchObject({ tools: 1, replies: 2 })
    const second = await studioWith({}, openFolderStore(home))
    expect(await second.studio.toolServers.recordings()).toMatchObject([{ name: 'weather', server: 'weather', replies: 2 }])
    const asked = { settings: { mode: 'replay', recording: 'weather' } }
    expect(valueOf(await second.studio.environments.callTool('mcp', 'weather', { city: 'Rome' }, asked))).toBe('Sun.')
    await second.store.writeBlob('tool-recordings/cassette', new TextEncoder().encode('{"form": "of another environment"}'))
    expect(await second.studio.toolServers.recordings()).toMatchObject([{ name: 'weather' }])
    expect(await second.studio.toolServers.removeRecording('none')).toMatchObject({ ok: false })
  })

  it('two attempts that record under one name lose nothing of each other', async () => {
    const { address } = await gateway()
    const { studio } = await studioWith()
    await studio.toolServers.nameToken(address, TOKEN)
    const settings = { server: address, mode: 'record', recording: 'sums' }
    const call = (b: number, more: Record<string, unknown>) =>
      studio.environments.callTool('mcp', 'add', { a: 1, b }, { settings: { ...settings, ...more } })
    // Other settings are another environment with a memory of its own.
    for (const reply of await Promise.all([call(1, {}), call(2, { timeoutSeconds: 30 }), call(3, { timeoutSeconds: 31 })])) valueOf(reply)
    expect(await studio.toolServers.recordings()).toMatchObject([{ replies: 3 }])
  })
})
