/**
 * The multi-turn items of the Berkeley Function Calling Leaderboard, version 4, and what they run in: the API classes of the package `bfcl_eval`,
 * their documentation and the right calls. Everything is read from the user's own copy of the package: its wheel, which is a zip archive, or a
 * folder of the same layout.
 */
import { z } from 'zod'
import { excerpt } from '../../base/excerpt'
import type { FileTree } from '../../base/fileTree'
import type { ToolSpec } from '../../records/trajectory'
import { EnvironmentError } from '../environment'
import { toolOfDocument, type ToolDocument } from './toolDocuments'

export const MULTI_TURN_CATEGORIES = ['base', 'miss_func', 'miss_param', 'long_context'] as const
export type MultiTurnCategory = (typeof MULTI_TURN_CATEGORIES)[number]

const entryRow = z.object({
  id: z.string().min(1),
  question: z.array(z.array(z.object({ role: z.string(), content: z.string() }))).min(1),
  involved_classes: z.array(z.string()).min(1),
  initial_config: z.record(z.string(), z.unknown()),
  /** Turn → names of the functions that are documented from this turn on. */
  missed_function: z.record(z.string(), z.array(z.string())).default({}),
})

const truthRow = z.object({ id: z.string().min(1), ground_truth: z.array(z.array(z.string())) })

const documentRow = z.object({
  name: z.string().min(1),
  description: z.string().default(''),
  parameters: z.looseObject({ properties: z.record(z.string(), z.unknown()), required: z.array(z.string()).default([]) }),
})

export interface MultiTurnItem {
  readonly id: string
  readonly category: MultiTurnCategory
  /** Names of the API classes that it runs in. */
  readonly classes: readonly string[]
  /** What the user says in each turn; null where new functions are documented instead. */
  readonly turns: readonly (string | null)[]
  /** The tools of the first turn. */
  readonly tools: readonly ToolSpec[]
  /** Tools that a turn adds. */
  readonly later: ReadonlyMap<number, readonly ToolSpec[]>
  /** The right calls of each turn, as Python expressions. */
  readonly rightCalls: readonly (readonly string[])[]
  /** The rows of the files, as they were written: Python tells 1 from 1.0, which JavaScript does not. */
  readonly entryText: string
  readonly truthText: string
}

export interface MultiTurnData {
  readonly items: readonly MultiTurnItem[]
  /** The package's modules that items run in, by name. */
  readonly sources: Readonly<Record<string, string>>
}

const MODULES = 'bfcl_eval/eval_checker/multi_turn_eval/func_source_code/'
const CLASS_LIST = 'bfcl_eval/constants/executable_backend_config.py'
const DOCUMENTS = 'bfcl_eval/data/multi_turn_func_doc/'

/** Rejects with an EnvironmentError that names the file, the row and the column. */
export async function readMultiTurnData(files: FileTree): Promise<MultiTurnData> {
  const sources = await readSources(files)
  const documentsOf = documentReader(files, sources[moduleName(CLASS_LIST)] ?? '')
  const items: MultiTurnItem[] = []
  for (const category of MULTI_TURN_CATEGORIES) {
    const name = `BFCL_v4_multi_turn_${category}.json`
    const entries = await rowsOf(files, `bfcl_eval/data/${name}`, entryRow)
    if (entries === null) continue
    const truths = await rowsOf(files, `bfcl_eval/data/possible_answer/${name}`, truthRow)
    const truthById = new Map((truths ?? []).map((row) => [row.value.id, row]))
    for (const entry of entries) {
      const truth = truthById.get(entry.value.id)
      if (!truth) fail(entry.place, 'id', 'an id that has right calls in possible_answer/', excerpt(entry.value.id))
      const documents = await documentsOf(entry.value.involved_classes, entry.place)
      items.push(itemOf(category, entry, truth, documents))
    }
  }
  if (items.length === 0)
    throw new EnvironmentError(
      'unavailable',
      `${files.title}: expected the package bfcl_eval with its file data/BFCL_v4_multi_turn_base.json, found no such file.`,
    )
  return { items, sources }
}

