/** What took minutes when the time of reading grew with the square of a file's size; bounds are wide, for slow machines. */
import { describe, expect, it } from 'vitest'
import { importDataset } from '../../src/data/importDataset'
import { trajectoryFromSteps } from '../../src/records/trajectoryFromSteps'

const now = (): string => '2026-01-01T00:00:00.000Z'
const HEADER = 'prompt\tresponse\treward\n'
const toolllama = (query: string, apis = "['quay']"): string =>
  `System: \nYou have access to the following APIs: ${apis}\nUser: \n${query}\nBegin!\n\nAssistant: \n`
const list = (text: string): string => `"['${text.replaceAll('\n', '\\n').replaceAll("'", "\\'").replaceAll('"', '""')}']"`
const table = (prompt: string, turn: string): string => `${HEADER}${list(prompt)}\t${list(turn)}\t[1.0]\n`
const chatml = (system: string): string =>
  `<|im_start|>system\n${system}<|im_end|>\n<|im_start|>user\nWhen?<|im_end|>\n<|im_start|>assistant\n`
const line = (id: string): string =>
  `${JSON.stringify({
    trajectory: trajectoryFromSteps({
      ...{ trajectory_id: id, task: { query_id: 'q', query: 'When?' }, source: 'test' },
      steps: [{ parent: null, prompt: 'a', completion: 'b', is_final: true }],
    }),
  })}\n`
const pairs = (prompt: string): string => `prompt,chosen,rejected\n"${prompt.replaceAll('"', '""')}",a,b\n`

const FILES: Readonly<Record<string, { readonly name: string; readonly text: () => string; readonly rows: number }>> = {
  'a turn of 300,000 spaces': { name: 'a.tsv', text: () => table(toolllama('When?'), `Thought: a${' '.repeat(3e5)}b`), rows: 1 },
  'a query of 300,000 line ends': { name: 'a.tsv', text: () => table(toolllama(`a${'\n'.repeat(3e5)}b`), 'c'), rows: 1 },
  'a broken list of tools before 200,000 brackets': {
    name: 'a.tsv',
    text: () => table(toolllama(']'.repeat(2e5), "['quay"), 'c'),
    rows: 1,
  },
  '50,000 marks of a layout without an end': {
    name: 'a.tsv',
    text: () => table(`${chatml('a').slice(0, -'assistant\n'.length)}${'<|im_end|>\n<|im_start|>user\n'.repeat(5e4)}`, 'c'),
    rows: 1,
  },
  'a conversation of 50,000 replies without an answer': {
    name: 'a.csv',
    text: () => pairs(`${chatml('a')}b<|im_end|>\n${'<|im_start|>user\n'.repeat(5e4)}`),
    rows: 2,
  },
  '20,000 lines of one id': { name: 'a.jsonl', text: () => line('one').repeat(2e4), rows: 2e4 },
  '20,000 rows': { name: 'a.tsv', text: () => HEADER + table(toolllama('When?'), 'c').slice(HEADER.length).repeat(2e4), rows: 2e4 },
  '100,000 quotes that never close': { name: 'a.tsv', text: () => `${HEADER}${'"a\n'.repeat(1e5)}`, rows: 0 },
}

describe('reading takes time in proportion to the file', () => {
  it.each(Object.entries(FILES))('%s', { timeout: 60_000 }, async (_, { name, text, rows }) => {
    const bytes = new TextEncoder().encode(text())
    const from = performance.now()
    const { trajectories } = await importDataset({ name, bytes }, { now })
    expect(trajectories).toHaveLength(rows)
    expect(performance.now() - from).toBeLessThan(15_000)
  })
})
