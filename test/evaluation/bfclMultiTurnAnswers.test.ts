/** Answers to multi-turn items: run in Python with the user's package, or named as not scored. */
import { expect, test } from 'vitest'
import { openNodePython } from '../../src/cli/node/pythonSandbox'
import type { AnswerScore } from '../../src/evaluation/answerScorers/answerScorer'
import { bfclAnswers } from '../../src/evaluation/answerScorers/bfcl/scorer'
import { folderOfProject, treeOf } from '../support/files'
import { miniBfcl } from '../support/miniBfcl'

const lines = (...rows: unknown[]): string => rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n')
const scored = (files: Parameters<typeof treeOf>[0], python?: typeof openNodePython): Promise<AnswerScore> =>
  bfclAnswers.score({ data: miniBfcl(), answers: treeOf(files), settings: { underscoredNames: false }, ...(python ? { python } : {}) })

const base = (result: unknown): unknown => ({ id: 'multi_turn_base_0', result })
const right = [[[{ stock_of: { tea: 'assam' } }]], [[{ order: { tea: 'assam', grams: 30 } }, { weigh: '{"grams": [1, 2, 3]}' }]]]

test(
  'every shape of a result is judged: calls with objects, with JSON text, as text, and what a turn lacks',
  { timeout: 60_000 },
  async () => {
    const { rows, cells, notes } = await scored(
      {
        'multi_turn/BFCL_v4_multi_turn_base_result.json': lines(
          base(right),
          base([["[stock_of(tea='assam')]"], ["[order(tea='assam', grams=30), weigh(grams=[1, 2, 3])]"]]),
          base([[], ["[order(tea='assam', grams=30)]"]]),
          base([['I do not know.']]),
          base('Sorry.'),
          // The reply to 30.0 grams is 70.0, another text than 70.
          '{"id": "multi_turn_base_0", "result": [[[{"stock_of": {"tea": "assam"}}]], [[{"order": {"tea": "assam", "grams": 30.0}}, {"weigh": {"grams": [1, 2, 3]}}]]]}',
        ),
        'lines.jsonl': lines({
          category: 'multi_turn_long_context',
          id: 'multi_turn_long_context_0',
          calls: [[[{ stock_of: { tea: 'tea 7' } }]]],
        }),
      },
      openNodePython,
    )
    expect(rows.map(({ category, error }) => [category, error])).toEqual([
      ['multi_turn_long_context', null],
      ['multi_turn_base', null],
      ['multi_turn_base', null],
      ['multi_turn_base', 'multi_turn:empty_turn_model_response'],
      ['multi_turn_base', 'multi_turn:force_terminated'],
      ['multi_turn_base', 'multi_turn:inference_error'],
      ['multi_turn_base', 'multi_turn:execution_response_mismatch'],
    ])
    expect(cells.find(({ cell }) => cell === 'multi_turn_base')).toMatchObject({ n: 6, valid: 2, items: 1, unanswered: 0 })
    expect(cells.find(({ cell }) => cell === 'multi_turn')).toMatchObject({
      accuracy: null,
      weight: 30,
      missing: ['multi_turn_miss_func', 'multi_turn_miss_param'],
    })
    expect(notes.join('\n')).not.toContain('Multi-turn answers are not scored')
  },
)

test('an item that is not there is named with file, row and column', { timeout: 60_000 }, async () => {
  const files = { 'a.jsonl': lines({ id: 'multi_turn_base_9', result: [] }) }
  await expect(scored(files, openNodePython)).rejects.toThrow(
    'a.jsonl, row 1, column id: expected the id of one of the 1 items of multi_turn_base, found "multi_turn_base_9".',
  )
})

test('without Python, and with data without the package, they are not scored and a sentence says why', async () => {
  const files = { 'a.jsonl': lines(base(right)) }
  const without = await scored(files)
  expect(without.rows).toEqual([])
  expect(without.notes.at(-1)).toBe('Multi-turn answers are not scored: there is no Python interpreter here.')
  const data = await folderOfProject('test/fixtures/bfcl')
  const noPackage = await bfclAnswers.score({ data, answers: treeOf(files), settings: { underscoredNames: false }, python: openNodePython })
  expect(noPackage.notes.at(-1)).toMatch(/^Multi-turn answers are not scored\. bfcl: expected the package bfcl_eval with /)
  expect(noPackage.cells.find(({ cell }) => cell === 'overall')?.missing).toContain('multi_turn_base')
})
