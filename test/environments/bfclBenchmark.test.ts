/** BFCL's single-turn items as a benchmark: tools as models read them, one turn, the checker's verdict. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, test } from 'vitest'
import type { CallFormat } from '../../src/agents/callFormats/callFormat'
import { compact } from '../../src/agents/callFormats/compact'
import { rolloutEpisodes } from '../../src/agents/rollout'
import { strategies } from '../../src/agents/strategies'
import { openScriptedAgent } from '../../src/agents/strategies/scriptedSession'
import { openFileTree } from '../../src/cli/node/fileTree'
import { bfclBenchmark } from '../../src/environments/bfcl/benchmark'
import type { Benchmark } from '../../src/environments/benchmark'
import { functionTool } from '../../src/environments/toolSchema'
import { evaluateTrajectories } from '../../src/evaluation/evaluate'
import { stepsOf, trajectory, type ToolCall } from '../../src/records/trajectory'
import { folderOfProject, treeOf } from '../support/files'
import { codec } from './starterFiles'

/** The compact format, with values as JSON. */
const typedFormat: CallFormat = {
  ...compact,
  write: (calls) => JSON.stringify(calls),
  parse: (completion) => ({
    content: '',
    reasoning: '',
    calls: JSON.parse(completion.slice(0, completion.lastIndexOf(']') + 1)) as ToolCall[],
  }),
}
const made = async (): Promise<Benchmark> => bfclBenchmark.create({ files: await folderOfProject('test/fixtures/bfcl') })
const queryOf = (benchmark: Benchmark, id: string) => benchmark.queries('exam').find(({ query_id }) => query_id === id)!
const hall: ToolCall = { name: 'lamp_switch', arguments: { room: 'the hall', on: true } }

/** What the script says in its turns, and the record. */
async function attempt(benchmark: Benchmark, id: string, says: readonly (ToolCall | string)[], maxContext = 4096) {
  let turns = 0
  const query = queryOf(benchmark, id)
  const record = await strategies.cot.run({
    ...{ query, budget: { toolCalls: 32, modelCalls: null }, temperature: 0, maxNewTokens: 256, maxContext, trajectoryId: 't' },
    openSession: () =>
      openScriptedAgent(() => says[turns++] ?? 'finish(answer="done")', { codec, format: compact, maxNewTokens: 256, maxContext }),
    openEpisode: () => benchmark.environment.open(query),
  })
  return { record, turns, row: evaluateTrajectories([record], benchmark)[0] }
}

test('numbers with a fraction inside lists are floats to the checker, as in hone score', async () => {
  const benchmark = await made()
  const query = queryOf(benchmark, 'simple_python_2')
  const episode = await benchmark.environment.open(query)
  const right = { stops: ['Mill', 'Old Bridge'], distances: [2.5], start: [48.1, 11.5] }
  await episode.call([{ name: 'plan_route', arguments: right }])
  expect(await episode.finish('')).toMatchObject({ status: 'solved' })
})

describe('tools are what a model can be given', () => {
  it('dots become underscores, and types become those of JSON Schema, also inside', async () => {
    const { tools } = (await made()).environment
    expect(tools.map(functionTool)).toContainEqual({
      type: 'function',
      function: {
        ...{ name: 'shop_order', description: 'Orders from the shop.' },
        parameters: {
          type: 'object',
          properties: {
            lines: {
              ...{ type: 'array', description: 'One entry for each article.' },
              items: {
                type: 'object',
                properties: {
                  article: { type: 'string', description: 'Name of the article.' },
                  count: { type: 'integer', description: 'How many.' },
                },
              },
            },
            address: {
              ...{ type: 'object', description: 'Where to deliver.' },
              properties: {
                ...{ street: { type: 'string', description: 'Street and number.' }, city: { type: 'string', description: 'The city.' } },
                floor: { type: 'integer', description: 'The floor.', default: 0 },
              },
            },
          },
          required: ['lines'],
        },
      },
    })
    const route = tools.find(({ name }) => name === 'plan_route')?.schema
    expect(route).toMatchObject({ properties: { start: { type: 'array', items: { type: 'number' } } } })
  })

  it('values in Java and JavaScript are asked for as text', async () => {
    const { tools } = (await made()).environment
    expect(tools.find(({ name }) => name === 'Names_store')).toMatchObject({
      description: 'Invented Java method. The function is written in Java.',
      schema: {
        properties: {
          ids: { type: 'string', description: 'ArrayList of long. Give a Java value of type ArrayList with items of type long as text.' },
        },
      },
    })
    expect(tools.find(({ name }) => name === 'drawChart')?.schema).toMatchObject({
      properties: { onClick: { type: 'string', description: 'A function. Give any JavaScript value as text.' } },
    })
  })
})

