/** StableToolBench's tool server: the contract of `POST /virtual`, where replies come from, new replies, MirrorAPI's formats, configuration files. */
import { describe, expect, it } from 'vitest'
import { pythonFromJson } from '../../src/base/pythonRepr'
import type { PythonDict } from '../../src/base/pythonValue'
import { readServerConfig } from '../../src/environments/stabletoolbench/config'
import { openToolServer, type ToolServerSources } from '../../src/environments/stabletoolbench/openToolServer'
import { realApi } from '../../src/environments/stabletoolbench/realApi'
import type { CacheOverlay } from '../../src/environments/stabletoolbench/responseCache'
import { isResult, resultFilters } from '../../src/environments/stabletoolbench/resultFilter'
import { stableToolBenchSettings } from '../../src/environments/stabletoolbench/settings'
import { chatRequest, defaultSimulatorPrompts, mirrorRequest, readMirrorReply } from '../../src/environments/stabletoolbench/simulator'
import { virtualApi } from '../../src/environments/stabletoolbench/virtualApi'
import type { Simulate } from '../../src/environments/worldParts'
import { benchFiles, CACHE, treeOf } from './stabletoolbenchFiles'

const files = treeOf(benchFiles)
const OVERLAY = 'Weather/sky_watch_for_Weather/current_weather.json'
const says =
  (text: string): Simulate =>
  () =>
    Promise.resolve(text)
const answering = (reply: unknown, status = 200): ToolServerSources['realApi'] =>
  realApi({ url: 'https://real.example', key: 'k', fetch: () => Promise.resolve(Response.json(reply, { status })) })

function memoryOverlay(files: Record<string, string> = {}): CacheOverlay & { readonly files: Record<string, string> } {
  return {
    files,
    read: (path) => Promise.resolve(files[path] ?? null),
    write: (path, text) => {
      files[path] = text
      return Promise.resolve()
    },
  }
}

/** What the server answers, and where the reply came from. */
function serverOf(sources: ToolServerSources = {}, settings: Record<string, unknown> = {}) {
  const { server } = openToolServer({ tools: files, cache: files, ...sources }, stableToolBenchSettings.parse(settings))
  const heard: string[] = []
  const answer = virtualApi(server, ({ source, isAlias }) => heard.push(isAlias ? `${source}, alias` : source))
  const body = { category: 'Weather', tool_name: 'sky_watch', api_name: 'current_weather', strip: 'truncate', toolbench_key: 'x' }
  const ask = async (tool_input: unknown, fields: object = {}) => {
    const { status, body: text } = await answer(JSON.stringify({ ...body, tool_input, ...fields }))
    return [status, text, heard.at(-1) ?? null] as const
  }
  return { ask, answer, heard }
}

const NO_REPLY = '{"error":"API not working error...","response":""}'

describe('POST /virtual', () => {
  it.each([
    ['a hit', '{"city": "Oslo"}', {}, 200, '{"error":"","response":{"temperature":4.5}}', 'cache'],
    ['a hit by a dict', { city: 'Oslo' }, {}, 200, '{"error":"","response":{"temperature":4.5}}', 'cache'],
    [
      'names that are not standardized',
      '{"city": "Oslo"}',
      { tool_name: 'Sky Watch', api_name: 'Current Weather' },
      200,
      '{"error":"","response":{"temperature":4.5}}',
      'cache',
    ],
    [
      'the same arguments in another order',
      '{"units":"C","city":"Bergen"}',
      {},
      200,
      '{"error":"","response":{"temperature":7}}',
      'cache, alias',
    ],
    ['a simulated reply of the cache', '{"city": "Paris"}', {}, 200, '{"error":"","response":{"temperature":20}}', 'cached simulation'],
    ['a miss', '{"city": "Rome, Italy"}', {}, 200, NO_REPLY, 'none'],
    ['no input', '', {}, 200, NO_REPLY, 'none'],
    ['an unknown API', '{}', { api_name: 'no_such' }, 200, NO_REPLY, 'none'],
    ['an unknown category', '{}', { category: '../..', tool_name: '..' }, 200, NO_REPLY, 'none'],
    ['bad input', '{"city": Oslo}', {}, 200, '{"error":"Tool input parse error...\\n","response":""}', null],
    ['input that is no object', '[1]', {}, 200, '{"error":"Tool input parse error...\\n","response":""}', null],
    ['chat_with_user', 'hello', { api_name: 'chat_with_user' }, 200, '{"error":"","response":"Chat with user."}', null],
  ])('answers %s', async (_, input, fields, status, text, source) => {
    expect(await serverOf().ask(input, fields)).toEqual([status, text, source])
  })

  it('refuses a body without its fields, of other types or of other JSON, as FastAPI does', async () => {
    const { answer } = serverOf()
    const missing = await answer('{"category": "Weather", "tool_name": 3, "tool_input": [1]}')
    expect(missing.status).toBe(422)
    const { detail } = JSON.parse(missing.body) as { detail: { type: string; loc: string[]; msg: string }[] }
    expect(detail.map(({ type, loc }) => `${type} ${loc.join('.')}`)).toEqual([
      'string_type body.tool_name',
      'missing body.api_name',
      'string_type body.tool_input.str',
      'dict_type body.tool_input.dict[any,any]',
      'missing body.strip',
      'missing body.toolbench_key',
    ])
    for (const text of ['{"category": ', '[1]', '"text"']) expect((await answer(text)).status).toBe(422)
    expect((await answer({ category: 'Weather' })).status).toBe(422)
  })

  it('keeps floats and the order of keys, in keys and replies', async () => {
    const tree = treeOf({ [CACHE]: `{"{'n': 1.0}": {"error": "", "response": {"10": 1.0, "2": "é"}}}` })
    const { ask, answer } = serverOf({ cache: tree })
    expect(await ask('{"n": 1.0}')).toEqual([200, '{"error":"","response":{"10":1.0,"2":"é"}}', 'cache'])
    expect((await ask('{"n": 1}'))[2]).toBe('cache, alias')
    const body =
      '{"category":"Weather","tool_name":"sky_watch","api_name":"current_weather","tool_input":{"n":1.0},"strip":"","toolbench_key":""}'
    expect((await answer(body)).body).toBe('{"error":"","response":{"10":1.0,"2":"é"}}')
  })
})

