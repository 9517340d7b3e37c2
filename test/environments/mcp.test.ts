/** MCP servers as environments: what becomes of tools, calls, replies, recordings and of everything that a server can do wrong. */
import { describe, expect, it } from 'vitest'
import type { ToolReply } from '../../src/environments/environment'
import { createMcpEnvironment, type McpEnvironment, type McpParts } from '../../src/environments/mcp/environment'
import { readRecording } from '../../src/environments/mcp/recording'
import { MAX_OBSERVATION_CHARS } from '../../src/environments/mcp/resultText'
import { mcpSettings } from '../../src/environments/mcp/settings'
import { aTool, scripted, withTools, type Answer, type Scripted } from './mcpServers'

const environmentOf = (
  server: Scripted | null,
  settings: Record<string, unknown> = {},
  more: Partial<McpParts> = {},
): Promise<McpEnvironment> =>
  createMcpEnvironment({ settings: mcpSettings.parse(settings), connect: server?.connect ?? null, recording: null, ...more })

async function callIn(environment: McpEnvironment, name: string, args: Record<string, unknown> = { city: 'Paris' }): Promise<ToolReply> {
  const episode = await environment.open(null)
  const [reply] = await episode.call([{ name, arguments: args }])
  await episode.close()
  return reply as ToolReply
}
const text = (said: string): Answer => ({ result: { content: [{ type: 'text', text: said }] } })

describe('the tools of a server', () => {
  it('keep their schema, their descriptions and their annotations', async () => {
    const listed = aTool('weather', { annotations: { readOnlyHint: true }, title: 'Weather' })
    const { tools, title } = await environmentOf(withTools([listed]))
    expect(title).toBe('scripted')
    expect(tools).toEqual([
      {
        ...{ name: 'weather', category: '', description: 'Does weather.', schema: listed.inputSchema, annotations: { readOnlyHint: true } },
        parameters: [{ name: 'city', type: 'string', description: 'Where.', required: true }],
      },
    ])
  })

  it('are read from every page of the list', async () => {
    const server = scripted(({ params }) => {
      const at = Number(params?.cursor ?? 0)
      return { result: { tools: [aTool(`tool_${at}`)], ...(at < 4 ? { nextCursor: String(at + 1) } : {}) } }
    })
    expect((await environmentOf(server)).tools.map(({ name }) => name)).toEqual(['tool_0', 'tool_1', 'tool_2', 'tool_3', 'tool_4'])
  })

  it('are those that the settings choose', async () => {
    const many = Array.from({ length: 10_000 }, (_, index) => aTool(`tool_${index}`))
    expect((await environmentOf(withTools(many), { tools: ['tool_3', 'tool_9999'] })).tools.map(({ name }) => name)).toEqual([
      'tool_3',
      'tool_9999',
    ])
    await expect(environmentOf(withTools(many), { tools: ['nothing'] })).rejects.toThrow(/has no tool "nothing"/)
  })

  it('may have no description and no schema', async () => {
    expect((await environmentOf(withTools([{ name: 'bare' }]))).tools).toEqual([
      { name: 'bare', category: '', description: '', parameters: [], schema: { type: 'object' } },
    ])
  })

  it.each<[string, readonly unknown[], RegExp]>([
    [
      '10,000 tools',
      Array.from({ length: 10_000 }, (_, index) => aTool(`tool_${index}`)),
      /lists 10000 tools, and an environment holds at most 1000: name those/,
    ],
    [
      'two different tools of one name',
      [aTool('twice'), aTool('twice', { description: 'Another.' })],
      /two different tools with the name "twice"/,
    ],
    ['a name of 5,000 characters', [aTool('n'.repeat(5000))], /a name of 5000 characters, at most 256/],
    ['an empty name', [aTool('')], /Tool 1 of its list has a wrong "name"/],
    ['a tool that is a text', ['weather'], /Tool 1 of its list is no description of a tool/],
    [
      'arguments that are a list',
      [aTool('odd', { inputSchema: { type: 'array' } })],
      /should be an object; its schema says "array"|\\"array\\"/,
    ],
    ['no tools', [], /offers no tools/],
  ])('%s are one clear error', async (_, tools, message) => {
    await expect(environmentOf(withTools(tools))).rejects.toThrow(message)
    await expect(environmentOf(withTools(tools))).rejects.toMatchObject({ name: 'EnvironmentError' })
  })

  it('may be the same on two pages, and must end', async () => {
    const same = scripted(({ params }) => ({
      result: { tools: [aTool('same')], ...(params?.cursor === undefined ? { nextCursor: 'b' } : {}) },
    }))
    expect((await environmentOf(same)).tools).toHaveLength(1)
    const endless = scripted(() => ({ result: { tools: [aTool('same')], nextCursor: 'again' } }))
    await expect(environmentOf(endless)).rejects.toThrow(/does not end its list of tools/)
  })
})

