/** Answers to BFCL items: in every format, with rates and the published weights, and what bad files get. */
import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { reprPython } from '../../src/base/pythonRepr'
import type { Call } from '../../src/environments/bfcl/checker/checkCall'
import type { AnswerScore } from '../../src/evaluation/answerScorers/answerScorer'
import { callsOfText } from '../../src/evaluation/answerScorers/bfcl/callsOfText'
import { bfclAnswers } from '../../src/evaluation/answerScorers/bfcl/scorer'
import { folderOfProject, treeOf } from '../support/files'

const lines = (...rows: unknown[]): string => rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n')
const scoreFiles = async (files: Parameters<typeof treeOf>[0], underscoredNames = false): Promise<AnswerScore> =>
  bfclAnswers.score({ data: await folderOfProject('test/fixtures/bfcl'), answers: treeOf(files), settings: { underscoredNames } })
const hall = { 'lamp.switch': { room: 'hall', on: true } }

describe('texts of prompted models are read as bfcl-eval reads them', () => {
  const texts = z
    .array(z.object({ language: z.enum(['python', 'java', 'javascript']), text: z.string(), calls: z.string().nullable() }))
    .parse(JSON.parse(readFileSync(new URL('../golden/bfcl_texts_golden.json', import.meta.url), 'utf8')))
  /** Python has the key None for an argument without a name; here its name is `**`. */
  const shown = (calls: readonly Call[]): string =>
    reprPython(calls.map(({ name, arguments: given }) => new Map([[name, new Map(given)]]))).replaceAll("'**':", 'None:')

  it.each(texts)('$language: $text', ({ language, text, calls }) => {
    const found = callsOfText(text, language)
    // Code that is no call is None or an empty dict there.
    const isOther = calls === 'None' || calls === '{}'
    expect(found.calls === null ? null : shown(found.calls)).toBe(isOther ? null : calls)
    if (found.calls === null)
      expect(found.fault.kind).toBe(isOther ? 'ast_decoder:decoder_wrong_output_format' : 'ast_decoder:decoder_failed')
  })

  it.each(['java', 'javascript'] as const)('a text made to exhaust the reader of %s is no call, in little time', (language) => {
    for (const text of [
      `[f(a=${'('.repeat(5000)}1${')'.repeat(5000)})]`,
      `[f(a="é", b=${'x+'.repeat(20_000)})]`,
      `[f(a=${'{'.repeat(20_000)})]`,
    ]) {
      const started = performance.now()
      expect(callsOfText(text, language)).toMatchObject({ calls: null })
      expect(performance.now() - started).toBeLessThan(2000)
    }
  })

  it.each([
    '['.repeat(5000),
    `[f(a=${'-'.repeat(5000)}1)]`,
    `[f(a=${'1+'.repeat(5000)}1)]`,
    `[f(a=x${'.y'.repeat(5000)})]`,
    '[f(a=9**9**9)]',
  ])('a text made to exhaust the reader is no list of calls (%#)', (text) => {
    expect(callsOfText(text, 'python')).toMatchObject({ calls: null, fault: { kind: 'ast_decoder:decoder_failed' } })
  })
})

describe('calls between Hermes tags', () => {
  const tagged = (json: string): string => `I will call.\n<tool_call>\n${json}\n</tool_call>`
  it.each([
    ['one call, whose numbers keep their type', tagged('{"name": "f", "arguments": {"a": 1.0}}'), "[{'f': {'a': 1.0}}]"],
    [
      'two calls',
      tagged('{"name": "f", "arguments": {}}') + tagged('{"name": "g", "arguments": {"b": [1]}}'),
      "[{'f': {}}, {'g': {'b': [1]}}]",
    ],
    ['text that is no JSON', tagged('f(a=1)'), '[]'],
    ['tags that do not close', '<tool_call>\n{"name": "f"', '[]'],
    ['JSON without arguments', tagged('{"name": "f"}'), null],
    ['JSON that is no object', tagged('[1]'), null],
  ])('%s', (_, text, calls) => {
    const found = callsOfText(text, 'java').calls
    expect(found && reprPython(found.map(({ name, arguments: given }) => new Map([[name, new Map(given)]])))).toBe(calls)
  })
})