describe('where a reply comes from', () => {
  const GOOD = { error: '', response: 'from the API' }
  const real = '{"error":"","response":"from the API"}'
  const made = '{"error": "", "response": "made up"}'
  it.each([
    ['the cache before the real API', 'Oslo', {}, ['cache', '{"error":"","response":{"temperature":4.5}}']],
    ['the real API before a simulated reply of the cache', 'Paris', {}, ['api', real]],
    [
      'a simulated reply of the cache first, as StableToolBench does',
      'Paris',
      { server: 'stabletoolbench' },
      ['cached simulation', '{"error":"","response":{"temperature":20}}'],
    ],
    ['the real API where the filter refuses the cached reply', 'Rome', {}, ['api', real]],
    [
      'a cached reply that another filter keeps',
      'Rome',
      { result_filter: 'none' },
      ['cache', '{"error":"","response":"You have exceeded the rate limit."}'],
    ],
    ['the real API for a reply that holds a word of one’s own', 'Oslo', { filter_words: ['TEMPERATURE'] }, ['api', real]],
  ])('%s', async (_, city, settings, [source, text]) => {
    const [, body, from] = await serverOf({ realApi: answering(GOOD), simulate: says(made) }, settings).ask({ city })
    expect([from, body]).toEqual([source, text])
  })

  it.each([
    ['refuses', answering({ error: 'Unauthorized error...', response: '' }), ['simulation', '{"error":"","response":"made up"}']],
    ['fails', answering(GOOD, 500), ['simulation', '{"error":"","response":"made up"}']],
    ['cannot be reached', () => Promise.reject(new Error('refused')), ['simulation', '{"error":"","response":"made up"}']],
    [
      'says how it is called',
      answering({ error: "Function executing error... f() got an unexpected keyword argument 'x'", response: '' }),
      ['api', `{"error":"Function executing error... f() got an unexpected keyword argument 'x'","response":""}`],
    ],
  ] as const)('a model plays the API that %s', async (_, api, [source, text]) => {
    const [, body, from] = await serverOf({ realApi: api, simulate: says(made) }).ask({ city: 'Rome' })
    expect([from, body]).toEqual([source, text])
  })

  it('answers with a time-out when the real API, or the model, says nothing', async () => {
    const silent = () => new Promise<never>(() => undefined)
    const late = '{"error":"Timeout error...","response":""}'
    expect((await serverOf({ realApi: silent }, { timeout_s: 0.02 }).ask({ city: 'Rome' }))[1]).toBe(late)
    expect((await serverOf({ simulate: silent }, { timeout_s: 0.02 }).ask({ city: 'Rome' }))[1]).toBe(late)
    expect((await serverOf({ realApi: silent, simulate: says(made) }, { timeout_s: 0.02 }).ask({ city: 'Rome' }))[2]).toBe('simulation')
  })

  it('sends the key to the real API alone, and follows no redirect', async () => {
    const sent: [string, RequestInit | undefined][] = []
    const api = realApi({
      url: 'https://real.example/rapidapi',
      key: 'secret',
      fetch: (url, init) => {
        sent.push([url, init])
        return Promise.resolve(Response.json(GOOD))
      },
    })
    const [, body] = await serverOf({ realApi: api }).ask({ city: 'Rome', n: 1 })
    expect(body).toBe(real)
    expect(sent).toMatchObject([['https://real.example/rapidapi', { redirect: 'error', headers: { toolbench_key: 'secret' } }]])
    expect(JSON.parse(sent[0]?.[1]?.body as string)).toEqual({
      ...{ category: 'Weather', tool_name: 'sky_watch', api_name: 'current_weather', strip: 'truncate', toolbench_key: 'secret' },
      tool_input: { city: 'Rome', n: 1 },
    })
  })
})

