import { stepsOf } from '../../src/records/trajectory'
import { withSteps } from '../../src/records/trajectoryFromSteps'
import { describe, expect, it } from 'vitest'
import { importDataset, type ImportedDataset } from '../../src/data/importDataset'
import { sampleCsv } from '../../src/data/sampleCsv'
import { writeSteptoolCsv } from '../../src/data/formats/steptoolCsv'
import type { DatasetRow, Problem } from '../../src/worker/protocol'

const now = (): string => '2026-01-02T03:04:05.000Z'
const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
const load = (text: string, name = 'steps.csv'): Promise<ImportedDataset> => importDataset({ name, bytes: encode(text) }, { now })

const PROMPT = `"[""System:\\nYou have access to the following APIs: ['a', 'Finish']\\nUser:\\nHow far?\\nBegin!\\n\\nAssistant:\\n"", 'Function:\\n7 km\\nAssistant:\\n']"`
const RESPONSE = `"['Action: a\\nAction Input: {""x"": 1}\\n', 'Action: Finish\\nAction Input: {""final_answer"": ""7 km""}\\n']"`
const GOOD = `${PROMPT}\t${RESPONSE}\t[0.9, 1.0]`
const file = (...rows: string[]): string => `prompt\tresponse\treward\n${rows.join('\n')}\n`

/** A file with the bad row between two good ones: the message, and that both good ones are there. */
async function rejected(bad: string): Promise<Problem> {
  const { trajectories, problems, dataset } = await load(file(GOOD, bad, GOOD))
  expect(trajectories.map(({ source }) => source)).toEqual(['file:steps.csv#2', 'file:steps.csv#4'])
  expect(dataset.rows).toBe(3)
  expect(problems).toHaveLength(1)
  const [problem] = problems
  if (!problem) throw new Error('no problem')
  expect(problem.row).toBe(3)
  expect(problem.file).toBe('steps.csv')
  expect(problem.message).toMatch(/^steps\.csv, row 3.*This row was left out; the others were kept\.$/)
  return problem
}

describe('the sample', () => {
  it('reads back whole: steps, calls, observations, answers, rewards as opinions', async () => {
    const { dataset, trajectories, opinions, problems } = await load(sampleCsv(), 'sample.csv')
    expect(problems).toEqual([])
    const row: DatasetRow = dataset
    expect(row).toMatchObject({ format: 'steptoolCsv', rows: 8, trajectories: 8, steps: 24, name: 'sample.csv', created_at: now() })
    expect(trajectories.map(({ status }) => status)).toEqual([
      'solved',
      'solved',
      'solved',
      'unsure',
      'unsolved',
      'solved',
      'unsolved',
      'solved',
    ])
    const [first] = trajectories
    expect(first?.task.query).toBe("When is high water in Tolvik on Friday, and what does a night at berth 'C4' cost?")
    expect(first?.task.tools.map(({ name }) => name)).toEqual(['tide_table_for_harbour_desk', 'berth_price_for_harbour_desk', 'Finish'])
    expect(stepsOf(first!).map(({ parent, call, is_final }) => [parent, call?.name, is_final])).toEqual([
      [null, 'tide_table_for_harbour_desk', false],
      [0, 'berth_price_for_harbour_desk', false],
      [1, 'Finish', true],
    ])
    expect(stepsOf(first!)[1]?.call?.arguments).toEqual({ harbour: 'Tolvik', berth: 'C4' })
    expect(stepsOf(first!)[1]?.observation).toBe('{"error":"","response":{"berth":"C4","per_night":31.5,"currency":"NOK"}}')
    expect(stepsOf(first!)[2]?.prompt).toBe(
      `<|im_start|>function\n${stepsOf(first!)[1]?.observation ?? ''}<|im_end|>\n<|im_start|>assistant\n`,
    )
    expect(first?.answer).toBe("High water in Tolvik on Friday is at 05:12 and 17:38. Berth 'C4' costs 31.50 NOK a night.")
    expect(trajectories[4]?.task.query_id).toBe(trajectories[5]?.task.query_id)
    expect(opinions).toHaveLength(24)
    expect(opinions[1]).toMatchObject({
      trajectory_id: first?.trajectory_id,
      step: 1,
      name: 'reward',
      value: 1,
      annotator_kind: 'CODE',
      annotator_id: 'imported:sample.csv',
    })
    expect(trajectories[6]?.answer).toBeNull()
  })

  it('is written back byte for byte', async () => {
    const { trajectories, opinions } = await load(sampleCsv())
    const rewards = new Map(
      trajectories.map(({ trajectory_id }) => [trajectory_id, opinions.filter((row) => row.trajectory_id === trajectory_id)]),
    )
    const written = writeSteptoolCsv(trajectories, ({ trajectory_id }) => rewards.get(trajectory_id) ?? [])
    expect(written.csv).toBe(sampleCsv())
    expect(written.skipped).toEqual([])
  })

  it('has the same ids when it is imported again, other ids for other bytes', async () => {
    const [once, twice, other] = [await load(sampleCsv()), await load(sampleCsv()), await load(`${sampleCsv()}\n`)]
    expect(twice).toEqual(once)
    expect(other.dataset.dataset_id).not.toBe(once.dataset.dataset_id)
    expect(once.trajectories[0]?.trajectory_id).toBe(`${once.dataset.dataset_id}/row-2`)
    expect(new Set(once.opinions.map(({ opinion_id }) => opinion_id)).size).toBe(24)
  })
})