describe('what a call returns', () => {
  it.each<[string, Record<string, unknown>, string]>([
    [
      'several texts',
      {
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
        ],
      },
      'a\nb',
    ],
    [
      'an image',
      { content: [{ type: 'image', data: 'AAAA', mimeType: 'image/png' }] },
      '(The reply has a part that is not text: image, image/png, 3 bytes.)',
    ],
    ['a resource of text', { content: [{ type: 'resource', resource: { uri: 'file:///a', text: 'inside' } }] }, 'file:///a:\ninside'],
    [
      'another resource',
      { content: [{ type: 'resource', resource: { uri: 'file:///a', blob: 'AAA=', mimeType: 'x/y' } }] },
      '(The reply has a resource that is not text: file:///a, x/y, 2 bytes.)',
    ],
    ['a link', { content: [{ type: 'resource_link', uri: 'file:///a', name: 'A' }] }, '(A resource: A, file:///a.)'],
    ['structured content', { content: [], structuredContent: { degrees: 3 } }, '{"degrees":3}'],
    [
      'structured content that is there as text too',
      { content: [{ type: 'text', text: '{ "degrees": 3 }' }], structuredContent: { degrees: 3 } },
      '{ "degrees": 3 }',
    ],
    ['nothing', { content: [] }, '(The tool returned nothing.)'],
    [
      'a part of an unknown kind',
      { content: [{ type: 'hologram' }, 7] },
      '(The reply has a part that is not text: hologram, 0 bytes.)\n(A part of the reply is not readable.)',
    ],
  ])('%s is one text', async (_, result, expected) => {
    expect(await callIn(await environmentOf(withTools([aTool('weather')], () => ({ result }))), 'weather')).toMatchObject({
      text: expected,
      error: null,
    })
  })

  it('is cut with a sentence where it has 10 MB', async () => {
    const { text: shown } = await callIn(await environmentOf(withTools([aTool('weather')], () => text('x'.repeat(10_000_000)))), 'weather')
    expect(shown.length).toBeLessThan(MAX_OBSERVATION_CHARS + 200)
    expect(shown).toMatch(/x\n\(The reply has 10000000 characters\. It was cut here: the last 9900000 are not shown\.\)$/)
  })

  it('says that the tool failed', async () => {
    const server = withTools([aTool('weather')], () => ({ result: { content: [{ type: 'text', text: 'no such city' }], isError: true } }))
    expect(await callIn(await environmentOf(server), 'weather')).toMatchObject({ text: 'no such city', error: 'failed' })
  })

  it('has its time', async () => {
    let at = 0
    const environment = await environmentOf(withTools([aTool('weather')]), {}, { now: () => (at += 5) })
    expect((await callIn(environment, 'weather')).elapsedMs).toBe(5)
  })
})

