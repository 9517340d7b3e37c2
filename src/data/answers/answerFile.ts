/**
 * One query's answer as StepTool and StableToolBench write it: `<set>/<query id>_CoT@1.json` or `…_DFS_woFilter_w2.json`. Two shapes exist:
 * the newer has `tool_calls` and functions inside `{"type": "function"}`, the older `function_call` and bare functions.
 */
import { z } from 'zod'

const NODE_TYPES = ['Thought', 'Action', 'Action Input'] as const

const nodeFields = z.looseObject({
  node_type: z.enum(NODE_TYPES),
  /** The thought, the name of the function, or its arguments as the model wrote them. */
  description: z.string(),
  pruned: z.boolean().default(false),
  observation: z.string().optional(),
  observation_code: z.int().optional(),
  /** Above 0 where a search went on from this node, so that it ends a turn. */
  expand_num: z.int().default(0),
})
/** A node of a chain. */
export type ChainNode = z.output<typeof nodeFields>
export type AnswerNode = ChainNode & { readonly children: readonly AnswerNode[] }

const treeNode: z.ZodType<AnswerNode> = nodeFields.extend({
  get children(): z.ZodDefault<z.ZodArray<z.ZodType<AnswerNode>>> {
    return z.array(treeNode).default([])
  },
})

const functionCall = z.looseObject({ name: z.string(), arguments: z.string() })
export const answerMessage = z.looseObject({
  role: z.enum(['system', 'user', 'assistant', 'tool', 'function']),
  content: z.string().nullish(),
  name: z.string().optional(),
  valid: z.boolean().optional(),
  function_call: functionCall.nullish(),
  tool_calls: z.array(z.looseObject({ id: z.union([z.string(), z.number()]).default(0), function: functionCall })).nullish(),
  tool_call_id: z.union([z.string(), z.number()]).optional(),
})
export type AnswerMessage = z.output<typeof answerMessage>

const jsonObject = z.record(z.string(), z.unknown())

export const answerFile = z.looseObject({
  win: z.boolean().default(false),
  /** Of a chain: the tries. */
  trys: z.array(z.looseObject({ chain: z.array(nodeFields) })).optional(),
  /** Of a search. */
  tree: z.looseObject({ tree: treeNode }).optional(),
  forward_args: jsonObject.default({}),
  answer_generation: z.looseObject({
    valid_data: z.boolean(),
    final_answer: z.string().default(''),
    finish_type: z.string().optional(),
    function: z.array(jsonObject).default([]),
    query_count: z.int().default(0),
    total_tokens: z.int().default(0),
    train_messages: z.array(z.array(answerMessage)).default([]),
    query: z.string(),
  }),
})
export type AnswerFile = z.output<typeof answerFile>

/** The conversation that ends in the final answer; empty where there is none. */
export const finalMessages = ({ answer_generation }: Pick<AnswerFile, 'answer_generation'>): readonly AnswerMessage[] =>
  answer_generation.train_messages.at(-1) ?? []

/** The calls of a message in either shape. */
export function callsIn({ function_call, tool_calls }: AnswerMessage): readonly { readonly name: string; readonly arguments: string }[] {
  return tool_calls?.map((call) => call.function) ?? (function_call ? [function_call] : [])
}

/** `608_CoT@1.json` → query 608, method CoT@1; the method is empty when the name has none. */
export function partsOfName(name: string): { readonly queryId: string; readonly method: string } {
  const [, queryId = '', method = ''] = /^(.*?)(?:_(.*))?$/s.exec(name.replace(/^.*[\\/]/, '').replace(/\.json$/i, '')) ?? []
  return { queryId, method }
}
