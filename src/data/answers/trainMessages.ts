/** The conversations of an answer file (`train_messages`): one for each turn on the way to the final answer, each as far as that turn's message. */
import { observationCode } from '../../records/toolbench'
import type { AnswerInfo } from './answerInfo'
import type { Turn, TurnCall } from './turns'

type Message = Readonly<Record<string, unknown>>

/** What the model reads in place of a name that it made up. */
const INVALID_NAME = 'invalid_hallucination_function_name'

export interface PathTurn {
  readonly turn: Turn
  /** What the user says before it; null: nothing. */
  readonly user: string | null
}

export interface PathOpening {
  readonly system: string
  readonly user: string
}

export function trainMessages({ system, user }: PathOpening, path: readonly PathTurn[], shape: AnswerInfo['shape']): Message[][] {
  const said: Message[] = [
    { role: 'system', content: system },
    { role: 'user', content: user },
  ]
  return path.map(({ turn, user: more }) => {
    if (more !== null) said.push({ role: 'user', content: more, valid: false })
    said.push(assistantMessage(turn, shape))
    const soFar = onlyLastInvalid(said)
    said.push(...turn.calls.map((call, place) => replyMessage(call, place, shape)))
    return soFar
  })
}

const nameOf = ({ name, code }: TurnCall): string => (code === observationCode.unknownFunction ? INVALID_NAME : name)

function assistantMessage({ thought, calls }: Turn, shape: AnswerInfo['shape']): Message {
  const [first] = calls
  const written = calls.map((call) => ({ name: nameOf(call), arguments: call.arguments }))
  const content = thought === null ? {} : { content: thought }
  if (shape === 'old') return { role: 'assistant', ...content, ...(first ? { function_call: written[0] } : {}) }
  // The wrappers give every call the id 0, so that only the first of several calls would be found with its own reply.
  return {
    role: 'assistant',
    ...content,
    ...(first ? { tool_calls: written.map((one, id) => ({ id, function: one, type: 'function' })) } : {}),
  }
}

const replyMessage = (call: TurnCall, place: number, shape: AnswerInfo['shape']): Message =>
  shape === 'old'
    ? { role: 'function', name: nameOf(call), content: call.observation }
    : { role: 'tool', name: nameOf(call), content: call.observation, tool_call_id: place }

/** Messages that a search took back are left out, except the most recent one. */
function onlyLastInvalid(messages: readonly Message[]): Message[] {
  const last = messages.findLastIndex(({ valid }) => valid === false)
  return messages.filter(({ valid }, at) => valid !== false || at === last)
}