describe('a server that does wrong in the middle of an episode gets a typed reply, and the episode goes on', () => {
  const badServers: [string, Answer, string, RegExp][] = [
    ['dies', 'death', 'unavailable', /ended the connection/],
    ['never answers', 'silence', 'timeout', /did not answer within 0\.05 s/],
    ['answers with prose', { result: 'It is sunny.' }, 'timeout', /The last thing it sent was no message of the protocol: .*sunny/],
    ['answers with a list', { result: ['sunny'] }, 'timeout', /no message of the protocol/],
    ['answers with content that is prose', { result: { content: 'sunny' } }, 'failed', /no result of a tool/],
    ['answers with an empty object', { result: {} }, 'failed', /no result of a tool/],
    ['refuses the arguments', { error: { code: -32602, message: 'city: expected a string' } }, 'bad-arguments', /city: expected a string/],
    ['has an error of its own', { error: { code: -32603, message: 'out of order' } }, 'failed', /out of order/],
    [
      'has an error of the code that ended connections have too',
      { error: { code: -32000, message: 'database locked' } },
      'failed',
      /database locked/,
    ],
    ['uses the code of time-outs for something else', { error: { code: -32001, message: 'over quota' } }, 'failed', /over quota/],
  ]
  it.each(badServers)('%s', async (_, answer, error, message) => {
    let calls = 0
    const server = withTools([aTool('weather')], () => (calls++ === 0 ? answer : text('sunny')))
    const environment = await environmentOf(server, { timeoutSeconds: 0.05 })
    const episode = await environment.open(null)
    const [first, second] = await episode.call([
      { name: 'weather', arguments: { city: 'Paris' } },
      { name: 'weather', arguments: { city: 'Rome' } },
    ])
    expect(first).toMatchObject({ error })
    expect(first?.text).toMatch(message)
    expect(second).toMatchObject({ text: 'sunny', error: null })
  })

  it('is connected again when it died, and not for every call when it stays dead', async () => {
    const server = withTools([aTool('weather')], () => 'death')
    let opened = 0
    const environment = await environmentOf(
      server,
      {},
      {
        connect: (options) => (++opened === 1 ? server.connect(options) : Promise.reject(new Error('connection refused'))),
      },
    ).catch((error: unknown) => error)
    const episode = await (environment as McpEnvironment).open(null)
    const replies = await episode.call(Array.from({ length: 15 }, () => ({ name: 'weather', arguments: {} })))
    expect(new Set(replies.map(({ error }) => error))).toEqual(new Set(['unavailable']))
    expect(opened).toBe(4)
  })

  it.each<[string, Answer, RegExp]>([
    ['does not list', 'silence', /did not answer within 0\.05 s/],
    ['dies at once', 'death', /ended the connection/],
    ['lists prose', { result: { tools: 'many' } }, /something other than the Model Context Protocol/],
    ['knows no tools', { error: { code: -32601, message: 'Method not found' } }, /Method not found/],
  ])('%s: it is no environment', async (_, answer, message) => {
    await expect(
      environmentOf(
        scripted(() => answer),
        { timeoutSeconds: 0.05 },
      ),
    ).rejects.toThrow(message)
  })

  it('unknown tools, unreadable calls and ended episodes are replies without a call', async () => {
    const server = withTools([aTool('weather')])
    const environment = await environmentOf(server)
    const episode = await environment.open(null)
    const replies = await episode.call([
      { name: 'no_such', arguments: {} },
      { name: 'weather', arguments: {}, error: 'expected JSON' },
    ])
    expect(replies.map(({ error }) => error)).toEqual(['unknown-tool', 'bad-call'])
    expect((await episode.finish('sunny')).status).toBe('unsure')
    expect((await episode.call([{ name: 'weather', arguments: {} }]))[0]?.error).toBe('ended')
    expect(server.asked.filter(({ method }) => method === 'tools/call')).toEqual([])
  })

  it('a call that is cancelled rejects with the reason', async () => {
    const environment = await environmentOf(withTools([aTool('weather')], () => 'silence'))
    const episode = await environment.open(null)
    const stop = new AbortController()
    const call = episode.call([{ name: 'weather', arguments: {} }], { signal: stop.signal })
    const reason = new Error('stopped by hand')
    setTimeout(() => stop.abort(reason), 10)
    await expect(call).rejects.toBe(reason)
  })
})

describe('budgets', () => {
  it('hold for an episode, and for all live calls together', async () => {
    const environment = await environmentOf(withTools([aTool('weather')]), { callsPerEpisode: 2, liveCalls: 3 })
    const calls = Array.from({ length: 3 }, () => ({ name: 'weather', arguments: {} }))
    const errors = async (): Promise<unknown[]> => (await (await environment.open(null)).call(calls)).map(({ error }) => error)
    expect(await errors()).toEqual([null, null, 'quota'])
    expect(await errors()).toEqual([null, 'quota', 'quota'])
  })

  it('recorded replies are not live calls', async () => {
    const environment = await environmentOf(withTools([aTool('weather')]), { mode: 'replay-else-live', liveCalls: 1 })
    const call = { name: 'weather', arguments: { city: 'Paris' } }
    expect((await (await environment.open(null)).call([call, call, call])).map(({ error }) => error)).toEqual([null, null, null])
  })
})