describe('every format of answers', () => {
  const right = { valid: true, error: null }

  it('lines of calls, plain and compressed', async () => {
    const text = lines({ category: 'multiple', id: 'multiple_0', calls: [hall] }, { id: 'multiple_0', calls: [] })
    for (const files of [{ 'a.jsonl': text }, { 'a.jsonl.gz': Uint8Array.from(gzipSync(text)) }, { 'any name': text }]) {
      const { rows } = await scoreFiles(files)
      expect(rows).toMatchObject([
        { id: 'multiple_0', category: 'multiple', ...right },
        { id: 'multiple_0', valid: false, error: 'multiple_function_checker:wrong_count' },
      ])
    }
  })

  it('result files in a folder, with text, with arguments as JSON text, and with arguments as objects', async () => {
    const { rows } = await scoreFiles({
      'non_live/BFCL_v4_multiple_result.json': lines({ id: 'multiple_0', result: '[lamp.switch(room="hall", on=True)]' }),
      'non_live/BFCL_v4_parallel_result.json': lines({
        id: 'parallel_0',
        result: [{ 'lamp.switch': '{"room": "the attic", "on": true}' }, { 'lamp.switch': '{"room": "hall", "on": true}' }],
      }),
      'live/BFCL_v4_live_simple_result.json': lines({ id: 'live_simple_0-0-0', result: [{ 'lamp.switch': { room: 'attic', on: false } }] }),
      'live/BFCL_v4_live_simple_score.json': '{"accuracy": 1}',
      'notes.txt': 'no answers',
    })
    expect(rows).toHaveLength(3)
    for (const row of rows) expect(row).toMatchObject(right)
  })

  it('answers without readable calls are wrong, and right where no function fits', async () => {
    const results = ['I cannot help.', [], '[lamp.switch(room="hall"', [{ 'lamp.switch': 'no JSON' }], [{ a: {}, b: {} }], ['text'], 7]
    const { rows } = await scoreFiles({
      'BFCL_v4_simple_python_result.json': lines(...results.map((result) => ({ id: 'simple_python_0', result }))),
      'BFCL_v4_irrelevance_result.json': lines(...results.map((result) => ({ id: 'irrelevance_1', result })), {
        id: 'irrelevance_1',
        result: [hall],
      }),
      'BFCL_v4_live_relevance_result.json': lines(
        { id: 'live_relevance_0-0-0', result: [hall] },
        { id: 'live_relevance_0-0-0', result: 'No.' },
      ),
    })
    expect(rows.filter(({ category }) => category === 'simple_python').map(({ error }) => error)).toEqual([
      'ast_decoder:decoder_failed',
      'simple_function_checker:wrong_count',
      'ast_decoder:decoder_failed',
      'ast_decoder:decoder_failed',
      ...Array.from({ length: 3 }, () => 'ast_decoder:decoder_wrong_output_format'),
    ])
    expect(rows.filter(({ category }) => category === 'irrelevance').map(({ error }) => error)).toEqual([
      ...results.map(() => null),
      'irrelevance_error:decoder_success',
    ])
    expect(rows.filter(({ category }) => category === 'live_relevance').map(({ error }) => error)).toEqual([
      null,
      'relevance_error:decoder_failed',
    ])
  })

  it('1.0 is no integer, and underscores in names count only for models that saw them', async () => {
    const kettle = (name: string): unknown => ({ id: 'simple_python_0', calls: [{ [name]: { litres: 1.5, celsius: 80 } }] })
    const files = {
      'a.jsonl': lines(
        kettle('kettle.boil'),
        kettle('kettle_boil'),
        '{"id": "simple_python_0", "calls": [{"kettle.boil": {"litres": 1.5, "celsius": 80.0}}]}',
      ),
    }
    expect((await scoreFiles(files)).rows.map(({ error }) => error)).toEqual([
      null,
      'simple_function_checker:wrong_func_name',
      'type_error:simple',
    ])
    const underscored = await scoreFiles(files, true)
    expect(underscored.rows.map(({ valid }) => valid)).toEqual([false, true, false])
  })
})

