/** One call in ToolBench's environment (`rapidapi_wrapper.step`): the observation that the model reads, and its code. */
import { dumpsPython } from '../../base/pythonJson'
import { strPython } from '../../base/pythonRepr'
import type { PythonDict } from '../../base/pythonValue'
import {
  ANSWERED,
  codeOfServerError,
  FINISH,
  GAVE_UP,
  GIVE_ANSWER,
  GIVE_UP,
  observationCode,
  type ObservationCode,
} from '../../records/toolbench'
import { firstCharacters, textAt } from './folderFile'
import { readFinish } from './finishCall'
import type { OfferedApi } from './functions'
import { errorReply, TIMED_OUT, type ReplySource } from './toolServer'

export interface Observation {
  readonly text: string
  readonly code: ObservationCode
  /** null when no tool server was asked. */
  readonly source: ReplySource | null
  /** What the tool server's reply has as its error; empty when the call succeeded. */
  readonly error?: string
  /** Of a call that ended the episode. */
  readonly finalAnswer?: string | null
}

/** What the tool server said: an HTTP status with the dict in its body, null if it holds none. */
export interface ServiceAnswer {
  readonly status: number
  readonly reply: PythonDict | null
  readonly source: ReplySource | null
}

/** Sends a call to the tool server. Resolves to `timeout` when it takes too long. */
export type AskService = (api: OfferedApi, input: string) => Promise<ServiceAnswer | 'timeout'>

export interface StepOptions {
  /** The release takes the first function whose name ends with what the model wrote. Default: the whole name. */
  readonly matchesEnding?: boolean
  /** Characters of an observation. */
  readonly maxObservation?: number
}

const MAX_OBSERVATION = 1024

export async function step(
  apis: readonly OfferedApi[],
  name: string,
  input: string,
  ask: AskService,
  { matchesEnding = false, maxObservation = MAX_OBSERVATION }: StepOptions = {},
): Promise<Observation> {
  const seen = name === FINISH ? finish(input) : await callApi(apis, name, input, ask, matchesEnding)
  return { ...seen, text: truncated(seen.text, maxObservation) }
}

const truncated = (text: string, most: number): string => {
  const start = firstCharacters(text, most)
  return start.length < text.length ? `${start}...` : text
}

const asIs = (text: string, code: ObservationCode, source: ReplySource | null = null): Observation => ({ text, code, source })
const failed = (error: string, code: ObservationCode): Observation => asIs(dumpsPython(errorReply(error)), code)

function finish(input: string): Observation {
  const { returnType, finalAnswer } = readFinish(input)
  if (returnType === null) return asIs('{error:"must have "return_type""}', observationCode.badFinish)
  if (returnType === GIVE_UP) return { ...asIs(GAVE_UP, observationCode.gaveUp), finalAnswer: null }
  if (returnType !== GIVE_ANSWER) return asIs('{error:""return_type" is not a valid choice"}', observationCode.badFinish)
  if (finalAnswer === null) return asIs('{error:"must have "final_answer""}', observationCode.badFinish)
  return { ...asIs(ANSWERED, observationCode.finished), finalAnswer }
}

async function callApi(
  apis: readonly OfferedApi[],
  name: string,
  input: string,
  ask: AskService,
  matchesEnding: boolean,
): Promise<Observation> {
  const matches = (api: OfferedApi): boolean => {
    const whole = textAt(api.function, 'name')
    return matchesEnding ? whole.endsWith(name) : whole === name
  }
  const api = apis.find(matches)
  if (!api) return failed(`No such function name: ${name}`, observationCode.unknownFunction)
  const answered = await ask(api, input)
  if (answered === 'timeout') return failed(TIMED_OUT, observationCode.timedOut)
  if (answered.status !== 200) return failed(`request invalid, data error. status_code=${answered.status}`, observationCode.invalidAnswer)
  if (answered.reply === null) return failed('request invalid, data error', observationCode.invalidAnswer)
  const error = strPython(answered.reply.get('error') ?? '')
  return { ...asIs(dumpsPython(answered.reply), codeOfServerError(error), answered.source), error }
}