describe('record and replay', () => {
  const counting = (): Scripted => {
    let calls = 0
    return withTools([aTool('weather', { annotations: { readOnlyHint: true } }), aTool('mail')], ({ params }) =>
      (params?.arguments as Record<string, unknown>).city === 'Atlantis'
        ? { result: { content: [{ type: 'text', text: 'no such city' }], isError: true } }
        : text(`reply ${++calls}`),
    )
  }

  it('replays what was recorded without the server, and says what was not recorded', async () => {
    const saved: string[] = []
    const live = await environmentOf(counting(), { mode: 'record' }, { save: (made) => Promise.resolve(void saved.push(made.text())) })
    const recorded = [
      await callIn(live, 'weather'),
      await callIn(live, 'mail', { b: 1, a: [true, null] }),
      await callIn(live, 'weather', { city: 'Atlantis' }),
    ]
    await live.close()
    const recording = readRecording(saved.at(-1) ?? '', 'weather.json')
    const replay = await environmentOf(null, { mode: 'replay' }, { recording })
    expect(replay.tools).toEqual(live.tools)
    // In another order the arguments are the same call.
    const replayed = [
      await callIn(replay, 'weather'),
      await callIn(replay, 'mail', { a: [true, null], b: 1 }),
      await callIn(replay, 'weather', { city: 'Atlantis' }),
    ]
    expect(replayed).toEqual(recorded)
    const missing = await callIn(replay, 'weather', { city: 'Oslo' })
    expect(missing.error).toBe('no-result')
    expect(missing.text).toContain('was not recorded')
    // The keys are those of StableToolBench.
    expect(JSON.parse(saved.at(-1) ?? '')).toMatchObject({
      replies: {
        mail: { "{'b': 1, 'a': [True, None]}": { error: '', response: 'reply 2' } },
        weather: { "{'city': 'Atlantis'}": { error: 'failed' } },
      },
    })
  })

  it('has a hash of what is replayed, which changes with every reply and with no order', async () => {
    const hashAfter = async (...cities: string[]): Promise<string> => {
      const live = await environmentOf(withTools([aTool('weather')]), { mode: 'record' })
      for (const city of cities) await callIn(live, 'weather', { city })
      return (await environmentOf(null, { mode: 'replay' }, { recording: readRecording(live.recording?.text() ?? '', 'r.json') })).hash
    }
    expect(await hashAfter('Paris', 'Rome')).toBe(await hashAfter('Rome', 'Paris'))
    expect(await hashAfter('Paris')).not.toBe(await hashAfter('Paris', 'Rome'))
  })

  it('asks the server only for what is not recorded in the mode replay-else-live, and works without it for the rest', async () => {
    const server = counting()
    const live = await environmentOf(server, { mode: 'replay-else-live' })
    expect((await callIn(live, 'weather')).text).toBe('reply 1')
    expect((await callIn(live, 'weather')).text).toBe('reply 1')
    expect((await callIn(live, 'weather', { city: 'Rome' })).text).toBe('reply 2')
    const offline = await environmentOf(
      null,
      { mode: 'replay-else-live' },
      {
        recording: readRecording(live.recording?.text() ?? '', 'r.json'),
        connect: () => Promise.reject(new Error('offline')),
      },
    )
    expect((await callIn(offline, 'weather', { city: 'Rome' })).text).toBe('reply 2')
    expect((await callIn(offline, 'weather', { city: 'Oslo' })).error).toBe('unavailable')
  })

  it('keeps no reply that another time may be another: time-outs and ended connections', async () => {
    for (const answer of ['silence', 'death'] as const) {
      const environment = await environmentOf(
        withTools([aTool('weather')], () => answer),
        { mode: 'record', timeoutSeconds: 0.05 },
      )
      await callIn(environment, 'weather')
      expect(environment.recording?.size()).toBe(0)
    }
  })

  it('says that nothing is recorded, and that the server has other tools than the recording', async () => {
    await expect(environmentOf(null, { mode: 'replay' })).rejects.toThrow(/Nothing was recorded/)
    const live = await environmentOf(counting(), { mode: 'record' })
    await callIn(live, 'weather')
    await expect(environmentOf(withTools([aTool('other')]), { mode: 'record' }, { recording: live.recording })).rejects.toThrow(
      /give this recording another name/,
    )
  })

  it.each([
    ['{"format": "hone tool recording", "version": 1, "server"', /breaks off or is damaged/],
    ['<html>', /expected JSON that begins with/],
    ['{}', /format/],
    [
      '{"format":"hone tool recording","version":1,"server":{"name":"a","version":""},"tools":[],"replies":{"t":{"not a dict":{"error":"","response":""}}}}',
      /should be the arguments of a call as a Python dict/,
    ],
  ])('a damaged file %s is one error that names it', (file, message) => {
    expect(() => readRecording(file, 'cache.json')).toThrow(message)
    expect(() => readRecording(file, 'cache.json')).toThrow(/cache\.json/)
  })

  it('a recording that cannot be saved is said at the end, and saved when it can be', async () => {
    let isFull = true
    const saved: string[] = []
    const environment = await environmentOf(
      counting(),
      { mode: 'record' },
      {
        save: (made) => (isFull ? Promise.reject(new Error('The disk is full.')) : Promise.resolve(void saved.push(made.text()))),
      },
    )
    await callIn(environment, 'weather')
    await expect(environment.close()).rejects.toThrow('The recorded replies could not be saved: The disk is full.')
    isFull = false
    await environment.close()
    expect(readRecording(saved[0] ?? '', 'r.json').size()).toBe(1)
  })
})

describe('copies of an episode', () => {
  it('are there for replays, for tools that only read, and where the settings say so', async () => {
    const canCopy = async (environment: McpEnvironment): Promise<boolean> => (await environment.open(null)).copy().ok
    expect(await canCopy(await environmentOf(withTools([aTool('mail')])))).toBe(false)
    expect(await canCopy(await environmentOf(withTools([aTool('mail')]), { stateless: true }))).toBe(true)
    expect(await canCopy(await environmentOf(withTools([aTool('read', { annotations: { readOnlyHint: true } })])))).toBe(true)
  })
})
