/** The checker of BFCL's single-turn categories: verdict and kind of error of every answer, as bfcl-eval 2026.3.23 gives them. */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { FileTree } from '../../src/base/fileTree'
import { strPython } from '../../src/base/pythonRepr'
import type { PythonValue } from '../../src/base/pythonValue'
import { openFileTree } from '../../src/cli/node/fileTree'
import { singleTurnCategories } from '../../src/environments/bfcl/categories'
import { checkAnswer } from '../../src/environments/bfcl/checker/checkAnswer'
import type { Call } from '../../src/environments/bfcl/checker/checkCall'
import { readJavaLiteral } from '../../src/environments/bfcl/checker/javaLiterals'
import { readJavascriptLiteral } from '../../src/environments/bfcl/checker/javascriptLiterals'
import { readBfclData } from '../../src/environments/bfcl/items'
import { readRows, type Row } from '../../src/environments/bfcl/rows'
import { folderOfProject, treeOf } from '../support/files'

const text = (value: PythonValue | undefined): string => strPython(value ?? null)

function callsOf(calls: PythonValue): Call[] {
  return (calls as Map<string, Map<string, PythonValue>>[]).flatMap((call) =>
    [...call].map(([name, given]) => ({ name, arguments: given })),
  )
}

/** Rows on which our verdict or kind differs from the one in the row. */
async function disagreements(data: FileTree, rows: readonly Row[]): Promise<string[]> {
  const { items } = await readBfclData(data)
  const byId = new Map([...items.values()].flat().map((item) => [item.id, item]))
  return rows.flatMap(({ row, fields }) => {
    const item = byId.get(text(fields.id))
    const category = singleTurnCategories.find(({ name }) => name === fields.category)
    if (!item || !category) return [`row ${row}: no item ${text(fields.id)}`]
    const found = checkAnswer(item, category, { calls: callsOf(fields.calls ?? []) }, { underscoredNames: false })
    const isSame =
      (found === null) === fields.valid && (found === null || fields.error_type === 'exception' || found.kind === fields.error_type)
    return isSame ? [] : [`row ${row}: expected ${text(fields.error_type)}, found ${found?.kind ?? 'no error'}: ${found?.message ?? ''}`]
  })
}

const golden = readFileSync(new URL('../golden/bfcl_answers_golden.jsonl', import.meta.url), 'utf8')

describe('the checker agrees with bfcl-eval on answers to invented functions', () => {
  const rows = readRows('golden', golden)

  it('in verdict and kind of error, for every row', async () => {
    expect(rows.length).toBeGreaterThan(500)
    expect(await disagreements(await folderOfProject('test/fixtures/bfcl'), rows)).toEqual([])
  })

  it('over every kind of error that its checker has but two that need an empty list of right answers', () => {
    const kinds = new Set(rows.filter(({ fields }) => fields.valid === false).map(({ fields }) => text(fields.error_type)))
    for (const kind of ['java', 'js', 'nested', 'simple']) expect(kinds).toContain(`type_error:${kind}`)
    for (const kind of ['dict_key', 'dict_value', 'list/tuple', 'list_dict_count', 'others', 'string'])
      expect(kinds).toContain(`value_error:${kind}`)
    for (const kind of ['missing_optional', 'missing_required', 'unexpected_param', 'wrong_count', 'wrong_func_name'])
      expect(kinds).toContain(`simple_function_checker:${kind}`)
  })
})

const data = fileURLToPath(new URL('../../../shared/data/bfcl/bfcl_v4_data.zip', import.meta.url))
const answers = fileURLToPath(new URL('../../../shared/golden/bfcl/answers-1.jsonl.gz', import.meta.url))
const present = existsSync(data) && existsSync(answers)