interface Read<T> {
  readonly value: T
  readonly text: string
  readonly place: string
}

type Entry = Read<z.output<typeof entryRow>>

function itemOf(
  category: MultiTurnCategory,
  { value, text, place }: Entry,
  truth: Read<z.output<typeof truthRow>>,
  documents: readonly ToolDocument[],
): MultiTurnItem {
  const isMissed = new Set(Object.values(value.missed_function).flat())
  const later = Object.entries(value.missed_function).map(([turn, names]) => {
    if (value.question[Number(turn)] === undefined) fail(place, 'missed_function', 'the number of a turn', excerpt(turn))
    return [Number(turn), documents.filter(({ name }) => names.includes(name)).map(toolOfDocument)] as const
  })
  return {
    ...{ id: value.id, category, classes: value.involved_classes },
    ...{ entryText: text, truthText: truth.text, rightCalls: truth.value.ground_truth },
    turns: value.question.map((messages) => (messages.length === 0 ? null : messages.map(({ content }) => content).join('\n\n'))),
    tools: documents.filter(({ name }) => !isMissed.has(name)).map(toolOfDocument),
    later: new Map(later),
  }
}

function fail(place: string, column: string, expected: string, found: string): never {
  throw new EnvironmentError('unavailable', `${place}, column ${column}: expected ${expected}, found ${found}.`)
}

/** null when there is no such file. */
async function rowsOf<Schema extends z.ZodType>(files: FileTree, path: string, schema: Schema): Promise<Read<z.output<Schema>>[] | null> {
  const text = await (await files.blob(path))?.text()
  if (text === undefined) return null
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return []
    const place = `${files.title}: ${path}, row ${index + 1}`
    const parsed = schema.safeParse(readJson(line, place))
    if (parsed.success) return [{ value: parsed.data, text: line, place }]
    const [issue] = parsed.error.issues
    return fail(place, (issue?.path ?? []).map(String).join('.'), 'a row of BFCL version 4', issue?.message ?? 'another')
  })
}

function readJson(line: string, place: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    throw new EnvironmentError('unavailable', `${place}: expected a JSON object on one line, found ${excerpt(line)}.`)
  }
}

const moduleName = (path: string): string => path.replace(/\.py$/, '').replaceAll('/', '.')

async function readSources(files: FileTree): Promise<Record<string, string>> {
  const sources: Record<string, string> = {}
  for (const path of (await files.paths()).filter((name) => name === CLASS_LIST || (name.startsWith(MODULES) && name.endsWith('.py'))))
    sources[moduleName(path)] = (await (await files.blob(path))?.text()) ?? ''
  if (sources[moduleName(CLASS_LIST)] === undefined)
    throw new EnvironmentError('unavailable', `${files.title}: expected the package bfcl_eval with ${CLASS_LIST}, found no such file.`)
  return sources
}

/** The documents of classes, each file read once. The package's list of classes says which file documents which class. */
function documentReader(files: FileTree, classList: string) {
  const read = new Map<string, Promise<readonly ToolDocument[]>>()
  async function documentsOfClass(name: string, place: string): Promise<readonly ToolDocument[]> {
    const file = new RegExp(`["']${name.replaceAll(/\W/g, '')}["']\\s*:\\s*["']([\\w./-]+\\.json)["']`).exec(classList)?.[1]
    if (file === undefined) return fail(place, 'involved_classes', 'names of classes that the package lists', excerpt(name))
    const rows = await rowsOf(files, `${DOCUMENTS}${file}`, documentRow)
    if (rows === null) return fail(place, 'involved_classes', `a class with the document ${DOCUMENTS}${file}`, 'no such file')
    return rows.map(({ value }) => value)
  }
  return async (classes: readonly string[], place: string): Promise<readonly ToolDocument[]> => {
    const found: ToolDocument[] = []
    for (const name of classes) {
      const documents = read.get(name) ?? documentsOfClass(name, place)
      read.set(name, documents)
      found.push(...(await documents))
    }
    return found
  }
}
