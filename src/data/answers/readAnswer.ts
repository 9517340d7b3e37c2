/** Reads one answer file into a trajectory. */
import type { Trajectory } from '../../records/trajectory'
import { finalMessages, partsOfName, type AnswerFile, type AnswerMessage } from './answerFile'
import { trajectoryOfAttempt } from './answerTrajectory'
import { endingOf, turnsOf, type Turn } from './turns'

/** @param name of the file: it says the query's id and the method. */
export function trajectoryOfAnswer(file: AnswerFile, name: string): Trajectory {
  const { answer_generation: generated, forward_args } = file
  const named = partsOfName(name)
  const turns = turnsOf(file)
  const messages = finalMessages(file)
  const path = pathTo(turns, generated.final_answer)
  const words = wordsBefore(messages, path)
  const [system, user] = [wordsOf(messages[0], 'system'), wordsOf(messages[1], 'user')]
  const opening = { ...(system === undefined ? {} : { system }), ...(user === undefined ? {} : { user }) }
  return trajectoryOfAttempt({
    queryId: named.queryId,
    query: generated.query,
    method: named.method === '' ? methodOf(file) : named.method,
    shape: shapeOf(file),
    functions: generated.function,
    turns,
    said: (at) => ({ ...(turns[at]?.parent === null ? opening : {}), ...words.get(at) }),
    info: { forward_args, query_count: generated.query_count, total_tokens: generated.total_tokens, valid: generated.valid_data },
    source: `file:${name}#1`,
  })
}

const wordsOf = (message: AnswerMessage | undefined, role: string): string | undefined =>
  message?.role === role && typeof message.content === 'string' ? message.content : undefined

const methodOf = ({ tree, trys, forward_args }: AnswerFile): string =>
  tree
    ? `DFS_woFilter_w${typeof forward_args['tree_beam_size'] === 'number' ? forward_args['tree_beam_size'] : 2}`
    : `CoT@${trys?.length ?? 1}`

/** By its functions, and where there are none by its messages. */
function shapeOf({ answer_generation: { function: functions, train_messages } }: AnswerFile): 'new' | 'old' {
  const [first] = functions
  if (first !== undefined) return 'function' in first ? 'new' : 'old'
  return train_messages.some((list) => list.some(({ role, function_call }) => role === 'function' || function_call)) ? 'old' : 'new'
}

/** Places of the turns from the first to the one whose `Finish` has the final answer. */
function pathTo(turns: readonly Turn[], finalAnswer: string): number[] {
  const last = turns.findIndex((turn) => endingOf(turn) !== null && turn.calls.some(({ arguments: text }) => text === finalAnswer))
  const path: number[] = []
  for (let at: number | null = last < 0 ? null : last; at !== null; at = turns[at]?.parent ?? null) path.unshift(at)
  return path
}

/** What the user says in the middle of the path: a search shows the model its earlier children. Nothing when messages and turns are of another number. */
function wordsBefore(messages: readonly AnswerMessage[], path: readonly number[]): Map<number, { readonly user: string }> {
  const words = new Map<number, { readonly user: string }>()
  let at = 0
  for (const [place, { role, content }] of messages.entries()) {
    if (role === 'assistant') at += 1
    else if (role === 'user' && place > 1 && typeof content === 'string') words.set(path[at] ?? -1, { user: content })
  }
  return at === path.length ? words : new Map<number, { readonly user: string }>()
}