describe('rates and the published total', () => {
  const answer = (category: string, id: string, isRight: boolean): unknown => ({ category, id, calls: isRight ? [hall] : [] })

  it('gives each category n, items, unanswered items and a Wilson interval', async () => {
    const { cells } = await scoreFiles({ 'a.jsonl': lines(answer('multiple', 'multiple_0', true)) })
    expect(cells.find(({ cell }) => cell === 'multiple')).toMatchObject({
      kind: 'category',
      n: 1,
      valid: 1,
      items: 2,
      unanswered: 1,
      accuracy: 1,
    })
    // 1 of 1: z² / (1 + z²) with z = 1.95996.
    expect(cells.find(({ cell }) => cell === 'multiple')?.interval?.[0]).toBeCloseTo(0.20655, 5)
  })

  it('says what is missing, and gives no total that lacks a part', async () => {
    const { cells, notes } = await scoreFiles({
      'a.jsonl': lines(answer('multiple', 'multiple_0', true), { category: 'multi_turn_base', id: 'multi_turn_base_0', calls: [] }),
    })
    const of = (name: string) => cells.find(({ cell }) => cell === name)
    expect(of('non_live')).toMatchObject({
      accuracy: null,
      weight: 10,
      missing: ['simple_python', 'simple_java', 'simple_javascript', 'parallel', 'parallel_multiple'],
    })
    expect([of('live')?.weight, of('irrelevance_detection')?.weight, of('multi_turn')?.weight, of('agentic')?.weight]).toEqual([
      10, 10, 30, 40,
    ])
    expect(of('overall')).toMatchObject({ accuracy: null, weight: 100, n: 1 })
    expect(of('overall')?.missing).toContain('memory_kv')
    expect(notes.join('\n')).toMatch(
      /multiple: 1 of 2 items have no answer[^]*Not answered: simple_python[^]*Python classes: multi_turn_base[^]*parts with 0 of its 100 percent/,
    )
  })

  it('weighs parts as the leaderboard does: categories alike in non-live and irrelevance, answers alike in live', async () => {
    const rows = [
      ...['simple_python_0', 'simple_java_0', 'simple_javascript_0', 'parallel_0', 'parallel_multiple_0'].map((id) =>
        answer(id.slice(0, -2), id, false),
      ),
      answer('multiple', 'multiple_0', true),
      ...['live_simple_0-0-0', 'live_parallel_0-0-0', 'live_parallel_multiple_0-0-0'].map((id) => answer(id.slice(0, -6), id, false)),
      ...[1, 2, 3].map(() => ({ category: 'live_multiple', id: 'live_multiple_0-0-0', calls: [{ write_card: { to: 'Ed', text: 'hi' } }] })),
      answer('irrelevance', 'irrelevance_0', false),
      answer('live_irrelevance', 'live_irrelevance_0-0-0', true),
    ]
    const { cells, notes } = await scoreFiles({ 'a.jsonl': lines(...rows) })
    const accuracyOf = (name: string) => cells.find(({ cell }) => cell === name)?.accuracy
    expect([accuracyOf('non_live'), accuracyOf('live'), accuracyOf('irrelevance_detection'), accuracyOf('overall')]).toEqual([
      0.25,
      0.5,
      0.5,
      null,
    ])
    expect(notes.join('\n')).toMatch(/2 further answers count like the first ones[^]*parts with 30 of its 100 percent/)
  })
})

describe('files that cannot be scored get one sentence with file, row and column', () => {
  it.each([
    ['no JSON', { 'a.jsonl': lines(answerTo('multiple_0'), 'oops') }, /^a.jsonl, row 2: expected a JSON object on one line, found "oops"/],
    ['no id', { 'a.jsonl': lines({ calls: [] }) }, /^a.jsonl, row 1, column id: expected string, found nothing\.$/],
    [
      'an id of another benchmark',
      { 'a.jsonl': lines({ id: 'g1_17', calls: [] }) },
      /^a.jsonl, row 1, column id: expected a category of BFCL version 4, found "g1_17"\.$/,
    ],
    [
      'an unknown category',
      { 'a.jsonl': lines({ id: 'multiple_0', category: 'rest', calls: [] }) },
      /row 1, column category: expected a category of BFCL version 4, found "rest"/,
    ],
    [
      'an unknown item',
      { 'a.jsonl': lines(answerTo('multiple_99')) },
      /row 1, column id: expected the id of one of the 2 items of multiple, found "multiple_99"\.$/,
    ],
    [
      'neither calls nor result',
      { 'a.jsonl': lines({ id: 'multiple_0', text: '' }) },
      /row 1: expected a column "result" or "calls", found only id, text\.$/,
    ],
    [
      'no answers',
      { 'a.txt': '', 'b.txt': '' },
      /^files: expected files named BFCL_v4_<category>_result.json or \*.jsonl, found 2 files with other names\.$/,
    ],
    [
      'the results of two models',
      { 'm1/BFCL_v4_multiple_result.json': '', 'm2/BFCL_v4_multiple_result.json': '' },
      /expected the answers of one model, found two files for multiple: m1\/.* and m2\/.*\. Name the folder of one model\.$/,
    ],
    [
      'a compressed file that is cut off',
      { 'a.jsonl.gz': Uint8Array.from(gzipSync('x'.repeat(10_000)).subarray(0, 20)) },
      /^a.jsonl.gz: expected a whole gzip file, found one that/,
    ],
  ])('%s', async (_, files, message) => {
    await expect(scoreFiles(files as Parameters<typeof scoreFiles>[0])).rejects.toThrow(message)
  })

  function answerTo(id: string): unknown {
    return { id, calls: [] }
  }
})
