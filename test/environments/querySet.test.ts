/** A user's own queries as a benchmark: the forms of the file, the environment they are asked in, and what is a right answer. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import type { Benchmark } from '../../src/environments/benchmark'
import { querySetBenchmark } from '../../src/environments/querySet/benchmark'
import { verdictOn } from '../../src/environments/querySet/environment'
import { recall } from '../../src/evaluation/scorers/recall'
import type { Trajectory } from '../../src/records/trajectory'
import { treeOf } from '../support/files'
import { projectRoot } from '../support/sources'
import { recordedWeather } from './worldFixtures'

const arithmetic = { environment: 'arithmetic' }
const benchmarkOf = async (files: Record<string, string>, settings: Record<string, unknown> = arithmetic): Promise<Benchmark> =>
  querySetBenchmark.create({ files: treeOf(files), settings })
const rows = (...values: readonly unknown[]): string => values.map((value) => JSON.stringify(value)).join('\n')

describe('the file of queries', () => {
  const jsonl = rows(
    { query: 'What is 2 plus 3?', gold_tools: ['add'], answer: 5, group: 'sums' },
    { query: 'What is 4 times 5, and half of it?', gold_tools: ['multiply', 'divide'], answer: ['20 and 10', '10'], query_id: 'half' },
    { query: 'Try something.', split: 'practice' },
  )
  const csv = [
    'Query,gold_tools,answer,group,query_id,split',
    'What is 2 plus 3?,add,5,sums,,',
    '"What is 4 times 5, and half of it?","[""multiply"", ""divide""]",10,,half,',
    'Try something.,,,,,practice',
    '',
  ].join('\r\n')

  it.each([
    ['JSON lines', { 'mine.jsonl': jsonl }],
    ['a table', { 'mine.csv': csv }],
    ['a list', { 'mine.json': `[${jsonl.split('\n').join(',')}]` }],
    ['one file of a folder', { 'queries.csv': csv, 'notes.txt': 'hello' }],
  ])('%s', async (_, files) => {
    const set = await benchmarkOf(files)
    expect(set.splits).toEqual([
      { name: 'exam', use: 'exam', queries: 2 },
      { name: 'practice', use: 'practice', queries: 1 },
    ])
    expect(set.queries('exam')).toEqual([
      { query_id: '0', index: 0, text: 'What is 2 plus 3?', entities: [], group: 'sums', split: 'exam', goldTools: ['add'] },
      {
        ...{ query_id: 'half', index: 1, text: 'What is 4 times 5, and half of it?', entities: [], group: 'queries', split: 'exam' },
        goldTools: ['multiply', 'divide'],
      },
    ])
    expect(set.queries('practice')[0]).toMatchObject({ query_id: '2', goldTools: [] })
  })

  it('names with semicolons between them are a list of tools', async () => {
    const set = await benchmarkOf({ 'q.csv': 'query,gold_tools\nWhat?,add; multiply' })
    expect(set.queries('exam')[0]?.goldTools).toEqual(['add', 'multiply'])
  })

  it('StableToolBench’s queries name their gold tools as functions are named', async () => {
    const set = await benchmarkOf({
      'G1.json': JSON.stringify([
        { query: 'When do they play?', query_id: 588, api_list: [], 'relevant APIs': [['TheClique', 'Songkick concert']] },
      ]),
    })
    expect(set.queries('exam')[0]).toMatchObject({ query_id: '588', goldTools: ['songkick_concert_for_theclique'] })
  })

  const example = join(projectRoot, '../shared/data/stabletoolbench/solvable_queries_example/test_instruction/G1_instruction.json')
  it.runIf(existsSync(example))('StableToolBench’s own example is read', async () => {
    const text = readFileSync(example, 'utf8')
    const set = await benchmarkOf({ 'G1_instruction.json': text })
    const raw = JSON.parse(text) as { query: string }[]
    expect(set.queries('exam').map((query) => query.text)).toEqual(raw.map(({ query }) => query.trim()))
    for (const { goldTools } of set.queries('exam')) expect(goldTools.length).toBeGreaterThan(0)
  })

  it.each<[string, Record<string, string>, RegExp]>([
    ['no JSON', { 'q.jsonl': '{"query": "a"}\n{"query": ' }, /q\.jsonl, line 2: expected JSON, found "\{\\"query\\":"/],
    ['no query', { 'q.jsonl': rows({ query: 'a' }, { text: 'b' }) }, /q\.jsonl, row 2: query: /],
    ['an empty query', { 'q.csv': 'query,answer\n"  ",5' }, /q\.csv, row 2: query: /],
    ['an unknown split', { 'q.jsonl': rows({ query: 'a', split: 'final' }) }, /row 1: split: .*exam/],
    ['one id twice', { 'q.jsonl': rows({ query: 'a', id: 1 }, { query: 'b', id: '1' }) }, /row 2: the id "1" is that of row 1 too/],
    [
      'a question of the exam in practice',
      { 'q.jsonl': rows({ query: 'a' }, { query: 'a', split: 'practice' }) },
      /the split practice asks what the split exam asks too/,
    ],
    ['nothing', { 'q.jsonl': '\n\n' }, /q\.jsonl has no queries/],
    [
      'two files',
      { 'queries.csv': 'query\na', 'queries.jsonl': rows({ query: 'a' }) },
      /several files of queries: queries\.csv, queries\.jsonl; name the one/,
    ],
    ['no file of queries', { 'a.txt': '', 'b.txt': '' }, /has no file queries\.jsonl, queries\.csv or queries\.json/],
  ])('%s is one clear error', async (_, files, message) => {
    await expect(benchmarkOf(files)).rejects.toThrow(message)
    await expect(benchmarkOf(files)).rejects.toMatchObject({ name: 'EnvironmentError' })
  })

  it('unknown environments, settings and files are one clear error', async () => {
    const files = { 'q.jsonl': rows({ query: 'a' }) }
    await expect(benchmarkOf(files, { environment: 'no-such' })).rejects.toThrow(/no environment no-such; there is .*arithmetic/)
    await expect(benchmarkOf(files, { ...arithmetic, environmentSettings: { speed: 1 } })).rejects.toThrow(/speed/)
    await expect(benchmarkOf(files, { environmentSettings: { mode: 'sometimes' } })).rejects.toThrow(/MCP server: setting mode/)
    await expect(benchmarkOf(files, { ...arithmetic, queries: 'other.csv' })).rejects.toThrow(/has no file other\.csv/)
    await expect(querySetBenchmark.create({ settings: arithmetic })).rejects.toThrow(/needs a file of queries/)
  })
})

describe('an attempt', () => {
  it('has the tools of the environment, and its answer is judged by the file', async () => {
    const set = await benchmarkOf({
      'q.jsonl': rows({ query: 'What is 2 plus 3?', answer: 5 }, { query: 'Anything?' }),
    })
    expect(set.judge).toBe('answers of the file (contains)')
    const [sum, open] = set.queries('exam')
    const attempt = async (query: typeof sum, answer: string | null): Promise<string> => {
      const episode = await set.environment.open(query ?? null)
      expect((await episode.call([{ name: 'add', arguments: { a: 2, b: 3 } }]))[0]?.text).toBe('{"result":5}')
      return (await episode.finish(answer)).status
    }
    expect(await attempt(sum, 'It is 5.')).toBe('solved')
    expect(await attempt(sum, 'It is 6.')).toBe('unsolved')
    expect(await attempt(sum, null)).toBe('unsolved')
    expect(await attempt(open, 'Whatever.')).toBe('unsure')
  })

  it('in a recorded MCP server gets the recorded replies', async () => {
    const files = { 'queries.jsonl': rows({ query: 'Is it raining in Paris?', answer: 'yes' }), 'weather.json': recordedWeather }
    const set = await benchmarkOf(files, { environmentSettings: { mode: 'replay' } })
    const episode = await set.environment.open(set.queries('exam')[0] ?? null)
    expect((await episode.call([{ name: 'weather', arguments: { city: 'Paris' } }]))[0]?.text).toBe('Rain, 8 degrees.')
    const other = await benchmarkOf(
      { ...files, 'weather.json': recordedWeather.replace('Rain', 'Snow') },
      { environmentSettings: { mode: 'replay' } },
    )
    expect(other.environment.hash).not.toBe(set.environment.hash)
  })

  it('is scored by how many gold tools it called', async () => {
    const set = await benchmarkOf({ 'q.jsonl': rows({ query: 'a', gold_tools: ['add', 'divide'] }) })
    const step = {
      parent: null,
      role: 'assistant',
      sampled: true,
      tool_calls: [{ id: '1', name: 'add', arguments: {} }],
      is_final: true,
    } as const
    const [query] = set.queries('exam')
    expect(query && recall({ nodes: [{ ...step, pruned: false }] } as unknown as Trajectory, query)).toMatchObject({ recall: 0.5 })
  })
})

test.each<[string, string, 'contains' | 'exact', string]>([
  ['Paris', 'The capital is PARIS.', 'contains', 'solved'],
  ['Paris', 'Comparison', 'contains', 'unsolved'],
  ['art', 'a party', 'contains', 'unsolved'],
  ['4', 'It is 42.', 'contains', 'unsolved'],
  ['4', 'It is 1.4', 'contains', 'unsolved'],
  ['4', 'It is 4.5', 'contains', 'unsolved'],
  ['4', 'It is 4.', 'contains', 'solved'],
  ['4', 'Between 3 and 4, I think', 'contains', 'solved'],
  ['-4', 'It is -4', 'contains', 'solved'],
  ['New  York', 'new york', 'exact', 'solved'],
  ['New York', 'It is New York', 'exact', 'unsolved'],
  ['東京', '答えは東京です', 'contains', 'solved'],
  ['', 'anything', 'contains', 'unsolved'],
])('%s in “%s” (%s): %s', (right, given, match, status) => {
  expect(verdictOn(given, [right], match).status).toBe(status)
})
