/** Where the calls of a tool server are kept: the names of ToolBench's folders. */
import { standardApiName, standardToolName } from '../../base/toolbenchNames'

/** The folder of a category in the response cache; `__` becomes `_` once, not until none is left. */
export const standardCategory = (category: string): string => category.replace(/[ ,/]/g, '_').replaceAll('__', '_')

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
  const standardTool = standardToolName(toolName.endsWith(ending) ? toolName.slice(0, -ending.length) : toolName)
  const api = standardApiName(request.apiName).split(`_for_${standardTool}`)[0] ?? ''
  return { category, tool: standardTool + ending, standardTool, api }
}
