/** RestBench-TMDB on an invented API in its formats: operations as tools, recorded and live replies, and the measures of the path. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Benchmark } from '../../src/environments/benchmark'
import type { Episode } from '../../src/environments/environment'
import { tmdbBenchmark } from '../../src/environments/tmdb/benchmark'
import { readOpenApi } from '../../src/environments/tmdb/openApi'
import { isCorrectPath, normalized, templateOf } from '../../src/environments/tmdb/paths'
import type { WorldParts } from '../../src/environments/worldParts'
import { evaluateTrajectories, meanMeasures } from '../../src/evaluation/evaluate'
import { trajectoryFromSteps } from '../../src/records/trajectoryFromSteps'
import { folderOfProject, treeOf } from '../support/files'
import { projectRoot } from '../support/sources'

const folder = 'test/fixtures/tmdb'
const fixture = (name: string): string => readFileSync(join(projectRoot, folder, name), 'utf8')
const create = async (parts: Partial<WorldParts> = {}): Promise<Benchmark> =>
  tmdbBenchmark.create({ files: await folderOfProject(folder), ...parts })
const attempt = async (benchmark: Benchmark, index = 0): Promise<Episode> =>
  benchmark.environment.open(benchmark.queries('exam')[index] ?? null)

describe('operations', () => {
  it('are tools with a schema, named after their path', () => {
    const { server, key, operations } = readOpenApi(fixture('tmdb_oas.json'), 'tmdb_oas.json')
    expect([server, key]).toEqual(['https://puppets.example/v1', { name: 'puppet_key', in: 'query' }])
    expect(operations.map(({ tool }) => tool.name)).toEqual([
      ...['get_search_puppet', 'get_puppet', 'get_puppet_plays', 'get_puppet_popular', 'get_play', 'delete_play'],
    ])
    expect(operations[0]?.tool).toEqual({
      ...{ name: 'get_search_puppet', category: '', description: 'Search puppets. Finds puppets by their name. GET /search/puppet' },
      parameters: [
        { name: 'query', type: 'string', description: 'text to look for', required: true },
        { name: 'page', type: 'integer', description: 'which page of the results', required: false },
      ],
      schema: {
        type: 'object',
        properties: {
          query: { type: 'string', description: 'text to look for' },
          page: { type: 'integer', minimum: 1, description: 'which page of the results' },
        },
        required: ['query'],
      },
    })
  })

  it('of one name are told apart by their parameters', () => {
    const path = (name: string): object => ({ parameters: [{ name, in: 'path', required: true }], get: {} })
    const text = JSON.stringify({
      openapi: '3.1.0',
      servers: [{ url: 'https://a.example/' }],
      paths: { '/a/{b}': path('b'), '/a/{c}/': path('c') },
    })
    expect(readOpenApi(text, 'f').operations.map(({ tool }) => tool.name)).toEqual(['get_a_b', 'get_a_c'])
  })
})

describe('paths', () => {
  const routes = readOpenApi(fixture('tmdb_oas.json'), 'tmdb_oas.json').operations
  it.each([
    ['get', 'https://puppets.example/v1/puppet/31/plays?kind=comedy', '/puppet/{puppet_id}/plays'],
    ['GET', '/puppet/popular', '/puppet/popular'],
    ['GET', '/puppet/31/', '/puppet/{puppet_id}'],
    ['DELETE', '/play/4', '/play/{play_id}'],
    ['POST', '/play/4', null],
    ['GET', '/theatre/4', null],
  ])('%s %s has the template %s', (method, address, template) => {
    expect(templateOf(method, address, routes)).toBe(template)
  })

  it.each([
    [['a', 'b'], ['a', 'b'], true],
    [['a', 'b'], ['x', 'a', 'x', 'a', 'b', 'x'], true],
    [['a', 'b'], ['b', 'a'], false],
    [['a', 'a'], ['a'], false],
  ])('the gold path %j is in the calls %j: %s', (gold, calls, is) => {
    expect(isCorrectPath(gold, calls)).toBe(is)
  })
})

describe('an attempt on recorded replies', () => {
  it('is solved when the calls of the gold path were made in order', async () => {
    const benchmark = await create()
    const episode = await attempt(benchmark)
    expect(benchmark.queries('exam').map(({ goldTools, group }) => [goldTools, group])).toEqual([
      [['get_search_puppet', 'get_puppet_plays'], '2 calls'],
      [['get_puppet_popular'], '1 call'],
    ])
    const found = await episode.call([{ name: 'get_search_puppet', arguments: { query: 'Kasper of Eppel' } }])
    expect(found).toEqual([{ text: '{"results": [{"id": 7}]}', error: null, truth: { succeeded: true, needed: true }, elapsedMs: null }])
    const [extra] = await episode.call([{ name: 'get_puppet_popular', arguments: {} }])
    expect(extra?.truth).toEqual({ succeeded: true, needed: false })
    await episode.call([{ name: 'get_puppet_plays', arguments: { puppet_id: 7 } }])
    expect((await episode.finish('The lost hat')).status).toBe('solved')
    const other = await attempt(benchmark)
    await other.call([{ name: 'get_puppet_plays', arguments: { puppet_id: 7 } }])
    expect((await other.finish('The lost hat')).status).toBe('unsolved')
  })

  it('of a gold path that names an address is one of its template', async () => {
    const files = treeOf({
      'tmdb.json': JSON.stringify([{ query: 'x', solution: ['GET https://puppets.example/v1/puppet/7/plays?kind=comedy'] }]),
      ...{ 'tmdb_oas.json': fixture('tmdb_oas.json'), 'cassette.json': fixture('cassette.json') },
    })
    const episode = await attempt(await create({ files }))
    expect(episode.query.goldTools).toEqual(['get_puppet_plays'])
    await episode.call([{ name: 'get_puppet_plays', arguments: { puppet_id: 7 } }])
    expect((await episode.finish('The lost hat')).status).toBe('solved')
  })

  it('gets one reply to every kind of mistake', async () => {
    const episode = await attempt(await create())
    const replies = await episode.call([
      { name: 'get_puppet', arguments: { puppet_id: 99 } },
      { name: 'get_puppet', arguments: {} },
      { name: 'get_puppet', arguments: { puppet_id: 7, colour: 'red' } },
      { name: 'get_theatre', arguments: {} },
      { name: 'get_puppet', arguments: { puppet_id: 1 } },
      { name: '', arguments: {}, error: 'The call is not JSON.' },
    ])
    expect(replies.map(({ error }) => error)).toEqual([
      'no-result',
      'bad-arguments',
      'bad-arguments',
      'unknown-tool',
      'unavailable',
      'bad-call',
    ])
    expect(replies[1]?.text).toBe('get_puppet needs puppet_id.')
    expect(replies[2]?.text).toBe('get_puppet has no parameter colour.')
    const replayed = await attempt(await create({ settings: { mode: 'replay' } }))
    const [unrecorded] = await replayed.call([{ name: 'get_puppet', arguments: { puppet_id: 1 } }])
    expect(unrecorded?.text).toBe('There is no recorded reply to GET /puppet/{puppet_id} with {"puppet_id":1}.')
  })
})

describe('live replies', () => {
  const asked: { url: string; method: string | undefined }[] = []
  const fetch: WorldParts['fetch'] = (url, init) => {
    asked.push({ url, method: init?.method })
    if (url.includes('puppet/5')) return Promise.reject(new Error(`cannot reach ${url}`))
    const status = url.includes('/puppet/6') ? 429 : 200
    return Promise.resolve(new Response(JSON.stringify({ asked: new URL(url).pathname, words: 'x'.repeat(300) }), { status }))
  }
  const recorded = new Map<string, string>()
  const recordings: WorldParts['recordings'] = {
    read: (name) => Promise.resolve(recorded.get(name) ?? null),
    update: (name, change) => Promise.resolve(void recorded.set(name, change(recorded.get(name) ?? null))),
  }
  const secret = (name: string): string | null => (name === 'TMDB_API_KEY' ? 'key-of-the-user' : null)

  it('are asked with the key, cut, recorded without the key, and replayed without the network', async () => {
    const parts = { fetch, recordings, secret, settings: { replyLimit: 200 } }
    const call = [{ name: 'get_puppet_plays', arguments: { kind: 'comedy', puppet_id: '8/..' } }]
    const [live] = await (await attempt(await create(parts))).call(call)
    expect(asked.splice(0)).toEqual([
      { url: 'https://puppets.example/v1/puppet/8%2F../plays?kind=comedy&puppet_key=key-of-the-user', method: 'GET' },
    ])
    expect(live?.text).toMatch(/^\{"asked".*x… \(\d+ more characters\)$/)
    expect([...recorded.values()].join()).toContain('8/..')
    expect([...recorded.values()].join()).not.toContain('key-of-the-user')
    const [replayed] = await (await attempt(await create({ recordings, settings: { mode: 'replay', replyLimit: 200 } }))).call(call)
    expect(replayed?.text).toBe(live?.text)
    expect(asked).toEqual([])
  })

  it('that fail are typed, name no key, and are not recorded', async () => {
    recorded.clear()
    const episode = await attempt(await create({ fetch, recordings, secret }))
    const replies = await episode.call([
      { name: 'get_puppet', arguments: { puppet_id: 5 } },
      { name: 'get_puppet', arguments: { puppet_id: 6 } },
    ])
    expect(replies.map(({ error }) => error)).toEqual(['unavailable', 'quota'])
    expect(replies[0]?.text).toMatch(/^The API could not be reached: cannot reach .*puppet_key=…$/)
    expect(recorded.size).toBe(0)
    const keyless = await attempt(await create({ fetch, secret: () => null }))
    const [refused] = await keyless.call([{ name: 'get_puppet', arguments: { puppet_id: 8 } }])
    expect(refused?.text).toBe('The reply is not recorded, and the API needs a key: set the environment variable TMDB_API_KEY.')
  })
})

it('an evaluation has the correct path of each attempt, and the extra calls of those that solved their query', async () => {
  const benchmark = await create()
  const record = (names: readonly string[], status: 'solved' | 'unsolved') =>
    trajectoryFromSteps({
      ...{ trajectory_id: names.join(), task: { query_id: 'tmdb-1', query: '', split: 'exam', tools: [] }, agent: { strategy: 'cot' } },
      ...{ status, answer: 'x', stop_condition: 'finish', sample: 0, source: '' },
      steps: names.map((name, index) => ({
        ...{ parent: index === 0 ? null : index - 1, prompt: '', completion: '', calls: [{ name, arguments: {} }] },
        ...{ replies: [{ content: '{}' }], is_final: index === names.length - 1 },
      })),
    })
  const rows = evaluateTrajectories(
    [
      record(['get_search_puppet', 'get_puppet', 'get_puppet_plays'], 'solved'),
      record(['get_puppet_plays', 'get_search_puppet'], 'unsolved'),
    ],
    benchmark,
  )
  expect(rows.map(({ measures }) => measures)).toEqual([{ correct_path: 1, extra_calls: 1 }, { correct_path: 0 }])
  expect(meanMeasures(rows)).toEqual({ correct_path: 0.5, extra_calls: 1 })
})

describe('files that do not fit', () => {
  const files = { 'tmdb.json': fixture('tmdb.json'), 'tmdb_oas.json': fixture('tmdb_oas.json') }
  it.each<[string, Record<string, string>, RegExp]>([
    ['no queries', { 'tmdb_oas.json': files['tmdb_oas.json'] }, /^files: expected the file tmdb\.json, found no such file\.$/],
    [
      'no document',
      { 'tmdb.json': files['tmdb.json'] },
      /^files: expected the file tmdb_oas\.json or tmdb_oas\.json\.gz, found no such file\.$/,
    ],
    ['a row without a solution', { ...files, 'tmdb.json': '[{"query": "x"}]' }, /^tmdb\.json, row 1, key solution: /],
    ['a document of another kind', { ...files, 'tmdb_oas.json': '{"swagger": "2.0"}' }, /^tmdb_oas\.json, key openapi: /],
    ['a damaged archive', { 'tmdb.json': files['tmdb.json'], 'tmdb_oas.json.gz': 'no gzip' }, /^files: tmdb_oas\.json\.gz is no gzip file/],
    ['a cassette of another kind', { ...files, 'cassette.json': '{"version": 2}' }, /^cassette\.json, key version: /],
  ])('with %s get one sentence', async (_, given, message) => {
    await expect(create({ files: treeOf(given) })).rejects.toThrow(message)
  })
})

const restbench = join(projectRoot, '../shared/data/restbench')
describe.skipIf(!existsSync(restbench))('RestBench’s own files (where ../shared is there)', () => {
  it('are read: 54 operations, 100 queries, every gold path among the operations', async () => {
    const files = treeOf({
      'tmdb.json': readFileSync(join(restbench, 'tmdb.json'), 'utf8'),
      'tmdb_oas.json.gz': new Uint8Array(readFileSync(join(restbench, 'tmdb_oas.json.gz'))),
    })
    const benchmark = await create({ files })
    const { environment } = benchmark
    expect(environment.tools).toHaveLength(54)
    expect(new Set(environment.tools.map(({ name }) => name)).size).toBe(54)
    expect(environment.tools.filter(({ name }) => !/^[a-z][a-z0-9_]{0,63}$/.test(name))).toEqual([])
    const all = benchmark.queries('exam')
    const rows = JSON.parse(readFileSync(join(restbench, 'tmdb.json'), 'utf8')) as { solution: string[] }[]
    expect(all).toHaveLength(100)
    expect(all.map(({ goldTools }) => goldTools.length)).toEqual(rows.map(({ solution }) => solution.length))
    expect([1, 2, 3, 4].map((length) => all.filter(({ goldTools }) => goldTools.length === length).length)).toEqual([5, 66, 27, 2])
    expect(normalized(' GET /person/{movie_id}/movie_credits')).toBe('GET /person/{}/movie_credits')
  })
})
