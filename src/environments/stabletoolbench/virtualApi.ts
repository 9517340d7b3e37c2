/** `POST /virtual`: the contract of StableToolBench's server, which its clients and StepTool's speak. */
import { dumpsPython } from '../../base/pythonJson'
import { PythonJsonError, pythonFromJson } from '../../base/pythonRepr'
import { pythonFromPlain, type PythonDict, type PythonValue } from '../../base/pythonValue'
import { dict, textAt } from './folderFile'
import { placeOf } from './names'
import { errorReply, readToolInput, type ServedReply, type ToolServer } from './toolServer'

/** An answer of the server: the status and a JSON text. */
export interface VirtualAnswer {
  readonly status: number
  readonly body: string
}

export type VirtualApi = (body: unknown, signal?: AbortSignal) => Promise<VirtualAnswer>

const FIELDS = ['category', 'tool_name', 'api_name', 'tool_input', 'strip', 'toolbench_key'] as const
/** What the server says to a call whose arguments are no JSON. */
export const INPUT_PARSE_ERROR = 'Tool input parse error...\n'

/**
 * Answers one request. Its body may be the JSON text, which keeps `1.0` apart from `1` as the cache's keys do, or parsed JSON.
 * @param heard receives the source of each reply.
 */
export function virtualApi(server: ToolServer, heard: (served: ServedReply) => void = () => undefined): VirtualApi {
  return async (body, signal) => {
    const read = typeof body === 'string' ? parsed(body) : pythonFromPlain(body)
    if (read === undefined) return answer(422, dict({ detail: [problem('json_invalid', [], 'JSON decode error', new Map())] }))
    if (!(read instanceof Map))
      return answer(
        422,
        dict({
          detail: [problem('model_attributes_type', [], 'Input should be a valid dictionary or object to extract fields from', read)],
        }),
      )
    const problems = problemsOf(read)
    if (problems.length > 0) return answer(422, dict({ detail: problems }))
    const [category, toolName, apiName] = [textAt(read, 'category'), textAt(read, 'tool_name'), textAt(read, 'api_name')]
    if (placeOf({ category, toolName, apiName }).api === 'chat_with_user')
      return answer(200, dict({ error: '', response: 'Chat with user.' }))
    const input = readToolInput(read.get('tool_input') ?? '')
    if (input === null) return answer(200, errorReply(INPUT_PARSE_ERROR))
    const result = await server.call({ category, toolName, apiName, input, strip: textAt(read, 'strip') }, signal)
    heard(result)
    return result.status === 500 ? { status: 500, body: 'Internal Server Error' } : answer(200, result.reply)
  }
}

/** As FastAPI writes its answers. */
const answer = (status: number, body: PythonDict): VirtualAnswer => ({
  status,
  body: dumpsPython(body, { ascii: false, compact: true }),
})

function parsed(text: string): PythonValue | undefined {
  try {
    return pythonFromJson(text)
  } catch (error) {
    if (error instanceof PythonJsonError) return undefined
    throw error
  }
}

/** Pydantic's list of what is missing or of another type; fields that the server does not know are ignored. */
function problemsOf(body: PythonDict): PythonDict[] {
  return FIELDS.flatMap((field) => {
    const value = body.get(field)
    if (value === undefined) return [problem('missing', [field], 'Field required', body)]
    if (typeof value === 'string') return []
    if (field !== 'tool_input') return [problem('string_type', [field], 'Input should be a valid string', value)]
    if (value instanceof Map) return []
    return [
      problem('string_type', [field, 'str'], 'Input should be a valid string', value),
      problem('dict_type', [field, 'dict[any,any]'], 'Input should be a valid dictionary', value),
    ]
  })
}

const problem = (type: string, place: readonly string[], msg: string, input: PythonValue): PythonDict =>
  dict({ type, loc: ['body', ...place], msg, input })
