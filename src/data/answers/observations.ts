/** What an observation says of its call: the code that ToolBench's environment gave it. */
import { z } from 'zod'
import { ANSWERED, codeOfServerError, GAVE_UP, observationCode } from '../../records/toolbench'

const reply = z.looseObject({ error: z.string() })

/** The code of an observation by its text. A long one was cut, and its error is read from its beginning. */
export function codeOf(observation: string): number {
  if (observation === ANSWERED) return observationCode.finished
  if (observation === GAVE_UP) return observationCode.gaveUp
  if (observation.startsWith('{error:"')) return observationCode.badFinish
  const error = errorIn(observation)
  if (error.startsWith('No such function name: ')) return observationCode.unknownFunction
  if (error === 'Timeout error...') return observationCode.timedOut
  if (error.startsWith('request invalid, data error')) return observationCode.invalidAnswer
  return codeOfServerError(error)
}

function errorIn(observation: string): string {
  const [, quoted] = /^\{"error": ("(?:[^"\\]|\\.){0,200}")/.exec(observation) ?? []
  try {
    return quoted === undefined ? reply.parse(JSON.parse(observation)).error : String(JSON.parse(quoted))
  } catch {
    return ''
  }
}

/** Whether the call ended the attempt. */
export const endsAttempt = (code: number): boolean => code === observationCode.finished || code === observationCode.gaveUp
