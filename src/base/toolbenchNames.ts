/** The names of ToolBench's tools: RapidAPI's titles become names of functions, `Songkick concert` of `TheClique` becomes `songkick_concert_for_theclique`. */

/** Names that Python or ToolBench already has. */
const TAKEN = new Set(['from', 'class', 'return', 'false', 'true', 'id', 'and'])

/** `standardize` of ToolBench. It lets `^` stand, which its pattern means otherwise. */
export function standardToolName(title: string): string {
  const name = title
    .replaceAll(/[^\u4e00-\u9fa5^a-zA-Z0-9_]/g, '_')
    .replaceAll(/_+/g, '_')
    .toLowerCase()
    .replaceAll(/^_+|_+$/g, '')
  return /^[0-9]/.test(name) ? `get_${name}` : name
}

/** The name of an API or of a parameter: as above, and none that is taken. */
export function standardApiName(title: string): string {
  const name = standardToolName(title)
  return TAKEN.has(name) ? `is_${name}` : name
}

/** The name by which a model calls an API of a tool. */
export const toolbenchFunctionName = (tool: string, api: string): string => `${standardApiName(api)}_for_${standardToolName(tool)}`
