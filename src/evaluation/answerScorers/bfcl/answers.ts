/**
 * Answers to BFCL items, read from the benchmark's own result files (`BFCL_v4_<category>_result.json`: lines of `{id, result}`) or from
 * JSON lines `{category, id, calls: [{name: {arguments}}]}`, plain or compressed.
 */
import { z } from 'zod'
import { excerpt } from '../../../base/excerpt'
import type { FileTree } from '../../../base/fileTree'
import { pythonFromJson, PythonJsonError, strPython } from '../../../base/pythonRepr'
import type { PythonValue } from '../../../base/pythonValue'
import { textOfBlob } from '../../../data/files/textOfBlob'
import { categoryNamed, categoryOfId, type Category, type Language } from '../../../environments/bfcl/categories'
import type { DecodedAnswer } from '../../../environments/bfcl/checker/checkAnswer'
import type { Call } from '../../../environments/bfcl/checker/checkCall'
import { finding } from '../../../environments/bfcl/checker/finding'
import { parseRow, readRows, RowError, type Row } from '../../../environments/bfcl/rows'
import { callsOfText } from './callsOfText'

export interface GivenAnswer {
  readonly row: Row
  readonly id: string
  readonly category: Category
  readonly decode: (language: Language) => DecodedAnswer
}

const RESULT_FILE = /(?:^|\/)BFCL_v4_(\w+?)_result\.jsonl?(?:\.gz)?$/
const LINES_FILE = /\.jsonl(?:\.gz)?$/

/** Throws a RowError for a row in neither format, an Error when there is no file of answers or two answer one category. */
export async function readAnswers(files: FileTree): Promise<GivenAnswer[]> {
  const paths = await files.paths()
  const chosen = paths.length === 1 ? paths : paths.filter((path) => RESULT_FILE.test(path) || LINES_FILE.test(path))
  if (chosen.length === 0)
    throw new Error(
      `${files.title}: expected files named BFCL_v4_<category>_result.json or *.jsonl, found ${paths.length === 0 ? 'no files' : `${paths.length} files with other names`}.`,
    )
  refuseTwoModels(files.title, chosen)
  const answers: GivenAnswer[] = []
  for (const path of chosen) {
    const blob = await files.blob(path)
    if (blob === null) throw new Error(`${files.title}: expected the file ${path}, found that it can no longer be read.`)
    const named = RESULT_FILE.exec(path)?.[1] ?? null
    for (const row of readRows(path, await textOfBlob(blob, path))) answers.push(answerOf(row, named))
  }
  return answers
}

/** A folder of several models' results would be scored as if one model had answered everything twice. */
function refuseTwoModels(title: string, paths: readonly string[]): void {
  const known = new Map<string, string>()
  for (const path of paths) {
    const category = RESULT_FILE.exec(path)?.[1]
    if (category === undefined) continue
    const other = known.get(category)
    if (other !== undefined)
      throw new Error(
        `${title}: expected the answers of one model, found two files for ${category}: ${other} and ${path}. Name the folder of one model.`,
      )
    known.set(category, path)
  }
}

const identified = z.object({ id: z.string().min(1), category: z.string().min(1).optional() })

function answerOf(row: Row, named: string | null): GivenAnswer {
  const { id, category: given } = parseRow(row, identified)
  const name = given ?? named ?? categoryOfId(id)
  const category = categoryNamed(name)
  if (category === null)
    throw new RowError(row, given === undefined ? 'id' : 'category', 'a category of BFCL version 4', excerpt(given ?? id))
  const { calls, result } = row.fields
  if (calls !== undefined) return { row, id, category, decode: () => decodeCalls(calls, (value) => value) }
  if (result === undefined) throw new RowError(row, null, 'a column "result" or "calls"', `only ${Object.keys(row.fields).join(', ')}`)
  return { row, id, category, decode: (language) => decodeResult(result, language) }
}

/** A result is the text of a model that was prompted, or the calls of a model that has a format for them, arguments as JSON text or as an object. */
function decodeResult(result: PythonValue, language: Language): DecodedAnswer {
  if (typeof result === 'string') return callsOfText(result, language)
  try {
    return decodeCalls(result, (value) => (typeof value === 'string' ? pythonFromJson(value) : value))
  } catch (error) {
    if (!(error instanceof PythonJsonError)) throw error
    return { calls: null, fault: finding('ast_decoder:decoder_failed', `Expected arguments as a JSON object. ${error.message}`) }
  }
}

function decodeCalls(given: PythonValue, argumentsOf: (value: PythonValue) => PythonValue): DecodedAnswer {
  const wrong = (found: string): DecodedAnswer => ({
    calls: null,
    fault: finding(
      'ast_decoder:decoder_wrong_output_format',
      `Expected a list of calls such as [{"name": {"argument": 1}}], found ${found}.`,
    ),
  })
  if (!Array.isArray(given)) return wrong('no list')
  const calls: Call[] = []
  for (const call of given) {
    const [entry, ...others] = call instanceof Map ? call : []
    if (entry === undefined || others.length > 0) return wrong('an entry that is not one function with its arguments')
    const values = argumentsOf(entry[1])
    if (!(values instanceof Map)) return wrong('arguments that are no object')
    calls.push({ name: strPython(entry[0]), arguments: new Map([...values].map(([key, value]) => [strPython(key), value])) })
  }
  return { calls }
}
