/**
 * The benchmark's items, read from the data files of the package `bfcl-eval` version 4: questions with their functions in
 * `BFCL_v4_<category>.json`, right answers in `possible_answer/` beside them. The package's own file (a wheel, which is a zip archive),
 * a folder or another archive of these files will do.
 */
import { z } from 'zod'
import type { FileTree } from '../../base/fileTree'
import { plainFromPython, type PythonValue } from '../../base/pythonValue'
import { Sha256 } from '../../base/sha256'
import { categories, hasAnswers, singleTurnCategories, type SingleTurnCategory } from './categories'
import { parseRow, readRows, RowError, type Row } from './rows'

const parameterDoc = z.looseObject({ type: z.string(), items: z.looseObject({ type: z.string().optional() }).optional() })
export type ParameterDoc = z.infer<typeof parameterDoc>

const functionDoc = z.object({
  name: z.string().min(1),
  description: z.string().default(''),
  parameters: z.looseObject({ properties: z.record(z.string(), parameterDoc), required: z.array(z.string()).default([]) }),
})

const questionRow = z.object({
  id: z.string().min(1),
  /** One list of messages for each turn. */
  question: z.array(z.array(z.object({ role: z.enum(['system', 'user', 'assistant']), content: z.string() })).min(1)).min(1),
  /** Questions that no function fits may have none. */
  function: z.array(functionDoc),
})

const pythonValue = z.custom<PythonValue>(() => true)
const answerRow = z.object({
  id: z.string().min(1),
  ground_truth: z.array(z.map(z.string(), z.map(z.string(), z.array(pythonValue)))).min(1),
})

export interface FunctionDoc {
  readonly name: string
  readonly description: string
  readonly parameters: { readonly properties: ReadonlyMap<string, ParameterDoc>; readonly required: readonly string[] }
}

/** A call that is right: for each parameter the values that are right; `""` among them says that the parameter may be left out. */
export interface RightCall {
  readonly name: string
  readonly arguments: ReadonlyMap<string, readonly PythonValue[]>
}

export interface BfclItem {
  readonly id: string
  readonly category: string
  readonly messages: readonly { readonly role: 'system' | 'user' | 'assistant'; readonly content: string }[]
  readonly functions: readonly FunctionDoc[]
  /** Empty where the category has no right answers. */
  readonly answer: readonly RightCall[]
}

export interface BfclData {
  /** Items by category, in the files' order; categories without a file are absent. */
  readonly items: ReadonlyMap<string, readonly BfclItem[]>
  /** Categories that are in the files and can only be judged in Python. */
  readonly inPython: readonly string[]
  /** Of the files that were read. */
  readonly sha256: string
}

/** Throws a RowError for a row that does not have the format, an Error when a file is missing. */
export async function readBfclData(files: FileTree): Promise<BfclData> {
  const paths = await files.paths()
  const source: Source = { files, paths, hash: new Sha256() }
  const items = new Map<string, readonly BfclItem[]>()
  for (const category of singleTurnCategories) {
    const path = questionsPath(paths, category.name)
    if (path !== null) items.set(category.name, await readCategory(source, category, path))
  }
  const inPython = categories.filter(({ check, name }) => check === null && questionsPath(paths, sharedFile(name)) !== null)
  if (items.size === 0 && inPython.length === 0)
    throw new Error(
      `${files.title}: expected the data files of BFCL version 4, such as BFCL_v4_simple_python.json, found ${
        paths.length === 0 ? 'no files' : `${paths.length} other files, the first of them ${String(paths[0])}`
      }.`,
    )
  return { items, inPython: inPython.map(({ name }) => name), sha256: source.hash.hex() }
}

/** Several agentic categories ask the questions of one file. */
const sharedFile = (name: string): string => /^(web_search|memory)_/.exec(name)?.[1] ?? name

const isAnswers = (path: string): boolean => /(^|\/)possible_answer\//.test(path)
const isNamed = (path: string, name: string): boolean => path === name || path.endsWith(`/${name}`)

function questionsPath(paths: readonly string[], category: string): string | null {
  return paths.find((path) => isNamed(path, `BFCL_v4_${category}.json`) && !isAnswers(path)) ?? null
}

interface Source {
  readonly files: FileTree
  readonly paths: readonly string[]
  /** Every text that is read is added to it. */
  readonly hash: Sha256
}

async function readCategory(source: Source, category: SingleTurnCategory, path: string): Promise<BfclItem[]> {
  const answers = hasAnswers(category) ? await readAnswers(source, category.name) : null
  return (await rowsOf(source, path)).map((row) => {
    const plain = Object.fromEntries(Object.entries(row.fields).map(([key, value]) => [key, plainFromPython(value)]))
    const { id, question, function: functions } = parseRow(row, questionRow, plain)
    const answer = answers?.get(id)
    if (answers !== null && answer === undefined)
      throw new RowError(row, 'id', `an id that has a right answer in possible_answer/`, `"${id}"`)
    return {
      ...{ id, category: category.name, messages: question[0] ?? [] },
      functions: functions.map(({ name, description, parameters: { properties, required } }) => ({
        ...{ name, description },
        parameters: { properties: new Map(Object.entries(properties)), required },
      })),
      answer: answer ?? [],
    }
  })
}

async function readAnswers(source: Source, category: string): Promise<ReadonlyMap<string, readonly RightCall[]>> {
  const { files, paths } = source
  const name = `BFCL_v4_${category}.json`
  const path = paths.find((candidate) => isAnswers(candidate) && isNamed(candidate, name))
  if (path === undefined) throw new Error(`${files.title}: expected the right answers in possible_answer/${name}, found no such file.`)
  return new Map(
    (await rowsOf(source, path)).map((row) => {
      const { id, ground_truth } = parseRow(row, answerRow)
      return [id, ground_truth.map((call, index) => rightCall(call, index, row))]
    }),
  )
}

function rightCall(call: ReadonlyMap<string, ReadonlyMap<string, readonly PythonValue[]>>, index: number, row: Row): RightCall {
  const [only, ...others] = call
  if (only === undefined || others.length > 0)
    throw new RowError(row, `ground_truth.${index}`, 'an object with one function', `${call.size} functions`)
  return { name: only[0], arguments: only[1] }
}

async function rowsOf({ files, hash }: Source, path: string): Promise<Row[]> {
  const blob = await files.blob(path)
  if (blob === null) throw new Error(`${files.title}: expected the file ${path}, found that it can no longer be read.`)
  const text = await blob.text()
  hash.update(text)
  return readRows(path, text)
}
