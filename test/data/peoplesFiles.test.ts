/** Tables as people have them: what numpy, Excel and an interrupted download make of StepTool's file. */
import { describe, expect, it } from 'vitest'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { importDataset, type ImportedDataset } from '../../src/data/importDataset'
import { stepsOf } from '../../src/records/trajectory'

const now = (): string => '2026-01-01T00:00:00.000Z'
const load = (text: string, name = 'steps.tsv'): Promise<ImportedDataset> =>
  importDataset({ name, bytes: new TextEncoder().encode(text) }, { now })
const opening = (apis: string): string =>
  `<|im_start|>system\\nYou have access to the following APIs: ${apis}<|im_end|>\\n<|im_start|>user\\n\\nWhen?\\nBegin!\\n<|im_end|>\\n<|im_start|>assistant\\n`
const HEADER = 'prompt\tresponse\treward\n'
const row = (rewards: string, apis = "['quay', 'Finish']", turn = 'Thought: on<|im_end|>\\n'): string =>
  `"['''${opening(apis).replaceAll('"', '""')}''', 'b']"\t"['''${turn.replaceAll('"', '""')}''', 'c']"\t"${rewards}"\n`
const valuesOf = ({ opinions }: ImportedDataset): unknown[] => opinions.map(({ value }) => value)
const messagesOf = ({ problems }: ImportedDataset): string[] => problems.map(({ message }) => message)

describe('rewards as people’s programs print them', () => {
  it.each([
    ['[np.float64(1.0), np.float64(0.5)]', [1, 0.5]],
    ['[numpy.float32(1.0), np.int64(0)]', [1, 0]],
    ['[np.float16(0.25), +np.float64(1.0)]', [0.25, 1]],
    ['array([1. , 0.5])', [1, 0.5]],
    ['np.array([1, 0], dtype=float32)', [1, 0]],
    ['[True, False]', [1, 0]],
    ['[np.True_, np.bool_(False)]', [1, 0]],
  ])('reads %s', async (rewards, values) => {
    const read = await load(HEADER + row(rewards))
    expect(messagesOf(read)).toEqual([])
    expect(valuesOf(read)).toEqual(values)
  })

  it.each(['[np.float64(x), 1]', '[np.load("a"), 1]', '[np.nan, 1]', '[np.float64(1.0, 1]', '[print(1), 1]'])(
    'names the row of %s, and keeps the others',
    async (rewards) => {
      const read = await load(HEADER + row(rewards.replaceAll('"', '""')) + row('[1, 1]'))
      expect(read.problems).toHaveLength(1)
      expect(read.problems[0]).toMatchObject({ row: 2, column: 'reward' })
      expect(valuesOf(read)).toEqual([1, 1])
    },
  )
})

describe('a first line that names the delimiter', () => {
  it.each([
    ['sep=;', ';'],
    ['"sep=;"', ';'],
    ['SEP=,', ','],
    ['sep=|', '|'],
    ['sep=\t', '\t'],
    ['\ufeffsep=;\r', ';'],
  ])('%j is no row', async (line, delimiter) => {
    const table = (HEADER + row('[1, 0]') + row('oops')).replaceAll('\t', delimiter)
    const read = await load(`${line}\n${table}`, 'steps.csv')
    expect(valuesOf(read)).toEqual([1, 0])
    expect(read.problems.map((problem) => problem.row)).toEqual([3])
  })
})

describe('a column that stands there twice', () => {
  it.each(['prompt\tresponse\treward\tprompt', 'prompt\tresponse\treward\tReward', 'PROMPT\tprompt \tresponse\treward'])(
    'is refused by name: %j',
    async (header) => {
      const read = await load(`${header}\n${row('[1, 0]')}`)
      expect(read.trajectories).toHaveLength(0)
      const column = header.toLowerCase().includes('reward\treward') ? 'reward' : 'prompt'
      expect(messagesOf(read)).toEqual([
        `steps.tsv, column ${column}: expected each column once, found the column ${column} 2 times. Upper and lower case count as one. Rename or remove all but one; nothing was imported.`,
      ])
    },
  )

  it('matters for columns that are read alone', async () => {
    expect((await load(`note\tnote\t${HEADER}a\tb\t${row('[1, 0]')}`)).trajectories).toHaveLength(1)
  })
})

