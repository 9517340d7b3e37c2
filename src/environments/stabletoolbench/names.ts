/**
 * The names of ToolBench: how categories, tools and functions of RapidAPI become names that a model calls. The rules are ToolBench's,
 * with its oddities, because tools folders, caches and answer files are named by them.
 */

/** Kept: Chinese characters, `^`, Latin letters, digits and `_`. The `^` is an oversight in ToolBench's regular expression, and names depend on it. */
const NOT_KEPT = /[^\u4e00-\u9fa5^a-zA-Z0-9_]/gu

/** ToolBench's `standardize`. */
export function standardize(text: string): string {
  const name = text
    .replace(NOT_KEPT, '_')
    .replace(/_+/g, '_')
    .toLowerCase()
    .replace(/^_+|_+$/g, '')
  return /^[0-9]/.test(name) ? `get_${name}` : name
}

const PYTHON_WORDS: ReadonlySet<string> = new Set(['from', 'class', 'return', 'false', 'true', 'id', 'and'])

/** ToolBench's `change_name`: a name that is a word of Python's gets a prefix. */
const changeName = (name: string): string => (PYTHON_WORDS.has(name) ? `is_${name}` : name)

/** The name of a function or a parameter. */
export const standardName = (text: string): string => changeName(standardize(text))

/** The folder of a category in the response cache; `__` becomes `_` once, not until none is left. */
export const standardCategory = (category: string): string => category.replace(/[ ,/]/g, '_').replaceAll('__', '_')

/** The name under which a model calls an API. */
export const functionName = (api: string, standardTool: string): string => `${standardName(api)}_for_${standardTool}`

/** The names that a request of a tool server comes to. */
export interface PlacedCall {
  /** The category's folder in the response cache. */
  readonly category: string
  /** The tool's folder there: it ends in `_for_<category>`. */
  readonly tool: string
  /** The standardized name of the tool. */
  readonly standardTool: string
  /** The standardized name of the API, without the tool's. */
  readonly api: string
}

export function placeOf(request: { readonly category: string; readonly toolName: string; readonly apiName: string }): PlacedCall {
  const category = standardCategory(request.category)
  const ending = `_for_${category}`
  const { toolName } = request
  const standardTool = standardize(toolName.endsWith(ending) ? toolName.slice(0, -ending.length) : toolName)
  const api = standardName(request.apiName).split(`_for_${standardTool}`)[0] ?? ''
  return { category, tool: standardTool + ending, standardTool, api }
}
