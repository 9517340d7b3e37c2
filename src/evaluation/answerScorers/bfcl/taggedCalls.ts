/** Calls between Hermes tags, as models of the Qwen family write them and bfcl-eval's reader for these models finds them. */
import { pythonFromJson, PythonJsonError, strPython } from '../../../base/pythonRepr'
import type { PythonValue } from '../../../base/pythonValue'
import type { Call } from '../../../environments/bfcl/checker/checkCall'
import { ExpressionError } from './pythonExpression'

export const hasTags = (text: string): boolean => text.includes('<tool_call>')

/** What is no JSON between its tags does not count. Throws ExpressionError for JSON that is no call. */
export function taggedCalls(text: string): Call[] {
  return [...text.matchAll(/<tool_call>\n([^]*?)\n<\/tool_call>/g)].flatMap(([, json = '']) => {
    const value = readJson(json)
    return value === undefined ? [] : [callIn(value)]
  })
}

function readJson(text: string): PythonValue | undefined {
  try {
    return pythonFromJson(text)
  } catch (error) {
    if (error instanceof PythonJsonError) return undefined
    throw error
  }
}

function callIn(value: PythonValue): Call {
  const [name, given] = value instanceof Map ? [value.get('name'), value.get('arguments')] : []
  if (name === undefined || !(given instanceof Map))
    throw new ExpressionError('Expected {"name", "arguments"} between the tags, found other JSON.')
  return { name: strPython(name), arguments: new Map([...given].map(([key, item]) => [strPython(key), item])) }
}
