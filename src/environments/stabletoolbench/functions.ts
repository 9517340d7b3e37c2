/** The functions that a model is given for a query's `api_list`: ToolBench's `api_json_to_openai_json`. */
import { strPython } from '../../base/pythonRepr'
import { plainFromPython, type PythonDict } from '../../base/pythonValue'
import { toolOfFunction } from '../../records/toolbenchTools'
import type { ToolSpec } from '../../records/trajectory'
import { dict, firstCharacters, listAt, textAt } from './folderFile'
import { standardApiName, standardToolName, toolbenchFunctionName } from '../../base/toolbenchNames'

export interface FunctionOptions {
  /** The release shows optional parameters only beside required ones. Default: all. */
  readonly optionalOnlyWithRequired?: boolean
  /** Whether `required` and `optional` begin with an empty name, as StepTool writes them. Default true. */
  readonly emptyNames?: boolean
  /** Only so many characters from the end of a name. Default: all. */
  readonly nameLength?: number | undefined
}

/** One API that a query offers. */
export interface OfferedApi {
  readonly category: string
  /** The standardized name of the tool. */
  readonly tool: string
  /** The standardized name of the API. */
  readonly api: string
  /** `{"name", "description", "parameters"}` as the release writes it. */
  readonly function: PythonDict
}

const MAX_DESCRIPTION = 256
const TYPES: Readonly<Record<string, string>> = { NUMBER: 'integer', STRING: 'string', BOOLEAN: 'boolean' }

/** @param api an entry of a query's `api_list`. */
export function offeredApi(api: PythonDict, options: FunctionOptions = {}): OfferedApi {
  const tool = standardToolName(textAt(api, 'tool_name'))
  const title = textAt(api, 'api_name')
  const name = lastCharacters(toolbenchFunctionName(tool, title), options.nameLength)
  const described = textAt(api, 'api_description')
  const known = title === '' ? described.trim() : described.trim().replaceAll(title, name)
  const said = known === '' ? '' : `The description of this function is: "${firstCharacters(known, MAX_DESCRIPTION)}"`
  return {
    category: textAt(api, 'category_name'),
    tool,
    api: standardApiName(title),
    function: dict({
      name,
      description: `This is the subfunction for tool "${tool}", you can use this tool.${said}`,
      parameters: parametersOf(api, options),
    }),
  }
}

/** StableToolBench keeps the last 64, because OpenAI's servers take no longer names. */
export const lastCharacters = (name: string, count: number | undefined): string => (count === undefined ? name : name.slice(-count))

function parametersOf(api: PythonDict, { optionalOnlyWithRequired = false, emptyNames = true }: FunctionOptions): PythonDict {
  const required = listAt(api, 'required_parameters').filter((item) => item instanceof Map)
  const optional = listAt(api, 'optional_parameters').filter((item) => item instanceof Map)
  const shown = optionalOnlyWithRequired && required.length === 0 ? [] : optional
  const properties: PythonDict = new Map([...required, ...shown].map((parameter) => [nameOf(parameter), property(parameter)]))
  const empty = emptyNames ? [''] : []
  return dict({
    type: 'object',
    properties,
    required: [...empty, ...required.map(nameOf)],
    optional: [...empty, ...shown.map(nameOf)],
  })
}

const nameOf = (parameter: PythonDict): string => standardApiName(textAt(parameter, 'name'))

function property(parameter: PythonDict): PythonDict {
  const example = parameter.get('default') ?? null
  return dict({
    type: TYPES[textAt(parameter, 'type')] ?? 'string',
    description: firstCharacters(textAt(parameter, 'description'), MAX_DESCRIPTION),
    ...(parameter.has('default') && strPython(example) !== '' ? { example_value: example } : {}),
  })
}

/** The function as a tool of an episode. */
export function toolSpecOf({ function: fn, category }: OfferedApi): ToolSpec {
  const tool = toolOfFunction(plainFromPython(fn), category)
  if (tool === null) throw new Error(`${textAt(fn, 'name')} is no function.`)
  return tool
}
