/** ToolHop on two invented items in its format: what is read, how tools run, and how answers are scored. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openNodePython } from '../../src/cli/node/pythonSandbox'
import { blobTree } from '../../src/data/files/blobTree'
import type { Benchmark } from '../../src/environments/benchmark'
import type { Episode } from '../../src/environments/environment'
import type { OpenPython, PythonSandbox } from '../../src/environments/pythonSandbox'
import { isRightOriginally, isRightStrictly } from '../../src/environments/toolhop/answers'
import { toolHopBenchmark } from '../../src/environments/toolhop/benchmark'
import { MOST_TURNS } from '../../src/environments/toolhop/episode'
import { readToolHopItems } from '../../src/environments/toolhop/items'
import { evaluateTrajectories, meanMeasures } from '../../src/evaluation/evaluate'
import { trajectoryFromSteps } from '../../src/records/trajectoryFromSteps'
import { projectRoot } from '../support/sources'

const text = readFileSync(join(projectRoot, 'test/fixtures/toolhop/ToolHop.json'), 'utf8')
const fileOf = (content: string) => blobTree(new Map([['ToolHop.json', new Blob([content])]]), 'ToolHop.json')

let opened: Promise<PythonSandbox> | null = null
const python: OpenPython = (options) => (opened ??= openNodePython(options))
let benchmark: Benchmark
beforeAll(async () => {
  benchmark = await toolHopBenchmark.create({ files: fileOf(text), python })
})
afterAll(async () => (await opened)?.close())

const attempt = async (id: string, of = benchmark): Promise<Episode> =>
  of.environment.open(of.queries('exam').find(({ query_id }) => query_id === id) ?? null)

describe('answers', () => {
  it('are right by the original rule where Python’s own string functions say so', () => {
    const rows = z
      .array(z.tuple([z.string(), z.string(), z.string().nullable(), z.boolean()]))
      .parse(JSON.parse(readFileSync(join(projectRoot, 'test/golden/toolhop_answers_golden.json'), 'utf8')))
    expect(rows.length).toBeGreaterThan(100)
    expect(rows.filter(([golden, said, reply, isRight]) => isRightOriginally(golden, said, reply) !== isRight)).toEqual([])
  })

  it.each([
    ['1920', 'It is <answer>1920</answer>', true],
    ['1920', '<answer>1,920.0</answer>', true],
    ['100', '<answer>1</answer>', false],
    ['100', 'The answer is 100.', false],
    ['100', ' 100 ', true],
    ['Ada Venn', '<answer>ada  venn</answer>', true],
    ['Ada Venn', '<answer>Ada Venn of Lindern</answer>', false],
    ['Ada Venn', '<answer>Osker</answer> no, <answer>Ada Venn</answer>', true],
    ['5', '<answer></answer>5', false],
  ])('%s against %s are strictly right: %s', (golden, said, isRight) => {
    expect(isRightStrictly(golden, said)).toBe(isRight)
  })
})

describe('an attempt', () => {
  it('calls the item’s own functions and is judged at its end', async () => {
    const episode = await attempt('0')
    expect(episode.tools.map(({ name }) => name)).toEqual(['architect_of', 'works_of', 'opening_year'])
    expect(episode.query.messages?.[0]?.content).toMatch(/^In which year .*\n\nFind the answer with the tools\./)
    const replies = await episode.call([
      { name: 'architect_of', arguments: { building: 'Lindern lighthouse' } },
      { name: 'works_of', arguments: { architect: 'Ada Venn' } },
      { name: 'opening_year', arguments: { structure: 'Osker Bridge' } },
    ])
    expect(replies.map(({ text: reply, error }) => [reply, error])).toEqual([
      ['Ada Venn', null],
      ['[{"name": "Osker Bridge", "kind": "bridge"}, {"name": "Südturm", "kind": "tower"}]', null],
      ['1920', null],
    ])
    expect((await episode.finish('<answer>1920</answer>')).status).toBe('solved')
    expect(await episode.call([{ name: 'works_of', arguments: {} }])).toMatchObject([{ error: 'ended' }])
    await episode.close()
  })

  it('gets the benchmark’s own words for every kind of error', async () => {
    const episode = await attempt('0')
    const replies = await episode.call([
      { name: 'architect_of', arguments: { building: 'X' } },
      { name: 'architect_of', arguments: { house: 'X' } },
      { name: 'no_such_tool', arguments: {} },
      { name: 'letter_count', arguments: { text: 'of another item' } },
      { name: '', arguments: {}, error: 'The call is not JSON.' },
    ])
    expect(replies.map(({ error }) => error)).toEqual(['failed', 'bad-arguments', 'unknown-tool', 'unknown-tool', 'bad-call'])
    expect(replies[0]?.text).toBe('an error occured when call architect_of: no such building: X')
    expect(replies[1]?.text).toMatch(
      /^an error occured when call architect_of: architect_of\(\) got an unexpected keyword argument 'house'/,
    )
    expect(replies[2]?.text).toBe("an error occured when call no_such_tool: name 'no_such_tool' is not defined")
    expect((await episode.finish(null)).status).toBe('unsolved')
    await episode.close()
  })

  it('goes on after a tool that never ends was stopped', async () => {
    const episode = await attempt('0')
    const [stopped] = await episode.call([{ name: 'opening_year', arguments: { structure: 'the endless bridge' } }])
    expect(stopped).toMatchObject({
      error: 'timeout',
      text: expect.stringMatching(/^an error occured when call opening_year: The code was stopped after 10 seconds\./) as string,
    })
    expect((await episode.call([{ name: 'opening_year', arguments: { structure: 'Osker Bridge' } }]))[0]?.text).toBe('1920')
    await episode.close()
  }, 60_000)

  it(`ends after ${MOST_TURNS} turns`, async () => {
    const episode = await attempt('1')
    const call = [{ name: 'river_of', arguments: { town: 'Marrow' } }]
    for (let turn = 1; turn <= MOST_TURNS; turn++) {
      expect((await episode.call(call))[0]?.text).toBe('Ellin')
      expect(episode.isOver?.()).toBe(turn === MOST_TURNS)
    }
    await episode.close()
  })

  it('is solved by the original rule when only the last reply has the answer, and not by the strict one', async () => {
    const strict = await toolHopBenchmark.create({ files: fileOf(text), python, settings: { scoring: 'strict' } })
    const call = [{ name: 'letter_count', arguments: { text: 'Ellin' } }]
    for (const [of, status] of [
      [benchmark, 'solved'],
      [strict, 'unsolved'],
    ] as const) {
      const episode = await attempt('1', of)
      await episode.call(call)
      expect((await episode.finish('I do not know.')).status).toBe(status)
      await episode.close()
    }
    expect(strict.environment.hash).not.toBe(benchmark.environment.hash)
  })

  it('has no tools when the question is asked directly', async () => {
    const direct = await toolHopBenchmark.create({ files: fileOf(text), python, settings: { scenario: 'direct' } })
    const episode = await attempt('1', direct)
    expect(episode.tools).toEqual([])
    expect(episode.query.messages?.[0]?.content).not.toMatch(/tool/)
    await episode.close()
  })
})

it('an evaluation has both scores and the number of invocation errors of each attempt', () => {
  const record = (answer: string, replies: readonly string[]) => {
    const calls = replies.map(() => ({ name: 'letter_count', arguments: {} }))
    return trajectoryFromSteps({
      ...{ trajectory_id: answer, task: { query_id: '1', query: '', split: 'exam', tools: [] }, agent: { strategy: 'cot' } },
      ...{ status: 'solved', answer, stop_condition: 'finish', sample: 0, source: '' },
      steps: [
        { parent: null, prompt: '', completion: '', calls, replies: replies.map((content) => ({ content })) },
        { parent: 0, prompt: '', completion: answer, is_final: true },
      ],
    })
  }
  const rows = evaluateTrajectories(
    [record('<answer>5</answer>', ['5']), record('none', ['an error occured when call letter_count: x', '5'])],
    benchmark,
  )
  expect(rows.map(({ measures }) => measures)).toEqual([
    { original_correct: 1, strict_correct: 1, invocation_errors: 0 },
    { original_correct: 1, strict_correct: 0, invocation_errors: 1 },
  ])
  expect(meanMeasures(rows)).toEqual({ original_correct: 1, strict_correct: 0.5, invocation_errors: 0.5 })
})

describe('a file that does not fit', () => {
  const changed = (change: (item: Record<string, unknown>) => void): string => {
    const items = JSON.parse(text) as Record<string, unknown>[]
    change(items[1] as Record<string, unknown>)
    return JSON.stringify(items)
  }
  it.each<[string, string, RegExp]>([
    ['is no JSON', '[{"id"', /^ToolHop\.json: expected JSON, found /],
    ['is no list', '{}', /^ToolHop\.json: expected a list of items, found "\{\}"\.$/],
    ['has no question', changed((item) => delete item.question), /^ToolHop\.json, item 2, key question: /],
    ['has functions that are no text', changed((item) => (item.functions = [1])), /^ToolHop\.json, item 2, key functions/],
    ['has an id twice', changed((item) => (item.id = 0)), /^ToolHop\.json, item 2: expected an id of its own, found "0" a second time\.$/],
  ])('because it %s, gets one sentence', async (_, content, message) => {
    await expect(readToolHopItems(fileOf(content))).rejects.toThrow(message)
  })

  it('or settings, or no file, or no interpreter: one sentence', async () => {
    const create = async (parts: object) => toolHopBenchmark.create(parts)
    await expect(create({})).rejects.toThrow(/^ToolHop needs the file ToolHop\.json/)
    await expect(create({ files: fileOf(text) })).rejects.toThrow(/^ToolHop needs a Python interpreter/)
    await expect(create({ files: fileOf(text), python, settings: { scenario: 'x' } })).rejects.toThrow(/^The settings of ToolHop: /)
  })
})
