/** The solvable queries: `test_instruction/<set>.json` with the APIs that each query offers, and the ids that count in `test_query_ids/<set>.json`. */
import type { FileTree } from '../../base/fileTree'
import { PythonJsonError, pythonFromJson, strPython } from '../../base/pythonRepr'
import type { PythonDict, PythonValue } from '../../base/pythonValue'
import { EnvironmentError, type Query } from '../environment'
import { lastCharacters } from './functions'
import { dictOf, listAt, textAt } from './folderFile'
import { toolbenchFunctionName } from '../../base/toolbenchNames'

export interface SolvableQuery {
  readonly query: Query
  /** The entries of its `api_list`. */
  readonly apis: readonly PythonDict[]
}

/** The sets of the release in their usual order; others follow by name. */
const SETS = ['G1_instruction', 'G1_category', 'G1_tool', 'G2_instruction', 'G2_category', 'G3_instruction']
const SET_FILE = /(?:^|\/)test_instruction\/([^/]+)\.json$/

/** Every set of the tree, with the relevant APIs by their functions' names, of which only so many characters may be kept. Throws an EnvironmentError for a file that holds something else. */
export async function readQueries(tree: FileTree, nameLength?: number): Promise<ReadonlyMap<string, readonly SolvableQuery[]>> {
  const paths = await tree.paths()
  const found = paths.flatMap((path) => {
    const set = SET_FILE.exec(path)?.[1]
    return set === undefined ? [] : [{ set, path }]
  })
  found.sort((a, b) => placeOf(a.set) - placeOf(b.set) || (a.set < b.set ? -1 : 1))
  const sets = new Map<string, readonly SolvableQuery[]>()
  const taken = new Set<string>()
  let index = 0
  for (const { set, path } of found) {
    const ids = await idsOf(tree, path.replace(/test_instruction(?=\/[^/]+$)/, 'test_query_ids'))
    const queries: SolvableQuery[] = []
    for (const [place, item] of (await listIn(tree, path)).entries()) {
      const read = readQuery(item, { set, index, taken, nameLength, where: `${tree.title}, ${path}, query ${place + 1}` })
      if (ids !== null && !ids.has(read.id)) continue
      taken.add(read.solvable.query.query_id)
      queries.push(read.solvable)
      index += 1
    }
    sets.set(set, queries)
  }
  return sets
}

const placeOf = (set: string): number => (SETS.includes(set) ? SETS.indexOf(set) : SETS.length)

/** ToolBench's names of the sets: G1 is I1, tools of one kind; G2 and G3 combine tools. */
const groupOf = (set: string): string => set.replace(/^G(\d)_/, 'I$1-')

async function listIn(tree: FileTree, path: string): Promise<PythonValue[]> {
  const text = (await (await tree.blob(path))?.text()) ?? ''
  try {
    const value = pythonFromJson(text)
    if (Array.isArray(value)) return value
  } catch (error) {
    if (!(error instanceof PythonJsonError)) throw error
  }
  throw new EnvironmentError('protocol', `${tree.title}, ${path}: expected a JSON list of queries, found something else.`)
}

/** null when there is no such file: every query counts. */
async function idsOf(tree: FileTree, path: string): Promise<ReadonlySet<string> | null> {
  const text = await (await tree.blob(path))?.text()
  if (text === undefined) return null
  const dict = dictOf(text)
  if (dict === null)
    throw new EnvironmentError('protocol', `${tree.title}, ${path}: expected a JSON object whose keys are query ids, found something else.`)
  return new Set([...dict.keys()].map(String))
}

interface ReadingPlace {
  readonly set: string
  readonly index: number
  readonly taken: ReadonlySet<string>
  readonly where: string
  readonly nameLength: number | undefined
}

function readQuery(
  item: PythonValue,
  { set, index, taken, where, nameLength }: ReadingPlace,
): { readonly id: string; readonly solvable: SolvableQuery } {
  const fail = (expected: string): never => {
    throw new EnvironmentError('protocol', `${where}: expected ${expected}, found something else.`)
  }
  if (!(item instanceof Map)) return fail('an object')
  const number = item.get('query_id')
  if (typeof number !== 'number' && typeof number !== 'string' && typeof number !== 'bigint') return fail('query_id, a whole number')
  const text = textAt(item, 'query')
  const apis = listAt(item, 'api_list').filter((api) => api instanceof Map)
  if (text === '' || apis.length === 0) return fail('query, a text, and api_list, a list of APIs')
  const id = String(number)
  const gold = listAt(item, 'relevant APIs').flatMap((pair) =>
    Array.isArray(pair) && pair.length >= 2 ? [lastCharacters(goldName(pair), nameLength)] : [],
  )
  const query: Query = {
    // Ids of the release are unique; a set of one's own may use one again.
    query_id: taken.has(id) ? `${set}/${id}` : id,
    ...{ index, text, group: groupOf(set), split: 'exam', goldTools: [...new Set(gold)], entities: [] },
  }
  return { id, solvable: { query, apis } }
}

const goldName = ([tool = '', api = '']: readonly PythonValue[]): string => toolbenchFunctionName(strPython(tool), strPython(api))
