/** Finds the marks in a judge's answer, in the dialects models write calls in, and checks them against the steps they are for. */
import { jsonrepair } from 'jsonrepair'
import { z } from 'zod'
import { judgeTool } from './judgePrompt'

/** What can be wrong with an answer that did come. */
export const judgeErrorCodes = ['prose', 'wrong-tool', 'cut-off', 'unreadable', 'wrong-length', 'out-of-range', 'no-steps'] as const
export type JudgeErrorCode = (typeof judgeErrorCodes)[number]

export interface Marks {
  readonly success: readonly number[]
  readonly contribution: readonly number[]
  readonly status: number
  readonly isRepaired: boolean
}

export interface JudgeAnswer {
  readonly text: string
  readonly finishReason: string | null
  readonly toolCalls: readonly { readonly name: string; readonly arguments: string }[]
}

export type MarksRead =
  { readonly ok: true; readonly value: Marks } | { readonly ok: false; readonly code: JudgeErrorCode; readonly message: string }

/** Some models write numbers as strings. */
const number = z.preprocess(
  (value) => (typeof value === 'string' && /^\s*[+-]?\d+(?:\.\d+)?\s*$/.test(value) ? Number(value) : value),
  z.number(),
)
/** Success is yes or no: some models write it so. */
const yesOrNo = z.preprocess((value) => {
  if (typeof value === 'boolean') return Number(value)
  return typeof value === 'string' && /^\s*(?:true|false)\s*$/i.test(value) ? Number(/true/i.test(value)) : value
}, number)
/** A list inside the arguments may be encoded once more. */
const listOf = (item: z.ZodType<number>): z.ZodType<number[]> =>
  z.preprocess((value) => (typeof value === 'string' ? (readJson(value)?.value ?? value) : value), z.array(item))
const ENDINGS = ['Solved', 'Unsure', 'Unsolved'] as const
const ending = z.preprocess(
  (value) => (typeof value === 'string' ? (ENDINGS.find((one) => one.toLowerCase() === value.trim().toLowerCase()) ?? value) : value),
  z.enum(ENDINGS),
)
const marksSchema = z.object({
  succeed_tool_calling: listOf(yesOrNo),
  contribution_to_final_answer: listOf(number),
  final_answer_status: ending,
})

/** Marks out of a judge's answer. `maxTokens`: the limit the judge had, for the message when it ran out. */
export function readMarks(answer: JudgeAnswer, stepCount: number, model: string, maxTokens: number): MarksRead {
  // Models call other tools before the right one, or the right one twice.
  const calls = answer.toolCalls.filter(({ name }) => name === judgeTool.name)
  const reads = calls.map((call) => marksOfCall(call.arguments, stepCount, model))
  const good = reads.find(({ read }) => read.ok)
  const isCutOff = /^(?:length|max_tokens|max_output_tokens|model_length)$/i.test(answer.finishReason ?? '')
  if (good && !(isCutOff && good.isRepaired)) return good.read
  if (isCutOff) return fail('cut-off', cutOffSentence(model, maxTokens, answer.finishReason ?? ''))
  if (reads[0]) return reads[0].read
  const [other] = answer.toolCalls
  if (other) return fail('wrong-tool', `${model} called ${quote(other.name)} instead of ${judgeTool.name}.`)
  return fail(
    'prose',
    `${model} answered in words instead of calling ${judgeTool.name}: ${quote(answer.text)}. A model that follows forced tool calls is needed.`,
  )
}

const cutOffSentence = (model: string, maxTokens: number, reason: string): string =>
  `${model} used up its ${String(maxTokens)} tokens before its marks were complete (finish_reason ${reason}). Raise the token limit (--max-tokens on the command line): a model that thinks before it answers needs more.`

function marksOfCall(text: string, stepCount: number, model: string): { readonly read: MarksRead; readonly isRepaired: boolean } {
  const parsed = readJson(text)
  const isRepaired = parsed?.isRepaired ?? false
  const found = marksSchema.safeParse(parsed?.value)
  if (parsed && found.success) {
    const { succeed_tool_calling: success, contribution_to_final_answer: contribution, final_answer_status } = found.data
    const status = { Solved: 1, Unsure: 0.5, Unsolved: 0 }[final_answer_status]
    return { read: checkedMarks({ success, contribution, status, isRepaired }, stepCount, model), isRepaired }
  }
  const issue = found.error?.issues[0]
  const place = issue && issue.path.length > 0 ? ` (${issue.path.join('.')}: ${issue.message})` : ''
  return { read: fail('unreadable', `${model} gave marks that cannot be read${place}: ${quote(text)}.`), isRepaired }
}

/** One mark of each kind for every intermediate step, each within its range. */
function checkedMarks(marks: Marks, stepCount: number, model: string): MarksRead {
  const { success, contribution } = marks
  if (success.length !== stepCount || contribution.length !== stepCount)
    return fail(
      'wrong-length',
      `The trajectory has ${String(stepCount)} intermediate steps, but ${model} gave ${String(success.length)} success and ${String(contribution.length)} contribution marks.`,
    )
  const badSuccess = success.findIndex((mark) => mark !== 0 && mark !== 1)
  if (badSuccess >= 0)
    return fail(
      'out-of-range',
      `${model} gave step ${String(badSuccess + 1)} a success of ${String(success[badSuccess])}; it must be 0 or 1.`,
    )
  const badContribution = contribution.findIndex((mark) => mark < 0 || mark > 5)
  if (badContribution >= 0)
    return fail(
      'out-of-range',
      `${model} gave step ${String(badContribution + 1)} a contribution of ${String(contribution[badContribution])}; it must be 0 to 5.`,
    )
  return { ok: true, value: marks }
}

const fail = (code: JudgeErrorCode, message: string): Extract<MarksRead, { ok: false }> => ({ ok: false, code, message })

/** JSON is encoded once more by servers that take arguments for text to be quoted. */
const MOST_ENCODINGS = 3

function readJson(text: string): { readonly value: unknown; readonly isRepaired: boolean } | null {
  let value: unknown = text
  let isRepaired = false
  for (let times = 0; times < MOST_ENCODINGS && typeof value === 'string'; times++) {
    const once = parsedOrRepaired(value)
    if (once === null) return null
    value = once.value
    isRepaired ||= once.isRepaired
  }
  return { value, isRepaired }
}

function parsedOrRepaired(text: string): { readonly value: unknown; readonly isRepaired: boolean } | null {
  try {
    return { value: JSON.parse(text), isRepaired: false }
  } catch {
    try {
      return { value: JSON.parse(jsonrepair(text)), isRepaired: true }
    } catch {
      return null
    }
  }
}

function quote(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text)
}
