/**
 * Answers in the form that evaluation and annotation read (`convert_to_answer_format.py`): one path of calls. Where the original draws at
 * random, the draw depends here on the query's id alone.
 */
import { z } from 'zod'
import { createRng } from '../../base/random'
import { FINISH } from '../../records/toolbench'
import { callsIn, finalMessages, type AnswerFile, type AnswerMessage, type AnswerNode, type ChainNode } from './answerFile'
import { seedOf } from './seed'

const call = z.object({ name: z.string(), arguments: z.string(), response: z.string().default('') })

const entry = z.object({ role: z.enum(['system', 'user', 'tool', 'assistant']), message: z.union([z.string(), call]) })
type Entry = z.output<typeof entry>
export interface ConvertedNode extends Entry {
  readonly next: readonly ConvertedNode[]
}

const node: z.ZodType<ConvertedNode> = entry.extend({
  get next(): z.ZodDefault<z.ZodArray<z.ZodType<ConvertedNode>>> {
    return z.array(node).default([])
  },
})

export const convertedAnswer = z.object({
  query: z.string(),
  available_tools: z.array(z.record(z.string(), z.unknown())).default([]),
  answer: z.object({
    method: z.string().default(''),
    total_steps: z.int(),
    final_answer: z.string().default(''),
    answer_details: z.array(node),
  }),
})
export type ConvertedAnswer = z.output<typeof convertedAnswer>

export function convertAnswer(
  file: AnswerFile,
  { queryId, method }: { readonly queryId: string; readonly method: string },
): ConvertedAnswer {
  const { valid_data, query, function: functions, final_answer } = file.answer_generation
  const messages = finalMessages(file)
  const path = valid_data && messages.length > 0 ? pathOfMessages(messages) : drawnPath(file, queryId)
  const whole: Entry[] = [{ role: 'system', message: '' }, { role: 'user', message: '' }, ...path]
  const details = whole.reduceRight<ConvertedNode[]>((next, one) => [{ ...one, next }], [])
  return {
    ...{ query, available_tools: functions },
    answer: { method, total_steps: whole.length, final_answer: valid_data ? final_answer : '', answer_details: details },
  }
}

/** Up to `Finish`. The thought beside a call is left out, as the original leaves it out. */
function pathOfMessages(messages: readonly AnswerMessage[]): Entry[] {
  const path: Entry[] = []
  for (const [at, message] of messages.entries()) {
    if (at < 2 || message.role !== 'assistant') continue
    const calls = callsIn(message)
    if (calls.length === 0) path.push({ role: 'assistant', message: message.content ?? '' })
    for (const [place, { name, arguments: text }] of calls.entries()) {
      if (name === FINISH) return [...path, { role: 'tool', message: { name, arguments: text, response: '' } }]
      const response = responseTo(messages.slice(at + 1), message, place)
      if (response !== null) path.push({ role: 'tool', message: { name, arguments: text, response } })
    }
  }
  return path
}

/** In the older shape the next message; in the newer the first of the following ones with the call's id. null: the conversation ends before it. */
function responseTo(after: readonly AnswerMessage[], { function_call, tool_calls }: AnswerMessage, place: number): string | null {
  const id = tool_calls?.[place]?.id
  const found = function_call ? after[0] : after.find((message) => message.role === 'tool' && message.tool_call_id === id)
  return found === undefined ? null : (found.content ?? '')
}

function drawnPath({ trys, tree }: AnswerFile, queryId: string): Entry[] {
  const rng = createRng(seedOf(queryId))
  if (trys && trys.length > 0) return pathOfNodes(rng.pick(trys).chain)
  const walk: AnswerNode[] = []
  for (let at = tree?.tree.children ?? []; at.length > 0; at = walk.at(-1)?.children ?? []) walk.push(rng.pick(at))
  return pathOfNodes(walk)
}

function pathOfNodes(nodes: readonly ChainNode[]): Entry[] {
  return nodes.flatMap(({ node_type, description }, at): Entry[] => {
    if (node_type === 'Thought') return [{ role: 'assistant', message: description }]
    if (node_type === 'Action Input') return []
    const input = nodes[at + 1]?.node_type === 'Action Input' ? nodes[at + 1] : undefined
    return [{ role: 'tool', message: { name: description, arguments: input?.description ?? '', response: input?.observation ?? '' } }]
  })
}