describe('a list of tools', () => {
  it('is read as JSON, with null and true', async () => {
    const json =
      '[{"name": "quay", "description": null, "strict": true, "parameters": {"properties": {"id": {"type": "string"}}}}, "Finish"]'
    const read = await load(HEADER + row('[1, 0]', json))
    expect(messagesOf(read)).toEqual([])
    expect(read.trajectories[0]?.task.tools.map(({ name }) => name)).toEqual(['quay', 'Finish'])
  })

  it('that cannot be read is said once, with the number of rows', async () => {
    const read = await load(HEADER + row('[1, 0]', '["quay", oops]') + row('[1, 0]', '["quay"') + row('[1, 0]', '[3, "quay"]'))
    expect(read.trajectories.map(({ task }) => task.tools.map(({ name }) => name))).toEqual([[], [], ['quay']])
    expect(messagesOf(read)).toEqual([
      expect.stringMatching(
        /^steps\.tsv, row 2, column prompt: expected a list of tool names .* The row was kept without the tools that could not be read\. 2 other rows have such a list too\.$/,
      ),
    ])
  })
})

describe('a file that was cut', () => {
  const cutAt = (text: string): Promise<ImportedDataset> => load(text)
  it('at the exact end of a row is read, and the row is said to be doubtful', async () => {
    const read = await cutAt((HEADER + row('[1, 0]') + row('[1, 0]')).trimEnd())
    expect(read.trajectories).toHaveLength(2)
    expect(messagesOf(read)).toEqual([
      'steps.tsv, row 3: expected a line end after the last row, found the end of the file. The row was read as it stands, but the file may have been cut there: see whether it is whole.',
    ])
  })

  it('inside a doubled quote is said too', async () => {
    const whole = 'prompt,chosen,rejected\n"When?","At nine.","Say ""never"" to it."\n'
    const read = await load(whole.slice(0, whole.indexOf('"never')), 'pairs.csv')
    expect(read.trajectories).toHaveLength(2)
    expect(read.problems).toMatchObject([{ row: 2, expected: 'a line end after the last row' }])
  })

  it('after a line end is not suspected', async () => expect(messagesOf(await cutAt(HEADER + row('[1, 0]')))).toEqual([]))
})

describe('a file of which no row could be read', () => {
  it('does not say that others were kept', async () => {
    expect(messagesOf(await load(HEADER + row('oops') + row('oops')))).toEqual([
      expect.stringMatching(/^steps\.tsv, row 2, column reward: .* This row was left out\.$/),
      expect.stringMatching(/^steps\.tsv, row 3, column reward: .* This row was left out\.$/),
      'steps.tsv: expected at least one row that can be read, found 2 that were left out. Nothing was imported.',
    ])
  })
})

describe('a row that is nested too deep', () => {
  const deep = (open: string, close: string, depth = 5000): string => `${open.repeat(depth)}1${close.repeat(depth)}`
  it('is named, and the others are kept', async () => {
    const lines = [
      '{"prompt": "a", "completion": "b"}',
      `{"prompt": ${deep('[', ']')}, "completion": "b"}`,
      '{"prompt": "c", "completion": "d"}',
    ]
    const read = await load(`${lines.join('\n')}\n`, 'rows.jsonl')
    expect(read.trajectories).toHaveLength(2)
    expect(messagesOf(read)).toEqual([
      'rows.jsonl, row 2: expected lists and objects nested at most 200 deep, found 5001 levels. This row was left out; the others were kept.',
    ])
  })

  it('loses only the arguments of its call where they are', async () => {
    const read = await load(
      HEADER + row('[1, 0]', undefined, `Action: quay\\nAction Input: {"a": ${deep('{"a":', '}')}}<|im_end|>\\n`) + row('[1, 1]'),
    )
    expect(read.trajectories).toHaveLength(2)
    expect(stepsOf(read.trajectories[0] ?? never())[0]?.call?.error).toContain('nested too deep')
    // What is kept can be stored and sent.
    expect(JSON.stringify(read.trajectories).length).toBeLessThan(1e6)
  })

  it('is named in Hone’s own file', async () => {
    const [trajectory] = (await load(HEADER + row('[1, 0]'))).trajectories
    const lines = [{ trajectory }, { trajectory: { ...trajectory, answer: 'DEEP' } }].map((entry) => JSON.stringify(entry))
    const read = await load(`${lines.join('\n').replace('"DEEP"', deep('[', ']'))}\n`, 'rows.jsonl')
    expect(read.trajectories).toHaveLength(1)
    expect(read.problems[0]).toMatchObject({ row: 2, found: expect.stringMatching(/^50\d\d levels$/) as unknown })
  })
})

function never(): never {
  throw new Error('there is none')
}

const shared = new URL('../../../shared/data/faults/csv/', import.meta.url)
const present = existsSync(shared)
describe.skipIf(!present)(`tables with faults${present ? '' : ' (skipped: ../shared/data/faults is not there)'}`, () => {
  it.each(present ? readdirSync(shared) : [])('%s is read whole', async (name) => {
    const read = await importDataset({ name, bytes: new Uint8Array(readFileSync(new URL(name, shared))) }, { now })
    expect(messagesOf(read)).toEqual([])
    expect(read.trajectories).toHaveLength(2)
    expect(valuesOf(read)).toHaveLength(4)
  })
})