describe('new replies', () => {
  it('go into files of the cache’s own format beside the user’s, which stay as they are, and are found again', async () => {
    const overlay = memoryOverlay()
    const sources = { overlay, simulate: says('{"error": "", "response": {"t": 1.0, "s": "é"}}') }
    expect((await serverOf(sources).ask({ city: "Rome's" }))[2]).toBe('simulation')
    expect(overlay.files).toEqual({
      [OVERLAY]: `{\n    "{'city': \\"Rome's\\"}": {\n        "error": "",\n        "response": {\n            "t": 1.0,\n            "s": "\\u00e9"\n        },\n        "is_fake": true\n    }\n}`,
    })
    expect(await serverOf({ overlay }).ask({ city: "Rome's" })).toEqual([
      200,
      '{"error":"","response":{"t":1.0,"s":"é"}}',
      'cached simulation',
    ])
    const upstream = memoryOverlay()
    await serverOf({ ...sources, overlay: upstream }, { server: 'stabletoolbench' }).ask({ city: 'X' })
    expect(upstream.files[OVERLAY]).not.toContain('is_fake')
  })

  it('leave a file that holds something else as it is, say so, and stay in memory', async () => {
    const overlay = memoryOverlay({ [OVERLAY]: '{"cut off' })
    const problems: string[] = []
    const { ask } = serverOf({ overlay, simulate: says('{"error": "", "response": "x"}'), onProblem: (said) => problems.push(said) })
    await ask({ city: 'Rome' })
    expect((await ask({ city: 'Rome' }))[2]).toBe('cached simulation')
    expect(overlay.files).toEqual({ [OVERLAY]: '{"cut off' })
    expect(problems).toEqual([
      expect.stringMatching(
        /^New replies, .*: expected a JSON object, found JSON that is cut off or malformed\. This file is left as it is/,
      ),
    ])
  })

  it.each([
    ['..', '..', 'x'],
    ['Weather', 'sky', '.'],
    ['a\\..\\..', 'sky', 'x'],
    ['C:', 'sky', 'x'],
    ['Weather', 'x'.repeat(300), 'x'],
  ])('are stored under no name that leaves the folder: %j %j %j', async (category, tool_name, api_name) => {
    const overlay = memoryOverlay()
    const { ask } = serverOf({ overlay, simulate: says('{"error": "", "response": "x"}') })
    expect((await ask('{}', { category, tool_name, api_name }))[2]).toBe('simulation')
    for (const path of Object.keys(overlay.files)) expect(path).toMatch(/^[\w]{1,200}\/[\w]{1,200}\/[\w]{1,200}\.json$/)
  })
})

describe('result filters', () => {
  const reply = (response: unknown, error = ''): PythonDict => pythonFromJson(JSON.stringify({ error, response })) as PythonDict
  it('know the words of both servers', () => {
    const both = [
      reply('Connection reset'),
      reply('the page was not found: 404'),
      reply({ parameter: 1 }),
      reply('fine'),
      reply('', ''),
      reply('x', 'failed'),
    ]
    expect(both.map((one) => isResult(one, resultFilters.steptool))).toEqual([false, true, true, true, false, false])
    expect(both.map((one) => isResult(one, resultFilters.stabletoolbench))).toEqual([true, false, false, true, false, false])
    const howTo = reply('', "error: f() got an unexpected keyword argument 'x'")
    expect([resultFilters.steptool, resultFilters.stabletoolbench].map((filter) => isResult(howTo, filter))).toEqual([false, true])
  })
})

