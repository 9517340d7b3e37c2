/** The StableToolBench environment and benchmark: functions, observations with their codes, where replies come from, queries and recall. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { BlobReader, BlobWriter, TextReader, ZipWriter } from '@zip.js/zip.js'
import { describe, expect, it } from 'vitest'
import { dumpsPython } from '../../src/base/pythonJson'
import { zipTree } from '../../src/data/files/zipTree'
import { pythonFromJson, strPython } from '../../src/base/pythonRepr'
import { plainFromPython, pythonFromPlain, type PythonDict } from '../../src/base/pythonValue'
import { stableToolBenchBenchmark } from '../../src/environments/stabletoolbench/benchmark'
import { createStableToolBench } from '../../src/environments/stabletoolbench/environment'
import { readFinish } from '../../src/environments/stabletoolbench/finishCall'
import { offeredApi } from '../../src/environments/stabletoolbench/functions'
import { readQueries } from '../../src/environments/stabletoolbench/queries'
import { step, type AskService } from '../../src/environments/stabletoolbench/step'
import type { Simulate } from '../../src/environments/worldParts'
import { finishFunction } from '../../src/records/toolbench'
import { trajectoryFromSteps } from '../../src/records/trajectoryFromSteps'
import { benchFiles, CACHE, queries, treeOf } from './stabletoolbenchFiles'

const pythonOf = (value: unknown): PythonDict => pythonFromJson(JSON.stringify(value)) as PythonDict
const [weather, stations] = (queries[0]?.api_list ?? []).map((api) => pythonOf(api)) as [PythonDict, PythonDict]
const files = treeOf(benchFiles)
const call = (name: string, args: Record<string, unknown> = {}) => ({ name, arguments: args })
const WEATHER = 'current_weather_for_sky_watch'

async function episodeOf(parts: { settings?: Record<string, unknown>; simulate?: Simulate } = {}, tree = files) {
  const environment = await createStableToolBench({ files: tree, ...parts })
  const [query] = environment.sets.get('G1_instruction') ?? []
  return environment.open(query ?? null)
}

describe('the functions of a query', () => {
  it('are written as the release writes them', () => {
    expect(plainFromPython(offeredApi(weather).function)).toEqual({
      name: WEATHER,
      description: `This is the subfunction for tool "sky_watch", you can use this tool.The description of this function is: "${WEATHER} of a city."`,
      parameters: {
        type: 'object',
        properties: {
          city: { type: 'string', description: 'Name of the city', example_value: 'Oslo' },
          units: { type: 'string', description: 'Units' },
          is_id: { type: 'integer', description: 'Number of a station', example_value: 3 },
        },
        required: ['', 'city'],
        optional: ['', 'units', 'is_id'],
      },
    })
    expect(plainFromPython(offeredApi(stations).function)).toMatchObject({
      description: 'This is the subfunction for tool "sky_watch", you can use this tool.',
      parameters: { properties: { near: { type: 'string' } }, required: [''], optional: ['', 'near'] },
    })
  })

  it('leave optional parameters out where none is required, as the release does, if asked to', () => {
    const released = offeredApi(stations, { optionalOnlyWithRequired: true })
    expect(plainFromPython(released.function)).toMatchObject({ parameters: { properties: {}, required: [''], optional: [''] } })
  })
})

const replying =
  (reply: unknown, status = 200): AskService =>
  () =>
    Promise.resolve({ status, reply: reply === null ? null : pythonOf(reply), source: null })

const late: AskService = () => Promise.resolve('timeout')

describe('step', () => {
  const apis = [offeredApi(weather), offeredApi(stations)]
  it.each([
    ['Finish', '{}', '{error:"must have "return_type""}', 2],
    ['Finish', '{"return_type": "give_up_and_restart"}', '{"response":"chose to give up and restart"}', 4],
    ['Finish', '{"return_type": "give_answer"}', '{error:"must have "final_answer""}', 2],
    ['Finish', '{"return_type": "give_answer", "final_answer": "4"}', '{"response":"successfully giving the final answer."}', 3],
    ['Finish', '{"return_type": "stop"}', '{error:""return_type" is not a valid choice"}', 2],
    ['no_such', '{}', '{"error": "No such function name: no_such", "response": ""}', 1],
    ['', '{}', '{"error": "No such function name: ", "response": ""}', 1],
  ])('%s with %s is observed as %s with code %i', async (name, input, text, code) => {
    expect(await step(apis, name, input, late)).toMatchObject({ text, code })
  })

  it.each([
    [late, '{"error": "Timeout error...", "response": ""}', 5],
    [replying({}, 503), '{"error": "request invalid, data error. status_code=503", "response": ""}', 12],
    [replying(null), '{"error": "request invalid, data error", "response": ""}', 12],
    [replying({ error: '', response: { grad: '4 °C' } }), '{"error": "", "response": {"grad": "4 \\u00b0C"}}', 0],
    [replying({ error: 'API not working error...', response: '' }), '{"error": "API not working error...", "response": ""}', 6],
    [replying({ error: 'Unauthorized error...', response: '' }), '{"error": "Unauthorized error...", "response": ""}', 7],
    [replying({ error: 'Unsubscribed error...', response: '' }), '{"error": "Unsubscribed error...", "response": ""}', 8],
    [replying({ error: 'Too many requests error...', response: '' }), '{"error": "Too many requests error...", "response": ""}', 9],
    [
      replying({ error: 'Rate limit per minute error...', response: '' }),
      '{"error": "Rate limit per minute error...", "response": ""}',
      10,
    ],
    [replying({ error: 'Message error...', response: '' }), '{"error": "Message error...", "response": ""}', 11],
    [replying({ error: 'something else', response: '' }), '{"error": "something else", "response": ""}', 0],
  ])('a reply of the server is observed, case %#', async (ask, text, code) => {
    expect(await step(apis, WEATHER, '{}', ask)).toMatchObject({ text, code })
  })

  it('cuts an observation after its characters, and a 10 MB reply too', async () => {
    const long = await step(apis, WEATHER, '{}', replying({ error: '', response: '😀'.repeat(5_000_000) }))
    expect(long.text).toHaveLength(1024 + 3)
    expect(long.text.endsWith('...')).toBe(true)
    expect((await step(apis, WEATHER, '{}', replying({ error: '', response: 'x' }), { maxObservation: 10 })).text).toBe('{"error": ...')
  })

  it('finds a function by its whole name, or by the end of it as the release does', async () => {
    const asked: string[] = []
    const ask: AskService = (api) => {
      asked.push(api.api)
      return Promise.resolve({ status: 200, reply: pythonOf({ error: '', response: 'x' }), source: null })
    }
    expect((await step(apis, 'for_sky_watch', '{}', ask)).code).toBe(1)
    for (const name of ['for_sky_watch', '', 'stations_for_sky_watch']) await step(apis, name, '{}', ask, { matchesEnding: true })
    expect(asked).toEqual(['current_weather', 'current_weather', 'stations'])
  })
})

describe('the arguments of Finish', () => {
  it.each([
    ['{"return_type": "give_answer", "final_answer": "a\nb"}', 'give_answer', 'a\nb'],
    ['{"return_type": "give_answer", "final_answer": "cut off', 'give_answer', 'cut off'],
    ['return_type: "return_type":"give_answer" "final_answer":"all of the rest"}', 'give_answer', 'all of the rest"}'],
    ["{'return_type': 'give_up_and_restart'}", 'give_up_and_restart', null],
    [`{'return_type': 'give_answer', 'final_answer': "it's"}`, 'give_answer', `"it's"}`],
    ['{"return_type": "other", oops', 'invalid', null],
    ['nothing of the kind', null, null],
  ])('%j say %j and %j', (text, returnType, finalAnswer) => {
    expect(readFinish(text)).toEqual({ returnType, finalAnswer })
  })
})

describe('an episode', () => {
  it('replies from the cache: by the same arguments, by the same in another order, and not from a reply the filter refuses', async () => {
    const episode = await episodeOf()
    const texts = (
      await episode.call([
        call(WEATHER, { city: 'Oslo' }),
        call(WEATHER, { units: 'C', city: 'Bergen' }),
        call(WEATHER, { city: 'Paris' }),
        call(WEATHER, { city: 'Rome' }),
      ])
    ).map(({ text, error }) => [text, error])
    expect(texts).toEqual([
      ['{"error": "", "response": {"temperature": 4.5}}', null],
      ['{"error": "", "response": {"temperature": 7}}', null],
      ['{"error": "", "response": {"temperature": 20}}', null],
      ['{"error": "API not working error...", "response": ""}', 'unavailable'],
    ])
  })

  it('asks a model about what the cache does not have, once', async () => {
    const asked: string[] = []
    const simulate: Simulate = (messages) => {
      asked.push(messages.at(-1)?.content ?? '')
      return Promise.resolve('```json\n{"error": "", "response": "12 degrees"}\n```')
    }
    const episode = await episodeOf({ simulate })
    const twice = await episode.call([call(WEATHER, { city: 'Rome', n: 1 }), call(WEATHER, { n: 1, city: 'Rome' })])
    expect(twice.map(({ text }) => text)).toEqual(Array(2).fill('{"error": "", "response": "12 degrees"}'))
    expect(asked).toHaveLength(1)
    expect(asked[0]).toMatch(
      /^API Documentation:\{'tool_description': 'Weather of cities.', 'api_info': \[\{'name': 'Current Weather', 'description': 'Current Weather of a city.'\}\]\}\nAPI Examples:\[\("\{'city': 'Oslo'\}", \{'error': '', 'response': \{'temperature': 4.5\}\}\), .*\nAPI Input:\{'city': 'Rome', 'n': 1\}\n$/s,
    )
  })

  it.each([
    ['prose', () => Promise.resolve('The weather is fine.'), '{"error": "Failed to generate fake response", "response": ""}', 'failed'],
    ['a failure', () => Promise.reject(new Error('no model')), '{"error": "Failed to generate fake response", "response": ""}', 'failed'],
    ['nothing in time', () => new Promise<string>(() => undefined), '{"error": "Timeout error...", "response": ""}', 'timeout'],
  ] as const)('observes %s of that model as a reply with an error', async (_, simulate, text, error) => {
    const episode = await episodeOf({ simulate, settings: { timeout_s: 0.05 } })
    expect(await episode.call([call(WEATHER, { city: 'Rome' })])).toMatchObject([{ text, error }])
  })

  it('says what was wrong with a call, and leaves the verdict to a judge', async () => {
    const episode = await episodeOf()
    expect(await episode.call([call('no_such'), { ...call(''), error: 'expected a call' }])).toMatchObject([
      { error: 'unknown-tool', text: '{"error": "No such function name: no_such", "response": ""}' },
      { error: 'bad-call', text: '{"error": "The call could not be read: expected a call", "response": ""}' },
    ])
    expect((await episode.finish('4.5 degrees')).status).toBe('unsure')
    expect((await (await episodeOf()).finish(null)).status).toBe('unsolved')
    expect(await episode.call([call(WEATHER)])).toMatchObject([{ error: 'ended' }])
  })

  it.each([
    ['cut off', '{"{\'city\': \'Oslo\'}": {"error": ""'],
    ['no object', '[1, 2]'],
    ['no text', new Blob([new Uint8Array([0xff, 0xfe, 0x00])])],
    ['a bomb', Object.defineProperty(new Blob([]), 'size', { value: 2 ** 40 })],
    ['unreadable', Object.assign(new Blob([]), { text: () => Promise.reject(new Error('CRC error.')) })],
  ])('goes on without a cache file that is %s, and names the file once', async (_, content) => {
    const problems: string[] = []
    const environment = await createStableToolBench(
      { files: treeOf({ ...benchFiles, [CACHE]: content }) },
      { onProblem: (said) => problems.push(said) },
    )
    const episode = await environment.open(environment.sets.get('G1_instruction')?.[0] ?? null)
    const replies = await episode.call([call(WEATHER, { city: 'Oslo' }), call(WEATHER, { city: 'Oslo' })])
    expect(replies).toMatchObject([{ error: 'unavailable' }, { error: 'unavailable' }])
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(new RegExp(`^bench.zip, ${CACHE}: expected .*, found .*\\. This file is left out\\.$`))
  })
})

describe('the benchmark', () => {
  it('has a group for each set, only the queries whose ids count, and the relevant APIs as gold', async () => {
    const benchmark = await stableToolBenchBenchmark.create({ files })
    expect(benchmark.splits).toEqual([{ name: 'exam', use: 'exam', queries: 2 }])
    expect(benchmark.queries('exam')).toMatchObject([
      { query_id: '7', index: 0, group: 'I1-instruction', goldTools: [WEATHER, 'stations_for_sky_watch'] },
      { query_id: '9', index: 1, group: 'I3-instruction', goldTools: [] },
    ])
    expect(() => benchmark.queries('I1')).toThrow('StableToolBench has no split I1; it has exam.')
    expect((await stableToolBenchBenchmark.create({ files })).environment.hash).toBe(benchmark.environment.hash)
    await expect(Promise.resolve(stableToolBenchBenchmark.create({ files: treeOf({}) }))).rejects.toThrow(
      'expected queries in test_instruction/',
    )
    const broken = treeOf({ 'test_instruction/G1_tool.json': '[{"query": 1}]' })
    await expect(Promise.resolve(stableToolBenchBenchmark.create({ files: broken }))).rejects.toThrow(
      'bench.zip, test_instruction/G1_tool.json, query 1: expected query_id, a whole number, found something else.',
    )
  })

  it('keeps the end of a long name where a server takes no longer ones', async () => {
    const benchmark = await stableToolBenchBenchmark.create({ files, settings: { name_length: 20 } })
    const [query] = benchmark.queries('exam')
    const episode = await benchmark.environment.open(query ?? null)
    const names = [WEATHER, 'stations_for_sky_watch'].map((name) => name.slice(-20))
    expect([episode.tools.map(({ name }) => name), query?.goldTools]).toEqual([names, names])
    expect(await episode.call([call(names[0] ?? '', { city: 'Oslo' })])).toMatchObject([{ error: null }])
  })

  it('counts as recalled what was called in any branch', async () => {
    const benchmark = await stableToolBenchBenchmark.create({ files })
    const [query] = benchmark.queries('exam')
    const scorer = benchmark.scorers[0]
    if (!query || typeof scorer !== 'function') throw new Error('expected a query and a scorer')
    const calls = (names: readonly string[]) =>
      trajectoryFromSteps({
        trajectory_id: 't',
        task: { query_id: '7', query: query.text },
        steps: names.map((name, at) => ({
          ...{ parent: at === 0 ? null : 0, prompt: '', completion: '', call: call(name), observation: '{}', pruned: at > 0 },
        })),
      })
    expect(scorer(calls([WEATHER, 'stations_for_sky_watch']), query)).toEqual({ recall: 1 })
    expect(scorer(calls([WEATHER, WEATHER]), query)).toEqual({ recall: 0.5 })
    expect(scorer(calls(['other']), query)).toEqual({ recall: 0 })
  })
})

const released = new URL('../../../shared/data/', import.meta.url)
const present = existsSync(new URL('stabletoolbench/answer', released))
describe.skipIf(!present)(`the released files${present ? '' : ' (skipped: ../shared/data/stabletoolbench is not there)'}`, () => {
  const textOf = (path: string): string => readFileSync(new URL(path, released), 'utf8')

  it('hold functions that follow from the api_list of their queries', () => {
    const list = pythonFromJson(textOf('stabletoolbench/solvable_queries_example/test_instruction/G1_instruction.json')) as PythonDict[]
    let compared = 0
    for (const query of list) {
      for (const [model, method] of [
        ['virtual_chatgpt_cot', 'CoT@1'],
        ['virtual_chatgpt_dfs', 'DFS_woFilter_w2'],
      ] as const) {
        const path = `stabletoolbench/answer/${model}/G1_instruction/${strPython(query.get('query_id') ?? null)}_${method}.json`
        if (!existsSync(new URL(path, released))) continue
        const answer = pythonFromJson(textOf(path)) as PythonDict
        const functions = (answer.get('answer_generation') as PythonDict).get('function') as PythonDict[]
        const apis = query.get('api_list') as PythonDict[]
        const made = apis.map((api) => offeredApi(api, { emptyNames: false, optionalOnlyWithRequired: true }).function)
        expect([...made, pythonFromPlain(finishFunction)].map((one) => dumpsPython(one))).toEqual(functions.map((one) => dumpsPython(one)))
        compared += 1
      }
    }
    expect(compared).toBe(4)
  })

  it('hold 765 queries in six sets', async () => {
    const folder = 'steptool/solvable_queries/'
    const paths = ['test_instruction', 'test_query_ids'].flatMap((name) =>
      readdirSync(new URL(folder + name, released)).map((file) => `${name}/${file}`),
    )
    const sets = await readQueries(treeOf(Object.fromEntries(paths.map((path) => [path, textOf(folder + path)]))))
    expect([...sets].map(([set, list]) => [set, list.length])).toEqual([
      ['G1_instruction', 163],
      ['G1_category', 153],
      ['G1_tool', 158],
      ['G2_instruction', 106],
      ['G2_category', 124],
      ['G3_instruction', 61],
    ])
    const all = [...sets.values()].flat()
    const offered = all.map(({ query, apis }) =>
      query.goldTools.every((name) => apis.some((api) => offeredApi(api).function.get('name') === name)),
    )
    expect(offered.filter((isOffered) => !isOffered)).toHaveLength(0)
  })
})

describe('an archive', () => {
  it('is as good as a folder, and is never read whole', async () => {
    const zip = new ZipWriter(new BlobWriter('application/zip'))
    for (const [path, text] of Object.entries(benchFiles)) await zip.add(path, new TextReader(text))
    const filler = new Uint8Array(4_000_000)
    for (let at = 0; at < filler.length; at++) filler[at] = (at * 2654435761) >>> 24
    await zip.add('server/tool_response_cache/Other/x_for_Other/y.json', new BlobReader(new Blob([filler])), { level: 0 })
    const whole = await zip.close()
    let read = 0
    const slice = whole.slice.bind(whole)
    const counted = Object.assign(whole, {
      slice: (start = 0, end = whole.size) => {
        read += Math.min(end, whole.size) - start
        return slice(start, end)
      },
    })
    const episode = await episodeOf({}, await zipTree(counted, 'bench.zip'))
    expect(await episode.call([call(WEATHER, { city: 'Oslo' })])).toMatchObject([
      { text: '{"error": "", "response": {"temperature": 4.5}}' },
    ])
    expect(whole.size).toBeGreaterThan(4_000_000)
    expect(read).toBeLessThan(200_000)
  })
})