describe('spellings of the same table', () => {
  /** The sample holds no TAB inside a cell; under commas the reward lists need quotes. */
  const delimitedBy = (delimiter: string): string =>
    sampleCsv()
      .replaceAll(/\t(\[.*\])\n/g, '\t"$1"\n')
      .replaceAll('\t', delimiter)

  it.each<[string, (text: string) => string | Uint8Array]>([
    ['commas', () => delimitedBy(',')],
    ['semicolons', () => delimitedBy(';')],
    ['a byte order mark', (text) => `\ufeff${text}`],
    ['CRLF line ends', (text) => text.replaceAll('\n', '\r\n')],
    ['CR line ends', (text) => text.replaceAll('\n', '\r')],
    ['columns in another order and case', (text) => text.replace('prompt\tresponse\treward', 'Prompt\tRESPONSE\t reward ')],
    ['blank lines at the end', (text) => `${text}\n\n`],
    [
      'UTF-16, as Excel saves Unicode text',
      (text) => new Uint8Array(Uint16Array.from(`\ufeff${text}`, (char) => char.charCodeAt(0)).buffer),
    ],
  ])('%s', async (_, spell) => {
    const spelt = spell(sampleCsv())
    const read = await importDataset({ name: 'sample.csv', bytes: typeof spelt === 'string' ? encode(spelt) : spelt }, { now })
    const plain = await load(sampleCsv(), 'sample.csv')
    expect(read.problems).toEqual([])
    expect(read.trajectories.map((record) => stepsOf(record))).toEqual(plain.trajectories.map((record) => stepsOf(record)))
    expect(read.opinions.map(({ value }) => value)).toEqual(plain.opinions.map(({ value }) => value))
  })

  it('reads a stream cut anywhere, in the middle of a letter or a line end', async () => {
    const bytes = encode(`\ufeff${sampleCsv().replaceAll('\n', '\r\n')}`)
    const plain = await load(sampleCsv())
    for (const size of [1, 7, 1000]) {
      let at = 0
      const stream = new ReadableStream<Uint8Array>({
        pull(controller) {
          if (at >= bytes.length) controller.close()
          else controller.enqueue(bytes.slice(at, at + size))
          at += size
        },
      })
      const read = await importDataset({ name: 'steps.csv', bytes: stream }, { now })
      expect(read.trajectories.map((record) => [record.task.query, stepsOf(record)])).toEqual(
        plain.trajectories.map((record) => [record.task.query, stepsOf(record)]),
      )
      expect(read.dataset.bytes).toBe(bytes.length)
    }
  })

  it('reads a cell that was wrapped over lines', async () => {
    const wrapped = GOOD.replace(", 'Function", ",\n 'Function")
    const { trajectories, problems } = await load(file(GOOD, wrapped, GOOD))
    expect(problems).toEqual([])
    expect(trajectories.map(({ source }) => source)).toEqual(['file:steps.csv#2', 'file:steps.csv#3', 'file:steps.csv#4'])
    expect(trajectories[1]?.nodes).toEqual(trajectories[0]?.nodes)
    expect(trajectories[0]?.nodes.slice(0, 2)).toMatchObject([
      { role: 'system', text: null },
      { role: 'user', content: trajectories[0]?.task.query },
    ])
  })
})