describe('an episode is one turn', () => {
  test('also in a rollout, where calls are judged with the types that the model wrote', async () => {
    const benchmark = await made()
    const query = queryOf(benchmark, 'multiple_1')
    let turns = 0
    const scripted = (to: unknown) => () => {
      turns += 1
      return { name: 'write_card', arguments: { to, text: 'thanks' } }
    }
    const statusOf = async (to: unknown): Promise<string | undefined> => {
      const [record] = await rolloutEpisodes({
        agent: {
          limits: { temperature: 0, maxNewTokens: 256, maxContext: 4096 },
          open: () => openScriptedAgent(scripted(to), { codec, format: typedFormat, maxNewTokens: 256, maxContext: 4096 }),
        },
        ...{ environment: benchmark.environment, queries: [query], samples: 1, strategy: 'cot', source: 's' },
        budget: { toolCalls: 32, modelCalls: null },
      })
      return record && evaluateTrajectories([record], benchmark)[0]?.status
    }
    expect(await statusOf('Jo')).toBe('solved')
    expect(turns).toBe(1)
    expect(await statusOf(7)).toBe('unsolved')
  })

  test('the calls are recorded, and no second turn is asked for', async () => {
    const benchmark = await made()
    const { record, turns, row } = await attempt(benchmark, 'multiple_0', [{ ...hall, arguments: { room: 'hall', on: true } }])
    expect(turns).toBe(1)
    // The compact format gives every value as text: "true" is no boolean.
    expect(row).toMatchObject({ status: 'unsolved', group: 'multiple', calls: 1 })
    expect(record).toMatchObject({ status: 'unsolved', stop_condition: 'finish' })
    expect(stepsOf(record)).toHaveLength(1)
    expect(trajectory.parse(record)).toEqual(record)
    const card = { name: 'write_card', arguments: { to: 'Jo', text: 'thanks' } }
    expect((await attempt(benchmark, 'multiple_1', [card])).row).toMatchObject({ status: 'solved', recall: 1 })
  })

  test('words without a call are right where no function fits, and wrong elsewhere', async () => {
    const benchmark = await made()
    const words = ['finish(answer="I do not know.")']
    expect((await attempt(benchmark, 'irrelevance_0', words)).row?.status).toBe('solved')
    expect((await attempt(benchmark, 'multiple_1', words)).row?.status).toBe('unsolved')
    expect((await attempt(benchmark, 'live_relevance_0-0-0', words)).row?.status).toBe('unsolved')
    expect((await attempt(benchmark, 'irrelevance_1', [hall])).row?.status).toBe('unsolved')
    expect((await attempt(benchmark, 'live_relevance_0-0-0', [hall])).row?.status).toBe('solved')
  })

  test('an attempt whose prompt does not fit the context solved nothing, also where no call is right', async () => {
    const { record, row } = await attempt(await made(), 'irrelevance_0', [], 4)
    expect(stepsOf(record)).toEqual([])
    expect(row?.status).toBe('unsolved')
  })

  test('a typed call is judged with its types: calls of one turn in any order, a whole number for a float', async () => {
    const benchmark = await made()
    const query = queryOf(benchmark, 'parallel_multiple_0')
    const judged = async (...calls: ToolCall[]): Promise<string> => {
      const episode = await benchmark.environment.open(query)
      await episode.call(calls)
      expect((await episode.call(calls)).map(({ error }) => error)).toEqual(calls.map(() => 'ended'))
      return (await episode.finish(null)).status
    }
    const [boil, off] = [
      { name: 'kettle_boil', arguments: { litres: 1 } },
      { name: 'lamp_switch', arguments: { room: 'Hall', on: false } },
    ]
    expect(await judged(boil, off)).toBe('solved')
    expect(await judged(boil, { ...off, arguments: { room: 'Hall', on: 0 } })).toBe('unsolved')
    expect(await judged({ ...boil, error: 'expected a value' }, off)).toBe('unsolved')
  })
})

test('a conversation that begins with a system message is given whole, else the question alone', async () => {
  const benchmark = await made()
  expect(queryOf(benchmark, 'live_simple_0-0-0')).toMatchObject({
    text: 'attic lamp off pls',
    messages: [{ role: 'system', content: 'You help in a house.' }, { role: 'user' }],
  })
  expect(queryOf(benchmark, 'multiple_0').messages).toBeUndefined()
})

test('data that are missing or have another format are one sentence', async () => {
  await expect(async () => bfclBenchmark.create({})).rejects.toThrow(/^BFCL needs the data files of the package bfcl-eval: /)
  await expect(async () => bfclBenchmark.create({ files: treeOf({ 'a.txt': '' }) })).rejects.toMatchObject({ name: 'EnvironmentError' })
})

const data = fileURLToPath(new URL('../../../shared/data/bfcl/bfcl_v4_data.zip', import.meta.url))
test.skipIf(!existsSync(data))(
  `every item of the archive is a query with its functions${existsSync(data) ? '' : ' (skipped: ../shared/data/bfcl is not there)'}`,
  { timeout: 60_000 },
  async () => {
    const benchmark = await bfclBenchmark.create({ files: await openFileTree(data) })
    const queries = benchmark.queries('exam')
    expect(queries).toHaveLength(3641)
    for (const query of queries) {
      const { tools } = await benchmark.environment.open(query)
      expect(query.goldTools.filter((gold) => !tools.some(({ name }) => name === gold))).toEqual([])
      for (const { name } of tools) expect(name).toMatch(/^[\w-]+$/)
    }
  },
)