describe('MirrorAPI', () => {
  const input = pythonFromJson('{"city": "Oslo", "toolbench_key": "k", "ratio": 1.0}') as PythonDict
  const api = {
    name: 'Current Weather',
    description: "It's the weather",
    required: [],
    optional: pythonFromJson('[{"name": "ratio", "default": 1.5}]'),
  }
  const tool = { category: 'Weather', name: 'Sky Watch', description: 'Weather of cities.', apis: [api] }
  const call = { tool, api, category: 'Weather', apiName: 'current_weather', input, examples: [] }

  it('is asked with Python’s writing of the documentation and the request', () => {
    expect(mirrorRequest(call, 'standardized')).toBe(
      `API doc:\n{'api_name': 'current_weather', 'api_description': "It's the weather", 'required_parameters': [], 'optional_parameters': [{'name': 'ratio', 'default': 1.5}], 'tool_description': 'Weather of cities.', 'tool_name': 'Sky Watch', 'tool_category': 'Weather'}\n\nRequest:\n{'city': 'Oslo', 'ratio': 1.0}`,
    )
    expect(mirrorRequest(call, 'original')).toContain("{'api_name': 'Current Weather', ")
    expect(chatRequest({ ...call, tool: null, api: null })).toBe(
      "API Documentation:{'tool_description': '', 'api_info': ''}\nAPI Examples:[]\nAPI Input:{'city': 'Oslo', 'toolbench_key': 'k', 'ratio': 1.0}\n",
    )
  })

  it.each([
    ['{"error": "", "response": {"t": 1}}', '', new Map([['t', 1]])],
    ['{"error": "", "response": "a "quoted" word"}', '', 'a "quoted" word'],
    ['{"mechanism_of_the_api": "it "looks" up", "error": "", "response": "a\nb"}', '', 'a\nb'],
    ['{"error": "no such city", "response": ""}', 'no such city', ''],
  ])('reads %j', (text, error, response) => {
    const read = readMirrorReply(text)
    expect([read?.get('error'), read?.get('response')]).toEqual([error, response])
  })

  it('keeps the end of malformed JSON as the release does, if asked to, and reads no reply out of prose', () => {
    expect(readMirrorReply('{"error": "", "response": "a "b" c"}', { keepsEnd: true })?.get('response')).toBe('a "b" c"}')
    for (const text of ['It rains.', '{"error": "", "response": ""}', '']) expect(readMirrorReply(text)).toBeNull()
  })

  it('is asked with the settings of its servers and a prompt that can be loaded, and fails on an API without documentation', async () => {
    const asked: Parameters<Simulate>[] = []
    const simulate: Simulate = (...given) => {
      asked.push(given)
      return Promise.resolve('{"error": "", "response": "x"}')
    }
    const { ask } = serverOf({ simulate }, { simulator: 'mirrorapi-cache' })
    expect((await ask({ city: 'Rome' }))[1]).toBe('{"error":"","response":"x"}')
    expect(await ask('{}', { api_name: 'no_such' })).toEqual([500, 'Internal Server Error', 'none'])
    await serverOf({ simulate }, { simulator: 'mirrorapi', simulator_prompt: 'SFT', simulator_temperature: 0 }).ask({ city: 'Rome' })
    expect(asked).toHaveLength(2)
    expect(asked[0]?.[0][0]?.content).toBe(defaultSimulatorPrompts.mirror)
    expect(asked[0]?.[1]).toMatchObject({ temperature: 0.1, maxTokens: 2048, seed: 42 })
    expect([asked[1]?.[0][0]?.content, asked[1]?.[1].temperature]).toEqual(['SFT', 0])
  })
})

describe('configuration files', () => {
  it('list every field as used, not needed or refused, and show no key', () => {
    const { fields, values } = readServerConfig({
      ...{ api_key: 'sk-secret', api_base: 'http://localhost:8000/v1', toolbench_key: '', model: 'gpt-4-turbo', temperature: 0 },
      ...{ toolbench_url: 'http://real.example/rapidapi', tools_folder: './tools', cache_folder: './tool_response_cache', is_save: true },
      ...{ port: 8081, log_file: null, rapidapi_key: 'sk-other', unheard_of: 1 },
    })
    expect(fields.map(({ field, use }) => [field, use])).toEqual([
      ['api_key', 'refused'],
      ...['api_base'].map((field) => [field, 'used']),
      ['toolbench_key', 'not needed'],
      ...['model', 'temperature', 'toolbench_url', 'tools_folder', 'cache_folder', 'is_save'].map((field) => [field, 'used']),
      ...['port', 'log_file', 'rapidapi_key', 'unheard_of'].map((field) => [field, 'not needed']),
    ])
    expect(JSON.stringify(fields)).not.toMatch(/sk-(secret|other)/)
    expect(fields[0]?.note).toContain('OPENAI_API_KEY')
    expect(values).toEqual({
      ...{ api_base: 'http://localhost:8000/v1', model: 'gpt-4-turbo', temperature: 0, toolbench_url: 'http://real.example/rapidapi' },
      ...{ tools_folder: './tools', cache_folder: './tool_response_cache', is_save: true },
    })
  })

  it('read inference’s config.yml too, and refuse values that cannot be meant', () => {
    const { fields, values } = readServerConfig({
      toolbench_key: 'k',
      tool_root_dir: 'data/tools',
      api_base: 'no address',
      temperature: -1,
    })
    expect(fields.map(({ use }) => use)).toEqual(['refused', 'used', 'refused', 'refused'])
    expect(fields[2]?.note).toBe('Expected an http or https address, found "\\"no address\\"".')
    expect(values).toEqual({ tools_folder: 'data/tools' })
  })
})