describe('bad rows', () => {
  it('a cell that is no literal', async () => {
    const problem = await rejected(GOOD.replace('[0.9, 1.0]', '[0.9, open("x")]'))
    expect(problem).toMatchObject({
      column: 'reward',
      expected: 'a Python list with a finite number for each step',
      found: 'the name open at character 7, where an item or "]" should stand',
    })
  })

  it('a truncated literal', async () => {
    const problem = await rejected(GOOD.replace('[0.9, 1.0]', '[0.9,'))
    expect(problem).toMatchObject({ column: 'reward', found: 'the end of the text at character 6, where an item or "]" should stand' })
  })

  it('lists of unequal length', async () => {
    const problem = await rejected(GOOD.replace('[0.9, 1.0]', '[0.9, 1.0, 1.0]'))
    expect(problem).toMatchObject({ column: null, expected: 'lists of equal length', found: '2 prompts, 2 responses, 3 rewards' })
  })

  it.each([
    ['nan', '"nan" at step 2'],
    ['inf', '"inf" at step 2'],
    ["'1.0'", `"'1.0'" at step 2`],
    ['None', '"None" at step 2'],
    ['1e999', '"inf" at step 2'],
  ])('a reward of %s', async (reward, found) => {
    const problem = await rejected(GOOD.replace('[0.9, 1.0]', `[0.9, ${reward}]`))
    expect(problem).toMatchObject({ column: 'reward', expected: 'a finite number for each step', found })
  })

  it('an empty list', async () => {
    const problem = await rejected('[]\t[]\t[]')
    expect(problem).toMatchObject({ column: 'prompt', expected: 'at least one step', found: 'an empty list' })
  })

  it('an empty cell, and a cell that is a number', async () => {
    expect(await rejected(`${PROMPT}\t\t[1.0]`)).toMatchObject({ column: 'response', found: 'an empty cell' })
    expect(await rejected(`${PROMPT}\t${RESPONSE}\t0.5`)).toMatchObject({ column: 'reward', found: '"0.5"' })
  })

  it('a prompt that is no string', async () => {
    expect(await rejected(`"['a', 1]"\t${RESPONSE}\t[0.9, 1.0]`)).toMatchObject({
      column: 'prompt',
      expected: 'a string for each step',
      found: '"1" at step 2',
    })
  })

  it('a missing cell', async () => {
    expect(await rejected(`${PROMPT}\t${RESPONSE}`)).toMatchObject({ expected: '3 cells', found: '2' })
  })

  it('a row cut off inside a quoted cell, at the end and in the middle of the file', async () => {
    const cut = GOOD.slice(0, 60)
    expect(await rejected(cut)).toMatchObject({ expected: 'a row of quoted cells', found: 'a quote that never closes' })
    const { trajectories, problems } = await load(file(GOOD, GOOD, cut).trimEnd())
    expect(trajectories).toHaveLength(2)
    expect(problems.map(({ row, found }) => [row, found])).toEqual([[4, 'a quote that never closes']])
  })

  it('two rows cut off one after the other cost only themselves', async () => {
    const { trajectories, problems } = await load(file(GOOD, GOOD.slice(0, 60), GOOD.slice(0, 70), GOOD))
    expect(trajectories.map(({ source }) => source)).toEqual(['file:steps.csv#2', 'file:steps.csv#5'])
    expect(problems.map(({ row }) => row)).toEqual([3, 4])
  })

  it('a quote that is not doubled', async () => {
    expect(await rejected(GOOD.replace('""x""', '"x"'))).toMatchObject({ found: 'a quote inside a quoted cell that is not doubled' })
  })
})