describe.skipIf(!present)(
  `the benchmark's own items${present ? '' : ' (skipped: ../shared/data/bfcl or ../shared/golden/bfcl is not there)'}`,
  () => {
    it('agrees with bfcl-eval on all 7,503 answers, right and mutated', { timeout: 60_000 }, async () => {
      const rows = readRows('answers-1.jsonl.gz', gunzipSync(readFileSync(answers)).toString())
      expect(rows).toHaveLength(7503)
      expect(await disagreements(await openFileTree(data), rows)).toEqual([])
    })

    it('reads every single-turn category of the archive, and names those that need Python', { timeout: 60_000 }, async () => {
      const { items, inPython } = await readBfclData(await openFileTree(data))
      expect(Object.fromEntries([...items].map(([category, list]) => [category, list.length]))).toEqual({
        ...{
          simple_python: 400,
          simple_java: 100,
          simple_javascript: 50,
          multiple: 200,
          parallel: 200,
          parallel_multiple: 200,
          irrelevance: 240,
        },
        ...{
          live_simple: 258,
          live_multiple: 1053,
          live_parallel: 16,
          live_parallel_multiple: 24,
          live_irrelevance: 884,
          live_relevance: 16,
        },
      })
      expect(inPython).toContain('multi_turn_base')
      expect(inPython).toContain('memory_kv')
    })
  },
)

describe('what a model may write never stops or slows the checker', () => {
  it.each([
    ['arrays in arrays that do not end', `[[${'],['.repeat(20_000)}`],
    ['blanks in arrays', `[[1]${' '.repeat(20_000)},`],
    ['braces in objects', `{${'{'.repeat(20_000)}`],
  ])('JavaScript: %s', (_, text) => {
    const started = performance.now()
    expect(readJavascriptLiteral(text, 'array', 'integer')).toBeDefined()
    expect(readJavascriptLiteral(text, 'dict', null)).toBeDefined()
    expect(performance.now() - started).toBeLessThan(2000)
  })

  it.each([
    ['a map of blanks', `new HashMap<>() {{${' '.repeat(20_000)}`],
    ['a list of blanks', `new ArrayList<>() {{${' '.repeat(20_000)}`],
    ['many maps', 'new HashMap<>() {'.repeat(2000)],
  ])('Java: %s', (_, text) => {
    const started = performance.now()
    expect(readJavaLiteral(text, 'HashMap', null)).toBeDefined()
    expect(readJavaLiteral(text, 'ArrayList', 'String')).toBeDefined()
    expect(performance.now() - started).toBeLessThan(2000)
  })
})

describe('data that do not have the format are refused with file, row and column', () => {
  const question = { id: 'simple_python_0', question: [[{ role: 'user', content: 'Go.' }]], function: [] }
  const lines = (...rows: unknown[]): string => rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n')
  it.each([
    [
      'no such files',
      { 'notes.txt': '' },
      /^files: expected the data files of BFCL version 4, .*, found 1 other files, the first of them notes.txt\.$/,
    ],
    [
      'no right answers',
      { 'BFCL_v4_simple_python.json': lines(question) },
      /expected the right answers in possible_answer\/BFCL_v4_simple_python.json/,
    ],
    [
      'no JSON',
      { 'BFCL_v4_irrelevance.json': lines(question, '{"id": ') },
      /^BFCL_v4_irrelevance.json, row 2: expected a JSON object on one line, found/,
    ],
    [
      'another type',
      { 'BFCL_v4_irrelevance.json': lines({ ...question, question: 'Go.' }) },
      /row 1, column question: expected array, found "\\"Go.\\""\.$/,
    ],
    ['a missing column', { 'BFCL_v4_irrelevance.json': lines({ id: 'a' }) }, /row 1, column question: expected array, found nothing\.$/],
    [
      'an item without its answer',
      { 'BFCL_v4_multiple.json': lines(question), 'possible_answer/BFCL_v4_multiple.json': '' },
      /row 1, column id: expected an id that has a right answer in possible_answer\/, found "simple_python_0"\.$/,
    ],
  ])('%s', async (_, files, message) => {
    await expect(readBfclData(treeOf(files))).rejects.toThrow(message)
  })
})
