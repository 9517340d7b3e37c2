/** The tools folder: `tools/<Category>/<tool>.json`, what RapidAPI says of each tool and its APIs. */
import type { FileTree } from '../../base/fileTree'
import type { PythonDict, PythonValue } from '../../base/pythonValue'
import { FolderFileError, listAt, readDict, textAt } from './folderFile'
import { standardApiName, standardToolName } from '../../base/toolbenchNames'
import { standardCategory } from './names'

export interface ApiDoc {
  readonly name: string
  readonly description: string
  /** As the file has them. */
  readonly required: PythonValue
  readonly optional: PythonValue
}

export interface ToolDoc {
  readonly category: string
  readonly name: string
  readonly description: string
  readonly apis: readonly ApiDoc[]
}

export interface ToolDocs {
  /** The tool of a category, both by any spelling of their names; null when the folder has none. */
  tool(category: string, tool: string): Promise<ToolDoc | null>
  /** Categories and files, without reading any file. */
  listing(): Promise<readonly { readonly category: string; readonly tool: string }[]>
}

const TOOL_FILE = /(?:^|\/)([^/]+)\/([^/]+)\.json$/
/** Folders that stand beside the tools in a copy of the repository, and hold no tools. */
const OTHER_FOLDERS = /(?:^|\/)(?:tool_response_cache|solvable_queries|test_instruction|test_query_ids|answer)\//

/** @param onProblem receives one sentence for each file that cannot be read. */
export function toolDocs(tree: FileTree, onProblem: (sentence: string) => void = () => undefined): ToolDocs {
  let index: Promise<ReadonlyMap<string, { readonly path: string; readonly category: string; readonly tool: string }>> | null = null
  const read = new Map<string, Promise<ToolDoc | null>>()
  const indexed = (): NonNullable<typeof index> => (index ??= indexOf(tree))

  async function load(path: string, category: string): Promise<ToolDoc | null> {
    try {
      const dict = await readDict(tree, path)
      return dict === null ? null : docOf(dict, category)
    } catch (error) {
      if (!(error instanceof FolderFileError)) throw error
      onProblem(error.message)
      return null
    }
  }

  return {
    tool: async (category, tool) => {
      const found = (await indexed()).get(keyOf(category, tool))
      if (!found) return null
      const known = read.get(found.path) ?? load(found.path, found.category)
      read.set(found.path, known)
      return known
    },
    listing: async () => [...(await indexed()).values()].map(({ category, tool }) => ({ category, tool })),
  }
}

const keyOf = (category: string, tool: string): string => `${standardCategory(category).toLowerCase()}/${standardToolName(tool)}`

async function indexOf(tree: FileTree): Promise<Map<string, { path: string; category: string; tool: string }>> {
  const paths = await tree.paths()
  const inTools = paths.filter((path) => /(?:^|\/)tools\//.test(path))
  const index = new Map<string, { path: string; category: string; tool: string }>()
  for (const path of inTools.length > 0 ? inTools : paths) {
    const [, category, tool] = TOOL_FILE.exec(path) ?? []
    if (category === undefined || tool === undefined || OTHER_FOLDERS.test(path)) continue
    index.set(keyOf(category, tool), { path, category, tool })
  }
  return index
}

const docOf = (dict: PythonDict, category: string): ToolDoc => ({
  category,
  name: textAt(dict, 'tool_name'),
  description: textAt(dict, 'tool_description'),
  apis: listAt(dict, 'api_list')
    .filter((api) => api instanceof Map)
    .map((api) => ({
      name: textAt(api, 'name'),
      description: textAt(api, 'description'),
      required: api.get('required_parameters') ?? [],
      optional: api.get('optional_parameters') ?? [],
    })),
})

/** The API by its standardized name. */
export const apiOf = (doc: ToolDoc | null, api: string): ApiDoc | null =>
  doc?.apis.find(({ name }) => standardApiName(name) === api) ?? null