describe('whole files', () => {
  it('without the columns: one error that names what is there and what is missing', async () => {
    const { problems, trajectories, dataset } = await load('prompt,answer,score\na,b,c\nd,e,f\n')
    expect(trajectories).toEqual([])
    expect(problems.map(({ message }) => message)).toEqual([
      'steps.csv: expected the columns prompt, response, reward, found the columns "prompt", "answer", "score". Missing: response, reward. Nothing was imported.',
    ])
    expect(dataset.sha256).toMatch(/^[0-9a-f]{64}$/)
  })

  it('empty, with a header only, or of an unknown kind', async () => {
    expect((await load('')).problems[0]?.message).toContain('found an empty first line')
    expect((await load('prompt\tresponse\treward\n')).problems[0]?.message).toBe(
      'steps.csv: expected at least one row of data, found none. Nothing was imported.',
    )
    const picture = await load('\x89PNG\r\n', 'cat.png')
    expect(picture.dataset).toMatchObject({ format: 'unknown', trajectories: 0 })
    expect(picture.problems[0]?.message).toMatch(
      /^cat\.png: expected StepTool step-grained CSV .* found a file that begins with "⟨U\+0089⟩PNG/,
    )
  })

  it('with further columns or rewards outside 0–1: kept, and said', async () => {
    const { problems, trajectories } = await load(`id\tprompt\tresponse\treward\n7\t${GOOD.replace('0.9', '-2')}\n`)
    expect(trajectories).toHaveLength(1)
    expect(problems.map(({ message }) => message)).toEqual([
      'steps.csv: expected the columns prompt, response, reward, found also "id". The additional columns were not read.',
      'steps.csv, column reward: expected rewards between 0 and 1, found -2 in row 2. They were kept as they are.',
    ])
  })

  it('with bytes that are no UTF-8: read, and said', async () => {
    const bytes = encode(file(GOOD)).map((byte) => (byte === 'H'.charCodeAt(0) ? 0xff : byte))
    const { problems, trajectories } = await importDataset({ name: 'steps.csv', bytes }, { now })
    expect(trajectories[0]?.task.query).toBe('\ufffdow far?')
    expect(problems.map(({ found }) => found)).toEqual(['bytes that are none'])
  })

  it('stops when asked to', async () => {
    await expect(importDataset({ name: 'a.csv', bytes: encode(sampleCsv()) }, { now, signal: AbortSignal.abort() })).rejects.toThrow(
      /abort/i,
    )
  })
})

describe('turns', () => {
  const turn = async (body: string): Promise<unknown> => {
    const { trajectories } = await load(
      file(`['System:\\nAPIs: []\\nUser:\\nq\\nBegin!\\n\\nAssistant:\\n']\t['${body}']\t[0.8333333333333334]`),
    )
    const [read] = trajectories
    return read && { ...read, steps: stepsOf(read) }
  }

  it.each<[string, object]>([
    [
      "I need the map.\\nAction: map_of\\nAction Input: {\\'zoom\\': None, \\'big\\': 9007199254740993}\\n",
      { thought: 'I need the map.', call: { name: 'map_of', arguments: { zoom: null, big: 9007199254740992 } } },
    ],
    [
      'Thought: hm\\nAction: map_of\\nAction Input: [1]',
      { thought: 'hm', call: { name: 'map_of', arguments: {}, error: 'Expected an object of arguments, found [1].' } },
    ],
    [
      'Action: map_of',
      { call: { name: 'map_of', arguments: {}, error: 'Expected "Action Input:" after the action, found the end of the turn.' } },
    ],
    [
      'Action: map_of\\nAction Input: {"zoom": ',
      {
        call: {
          name: 'map_of',
          arguments: {},
          error: 'Expected an object of arguments, found text that is neither JSON nor a Python literal: "{\\"zoom\\":".',
        },
      },
    ],
    ['It is 7 km.', { thought: 'It is 7 km.', call: null }],
  ])('%s', async (body, step) => {
    expect(await turn(body)).toMatchObject({ status: null, stop_condition: 'budget', steps: [step] })
  })
})

describe('writeSteptoolCsv', () => {
  it('leaves out what has no reward, and says which step', async () => {
    const { trajectories } = await load(file(GOOD))
    const { csv, written, skipped } = writeSteptoolCsv(trajectories, () => [{ value: 1 }, { value: null }])
    expect([csv, written]).toEqual(['prompt\tresponse\treward\n', 0])
    expect(skipped[0]?.reason).toBe('Step 2 has no reward.')
  })

  it('writes the chosen path of a tree', async () => {
    const [chain] = (await load(file(GOOD))).trajectories
    const [first, second] = chain ? stepsOf(chain) : []
    if (!chain || !first || !second) throw new Error('no trajectory')
    const tree = withSteps(chain, [{ ...first, completion: 'a dead end' }, first, { ...second, parent: 1 }])
    const { csv } = writeSteptoolCsv([tree], () => [{ value: 0 }, { value: 0.9 }, { value: 1 }])
    expect(csv).toBe(file(GOOD))
  })
})
