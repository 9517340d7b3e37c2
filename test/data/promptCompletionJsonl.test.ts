import { expect, test } from 'vitest'
import { formats } from '../../src/data/formats'
import type { FormatItem } from '../../src/data/formats/format'
import { promptCompletionJsonl } from '../../src/data/formats/promptCompletionJsonl'
import { chosenPath, stepsOf } from '../../src/records/trajectory'

async function* whole(text: string): AsyncGenerator<string> {
  // In two pieces, cut inside a row.
  yield text.slice(0, 9)
  await Promise.resolve()
  yield text.slice(9)
}

async function read(...rows: readonly unknown[]): Promise<FormatItem[]> {
  const text = rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n')
  const items: FormatItem[] = []
  for await (const item of promptCompletionJsonl.read({ name: 'pairs.jsonl', text: whole(text), importedAt: '2026-12-01T00:00:00Z' }))
    items.push(item)
  return items
}

test('a row is a trajectory of one step, with its text as it stands', async () => {
  const [first, second] = await read({ prompt: 'The sky is ', completion: 'blue.' }, '', { completion: ' Yes', prompt: '', extra: 1 })
  if (first?.kind !== 'trajectory' || second?.kind !== 'trajectory') throw new Error('expected two trajectories')
  expect(stepsOf(first.trajectory)).toMatchObject([{ prompt: 'The sky is ', completion: 'blue.', is_final: true, tokens: null }])
  expect(chosenPath(first.trajectory)).toHaveLength(1)
  expect([first.trajectory.source, second.trajectory.source]).toEqual(['file:pairs.jsonl#1', 'file:pairs.jsonl#3'])
  expect(stepsOf(second.trajectory)).toMatchObject([{ prompt: '', completion: ' Yes' }])
  expect(first.opinions).toEqual([])
})

test('a row that cannot be used is named, with what was expected and found; the others are read', async () => {
  const items = await read(
    { prompt: 'a', completion: 'b' },
    { prompt: 'a' },
    { prompt: [{ role: 'user', content: 'a' }], completion: 'b' },
    { prompt: 'a', completion: '' },
    '{"prompt": "a", "completion"',
    '[1]',
    { prompt: 'c', completion: 'd' },
  )
  expect(items.map((item) => (item.kind === 'problem' ? [item.problem.row, item.problem.column, item.problem.found] : item.kind))).toEqual([
    'trajectory',
    [2, 'completion', 'nothing'],
    [3, 'prompt', 'a list of messages, whose text depends on a chat template'],
    [4, 'completion', 'an empty one'],
    [5, null, expect.stringMatching(/JSON/)],
    [6, 'prompt', 'nothing'],
    'trajectory',
  ])
})

test('the file is recognised by its content, and no other format claims it', () => {
  const head = '{"prompt": "a", "completion": "b"}\n{"prompt": "c", "completion": "d"}\n'
  const sure = Object.values(formats).filter((format) => format.recognise('data.json', head) === 1)
  expect(sure.map(({ name }) => name)).toEqual(['promptCompletionJsonl'])
  expect(promptCompletionJsonl.recognise('x.jsonl', '{"prompt": "a", "chosen": "b", "rejected": "c"}')).toBe(0)
  expect(promptCompletionJsonl.recognise('x.csv', 'prompt,completion\na,b')).toBe(0)
})
