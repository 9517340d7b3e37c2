/** Preference pairs as StepTool's ETO file has them: our own sample, the released file when ../shared is there, and what is wrong with a row. */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { csvLine } from '../../src/data/csvRows'
import { honeJsonlLine } from '../../src/data/formats/honeJsonl'
import { importDataset, type ImportedDataset } from '../../src/data/importDataset'
import { stepsOf, type Trajectory } from '../../src/records/trajectory'

const sample = readFileSync(new URL('../fixtures/eto_pairs.csv', import.meta.url), 'utf8')
const now = (): string => '2026-01-02T03:04:05.000Z'
const load = (text: string, name = 'pairs.csv'): Promise<ImportedDataset> =>
  importDataset({ name, bytes: new TextEncoder().encode(text) }, { now })
const textOf = (record: Trajectory): string =>
  stepsOf(record)
    .map(({ prompt, completion }) => prompt + completion)
    .join('')
const label = ({ opinions }: ImportedDataset, { trajectory_id }: Trajectory): unknown[] =>
  opinions.filter((row) => row.trajectory_id === trajectory_id).map(({ step, name, value }) => [step, name, value])

const GOOD = ['System:\nUse APIs: []\nUser:\nHow far?\nBegin!\n\nAssistant: ', '\nThought: near', '\nThought: far'] as const
const table = (delimiter: '\t' | ',', ...rows: (readonly string[])[]): string =>
  [['prompt', 'chosen', 'rejected'], ...rows].map((row) => csvLine(row, delimiter)).join('')

