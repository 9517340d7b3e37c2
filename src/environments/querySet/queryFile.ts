/**
 * A user's queries: JSON lines, a CSV table, or a JSON list such as StableToolBench's solvable queries. A row has the query, and may have the tools of a
 * correct solution, accepted answers, an id, a group and a split.
 */
import Papa from 'papaparse'
import { z } from 'zod'
import { excerpt } from '../../base/excerpt'
import type { FileTree } from '../../base/fileTree'
import { toolbenchFunctionName } from '../../base/toolbenchNames'
import { EnvironmentError, type Query } from '../environment'

export const SPLITS = ['exam', 'practice', 'train', 'dev'] as const
export type QuerySplit = (typeof SPLITS)[number]

export interface AskedQuery {
  readonly query: Query
  /** Any of them is right; empty where nobody knows. */
  readonly answers: readonly string[]
}

const MAX_FILE_BYTES = 256 * 2 ** 20
const scalar = z.union([z.string(), z.number(), z.boolean()])
const textList = z.union([z.string(), z.array(z.string())])

const row = z.looseObject({
  query: z.string().trim().min(1, 'expected a question, found an empty text'),
  query_id: z.union([z.string(), z.number()]).nullish(),
  id: z.union([z.string(), z.number()]).nullish(),
  gold_tools: textList.nullish(),
  answer: z.union([scalar, z.array(scalar)]).nullish(),
  group: z.string().nullish(),
  split: z.enum(SPLITS).nullish(),
  /** StableToolBench: pairs of a tool and an API. */
  'relevant APIs': z.array(z.tuple([z.string(), z.string()]).rest(z.unknown())).nullish(),
})
type Row = z.output<typeof row>

/** Rejects with EnvironmentError, which names the file and the row. */
export async function readQueryFile(files: FileTree, path: string): Promise<AskedQuery[]> {
  const blob = await files.blob(path)
  if (!blob) throw new EnvironmentError('protocol', `${files.title} has no file ${path}.`)
  if (blob.size > MAX_FILE_BYTES)
    throw new EnvironmentError('protocol', `${path} has ${blob.size} bytes; a file of queries may have ${MAX_FILE_BYTES}.`)
  const text = (await blob.text()).replace(/^\ufeff/, '')
  const read = /\.csv$/i.test(path) ? csvRows(text) : text.trimStart().startsWith('[') ? jsonRows(text, path) : lineRows(text, path)
  if (read.length === 0) throw new EnvironmentError('protocol', `${path} has no queries.`)
  return askedQueries(read, path)
}

/** The file of queries in what the user gave. Rejects with EnvironmentError. @param named the path in the settings; '' where they name none. */
export async function queryFileIn(files: FileTree, named: string): Promise<string> {
  const paths = await files.paths()
  if (named !== '') return named
  const [only] = paths
  if (only !== undefined && paths.length === 1) return only
  const found = paths.filter((path) => /(^|\/)queries\.(jsonl|csv|json)$/.test(path))
  if (found.length === 1 && found[0] !== undefined) return found[0]
  const what = found.length === 0 ? 'no file queries.jsonl, queries.csv or queries.json' : `several files of queries: ${found.join(', ')}`
  throw new EnvironmentError('protocol', `${files.title} has ${what}; name the one to use in the setting "queries".`)
}

interface RawRow {
  /** As an editor or a spreadsheet counts. */
  readonly at: number
  readonly value: unknown
}

function lineRows(text: string, path: string): RawRow[] {
  return text
    .split('\n')
    .flatMap((line, index) => (line.trim() === '' ? [] : [{ at: index + 1, value: json(line, `${path}, line ${index + 1}`) }]))
}

function jsonRows(text: string, path: string): RawRow[] {
  return z
    .array(z.unknown())
    .parse(json(text, path))
    .map((value, index) => ({ at: index + 1, value }))
}

function csvRows(text: string): RawRow[] {
  const { data } = Papa.parse<Record<string, string>>(text, {
    header: true,
    skipEmptyLines: 'greedy',
    transformHeader: (name) => name.trim().toLowerCase(),
  })
  return data.map((cells, index) => ({
    at: index + 2,
    value: Object.fromEntries(
      Object.entries(cells).flatMap(([name, cell]) => (typeof cell === 'string' && cell.trim() !== '' ? [[name, cell]] : [])),
    ),
  }))
}

function json(text: string, place: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new EnvironmentError('protocol', `${place}: expected JSON, found ${excerpt(text.trim())}.`)
  }
}

function askedQueries(rows: readonly RawRow[], path: string): AskedQuery[] {
  const ids = new Map<string, number>()
  const splits = new Map<string, string>()
  return rows.map(({ at, value }, index) => {
    const fail = (what: string): EnvironmentError => new EnvironmentError('protocol', `${path}, row ${at}: ${what}`)
    const parsed = row.safeParse(value)
    if (!parsed.success) {
      const [issue] = parsed.error.issues
      throw fail(`${issue?.path.join('.') || 'the row'}: ${issue?.message ?? 'it does not fit'}.`)
    }
    const asked = askedQuery(parsed.data, index)
    const { query_id, text, split } = asked.query
    const other = ids.get(query_id)
    if (other !== undefined) throw fail(`the id ${excerpt(query_id)} is that of row ${other} too.`)
    ids.set(query_id, at)
    const asksAgain = splits.get(text)
    if (asksAgain !== undefined && asksAgain !== split)
      throw fail(`the split ${split} asks what the split ${asksAgain} asks too: ${excerpt(text)}.`)
    splits.set(text, split)
    return asked
  })
}

function askedQuery(given: Row, index: number): AskedQuery {
  const { query: text, answer } = given
  const pairs = given['relevant APIs'] ?? []
  return {
    query: {
      ...{ query_id: String(given.query_id ?? given.id ?? index), index, text, entities: [] },
      ...{ group: given.group ?? 'queries', split: given.split ?? 'exam' },
      goldTools: given.gold_tools ? names(given.gold_tools) : pairs.map(([tool, api]) => toolbenchFunctionName(tool, api)),
    },
    answers: answer === undefined || answer === null ? [] : (Array.isArray(answer) ? answer : [answer]).map(String),
  }
}

/** A list, a list as JSON, or names with semicolons between them. */
function names(given: string | readonly string[]): string[] {
  if (typeof given !== 'string') return [...given]
  if (given.trim().startsWith('[')) {
    try {
      return z.array(z.string()).parse(JSON.parse(given))
    } catch {
      // Then it is a name that begins with a bracket.
    }
  }
  return given
    .split(';')
    .map((name) => name.trim())
    .filter((name) => name !== '')
}