describe('the sample', () => {
  it('makes two trajectories of a row, with the prompt’s turns as steps and the last steps labelled', async () => {
    const all = await load(sample)
    const { dataset, trajectories, problems } = all
    expect(problems).toEqual([])
    expect(dataset).toMatchObject({ format: 'etoPairsCsv', rows: 3, trajectories: 6, steps: 10 })
    expect(trajectories.map(({ pair_id }) => pair_id?.replace(/^.*\//, ''))).toEqual(['row-2', 'row-2', 'row-3', 'row-3', 'row-4', 'row-4'])
    expect(trajectories.map((one) => label(all, one))).toEqual([0, 0, 2, 2, 0, 0].map((step, at) => [[step, 'reward', 1 - (at % 2)]]))
    const [first, , long, gaveUp, other] = trajectories
    expect(first?.task.query_id).toBe(long?.task.query_id)
    expect(first?.task.query_id).not.toBe(other?.task.query_id)
    expect(long?.task.query).toBe('When is high water in Tolvik on Friday, and what does berth C4 cost?')
    expect(long?.task.tools.map(({ name }) => name)).toEqual(['tide_table_for_harbour_desk', 'berth_price_for_harbour_desk', 'Finish'])
    expect(
      stepsOf(long!).map(({ parent, thought, call, observation, is_final }) => [parent, thought, call?.name, observation, is_final]),
    ).toEqual([
      [
        null,
        'The tide table comes first.',
        'tide_table_for_harbour_desk',
        '{"error": "", "response": {"high_water": ["05:12", "17:38"], "note": "times, local"}}',
        false,
      ],
      [0, 'Now the berth.', 'berth_price_for_harbour_desk', '{"error": "", "response": {"per_night": 31.5, "currency": "NOK"}}', false],
      [1, 'I can answer.', 'Finish', null, true],
    ])
    expect(long?.answer).toBe('High water is at 05:12 and 17:38; berth C4 costs 31.50 NOK.')
    expect([long?.status, gaveUp?.answer, gaveUp?.stop_condition]).toEqual([null, null, 'finish'])
    expect(stepsOf(gaveUp!).slice(0, 2)).toEqual(stepsOf(long!).slice(0, 2))
    // Each role is a node with its plain text; the layout's markers stand in `text` alone.
    expect(long?.nodes.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'tool', 'assistant', 'tool', 'assistant'])
    expect(long?.nodes[0]?.content).toContain('tide_table_for_harbour_desk')
    expect(long?.nodes[1]?.content).toBe(long?.task.query)
  })

  it('keeps every character of the cells, and pairs through Hone’s own file', async () => {
    const { trajectories, opinions } = await load(sample)
    const rows = [0, 2, 4].map((at) => {
      const [chosen, rejected] = [trajectories[at], trajectories[at + 1]]
      if (!chosen || !rejected) throw new Error('no pair')
      const answers = [chosen, rejected].map((record) => stepsOf(record).at(-1)?.completion ?? '')
      const prompts = [chosen, rejected].map((one, side) => textOf(one).slice(0, textOf(one).length - (answers[side]?.length ?? 0)))
      expect(prompts[0]).toBe(prompts[1])
      return [prompts[0] ?? '', ...answers]
    })
    expect(table('\t', ...rows)).toBe(sample)

    const lines = trajectories.map((one) =>
      honeJsonlLine(
        one,
        opinions.filter((row) => row.trajectory_id === one.trajectory_id),
      ),
    )
    const again = await load(lines.join(''), 'pairs.jsonl')
    expect(again.trajectories.map(({ pair_id }) => pair_id)).toEqual(
      ['row-2', 'row-2', 'row-3', 'row-3', 'row-4', 'row-4'].map((id) => `${again.dataset.dataset_id}/${id}`),
    )
  })

  it('reads the other chat layouts and text in none of them', async () => {
    const system = 'You may use these APIs: []'
    const qwen = `<|im_start|>system\n${system}<|im_end|>\n<|im_start|>user\n\nHow far?\nBegin!\n<|im_end|>\n<|im_start|>assistant\nAction: a\nAction Input: {}<|im_end|>\n<|im_start|>function\n7 km<|im_end|>\n<|im_start|>assistant\n`
    const header = (role: string): string => `<|start_header_id|>${role}<|end_header_id|>\n\n`
    const llama = `${header('system')}${system}<|eot_id|>${header('user')}How far?\nBegin!\n<|eot_id|>${header('assistant')}Action: a\nAction Input: {}<|eot_id|>${header('function')}7 km<|eot_id|>${header('assistant')}`
    const { trajectories, problems } = await load(
      table('\t', ...[qwen, llama, 'Q: How far?\nA:'].map((prompt) => [prompt, ' near', ' far'])),
    )
    expect(problems).toEqual([])
    expect(trajectories.map((record) => [record.task.query, stepsOf(record).map(({ observation }) => observation)])).toEqual(
      [
        ['How far?', ['7 km', null]],
        ['How far?', ['7 km', null]],
        ['Q: How far?\nA:', [null]],
      ].flatMap((one) => [one, one]),
    )
    expect(trajectories.slice(1, 2).map(textOf)).toEqual([`${qwen} far`])
  })
})

describe('what is wrong', () => {
  it.each<[string, readonly string[], string]>([
    [
      'no prompt',
      ['', '\nThought: near', '\nThought: far'],
      'column prompt: expected the conversation before the two answers, found an empty cell.',
    ],
    ['no chosen answer', [GOOD[0], ' ', GOOD[2]], 'column chosen: expected the better answer, found an empty cell.'],
    ['no rejected answer', [GOOD[0], GOOD[1], ''], 'column rejected: expected the worse answer, found an empty cell.'],
    [
      'one answer twice',
      [GOOD[0], GOOD[1], GOOD[1]],
      'column rejected: expected another answer than in column chosen, found the same text.',
    ],
    ['a cell too few', [GOOD[0], GOOD[1]], 'expected 3 cells, found 2.'],
  ])('names the row and the column: %s', async (_name, bad, message) => {
    const { trajectories, problems, dataset } = await load(table('\t', GOOD, bad, GOOD))
    expect(problems.map((problem) => problem.message)).toEqual([
      expect.stringMatching(/^pairs\.csv, row 3.*This row was left out; the others were kept\.$/s),
    ])
    expect(problems[0]?.message).toContain(message)
    expect([dataset.rows, trajectories.length]).toEqual([3, 4])
  })

  it('names the columns that are missing', async () => {
    const { problems } = await load('prompt\tchosen\nx\ty\n')
    expect(problems.map(({ message }) => message)).toEqual([
      'pairs.csv: expected the columns prompt, chosen, rejected, found the columns "prompt", "chosen". Missing: rejected. Nothing was imported.',
    ])
  })

  it('a line of a cell that looks like a row of its own is no row; a row that is cut off costs itself alone', async () => {
    const listing = [GOOD[0], '\nThought: a, b, c\nd, e, f', '\nThought: far'] as const
    expect((await load(table(',', listing, GOOD))).problems).toEqual([])
    const broken = table('\t', GOOD).replace(/\n$/, '\n"cut off\n') + table('\t', GOOD, GOOD).slice('prompt\tchosen\trejected\n'.length)
    const { trajectories, problems } = await load(broken)
    expect(trajectories).toHaveLength(6)
    expect(problems.map(({ found }) => found)).toEqual(['a quote that never closes'])
  })
})

const released = new URL('../../../shared/data/steptool/data_train/eto/dpo_data_example.csv', import.meta.url)
const present = existsSync(released)

describe.skipIf(!present)(`StepTool's file${present ? '' : ' (skipped: ../shared/data/steptool is not there)'}`, () => {
  it('is read whole: 20 pairs, every character', async () => {
    const bytes = readFileSync(released)
    const all = await importDataset({ name: 'dpo_data_example.csv', bytes }, { now })
    // The file ends without a line end, which is said.
    expect(all.problems.map(({ row, expected }) => [row, expected])).toEqual([[21, 'a line end after the last row']])
    expect(all.dataset).toMatchObject({ format: 'etoPairsCsv', rows: 20, trajectories: 40 })
    expect(new Set(all.trajectories.map(({ task }) => task.query_id)).size).toBe(12)
    const rows = Array.from({ length: 20 }, (_, at) => {
      const pair = all.trajectories.slice(2 * at, 2 * at + 2)
      const answers = pair.map((record) => stepsOf(record).at(-1)?.completion ?? '')
      const whole = pair.map(textOf)[0] ?? ''
      return [whole.slice(0, whole.length - (answers[0]?.length ?? 0)), ...answers]
    })
    expect(table('\t', ...rows)).toBe(`${bytes.toString('utf8')}\n`)
    for (const one of all.trajectories) {
      expect(one.task.tools.at(-1)?.name).toBe('Finish')
      expect(one.task.query).not.toMatch(/Begin!|^\s|\s$/)
      for (const { observation, is_final, completion } of stepsOf(one)) {
        expect(completion).toMatch(/^\nThought: /)
        if (!is_final) expect(observation).toMatch(/^\{"error": /)
      }
    }
  })
})

if (!present)
  it('says that ../shared/data/steptool is not there', ({ skip }) => {
    skip('StepTool’s pairs not found; only our own sample was read.')
  })
