/** A whole answer against an item: by number of calls, against one function or several, in any order; or only for whether it calls. */
import { reprPython } from '../../../base/pythonRepr'
import type { SingleTurnCategory } from '../categories'
import type { BfclItem, FunctionDoc, RightCall } from '../items'
import { checkCall, type Call, type CheckOptions } from './checkCall'
import { BenchmarkDataError, finding, type Finding } from './finding'

/** An answer as it was read: its calls, or why it holds none that can be read. */
export type DecodedAnswer = { readonly calls: readonly Call[] } | { readonly calls: null; readonly fault: Finding }

export interface AnswerOptions {
  /** Models that take no dots in names saw underscores instead, and their calls are expected to have them. */
  readonly underscoredNames: boolean
}

/** The name of a function for models that take no dots in names. */
export const underscored = (name: string): string => name.replaceAll('.', '_')

/** null: the answer is right. Throws BenchmarkDataError when the item itself cannot be checked. */
export function checkAnswer(item: BfclItem, { check }: SingleTurnCategory, answer: DecodedAnswer, options: AnswerOptions): Finding | null {
  if (check.rule === 'irrelevance') return checkIrrelevance(answer)
  if (check.rule === 'relevance') return checkRelevance(answer)
  if (answer.calls === null) return answer.fault
  const given = { language: check.language, nameOf: options.underscoredNames ? underscored : (name: string): string => name }
  try {
    if (check.rule === 'parallel') return checkInAnyOrder(item, answer.calls, given)
    const kind = check.rule === 'multiple' ? 'multiple_function_checker:wrong_count' : 'simple_function_checker:wrong_count'
    const expected = check.rule === 'multiple' ? item.answer.length : 1
    const [call] = answer.calls
    if (answer.calls.length !== expected || call === undefined) return finding(kind, countMessage(expected, answer.calls.length))
    const [right] = item.answer
    if (right === undefined) throw new BenchmarkDataError('Expected a right answer, found none.')
    const doc = check.rule === 'multiple' ? docOf(item, right) : item.functions[0]
    if (doc === undefined) throw new BenchmarkDataError('Expected a function, found none.')
    return checkCall(doc, call, right, given)
  } catch (error) {
    if (error instanceof BenchmarkDataError) throw new BenchmarkDataError(`Item ${item.id} of the benchmark's data: ${error.message}`)
    throw error
  }
}

/** The benchmark's questions that no function can answer: anything but a readable call is right. */
function checkIrrelevance(answer: DecodedAnswer): Finding | null {
  const [call] = answer.calls ?? []
  if (call === undefined) return null
  return finding(
    'irrelevance_error:decoder_success',
    `Expected no call, because no function fits the question; found a call of ${call.name}.`,
  )
}

function checkRelevance(answer: DecodedAnswer): Finding | null {
  if (answer.calls !== null && answer.calls.length > 0) return null
  const reason = answer.calls === null ? answer.fault.message : 'The answer holds no call.'
  return finding('relevance_error:decoder_failed', `Expected a call, because a function fits the question. ${reason}`)
}

const countMessage = (expected: number, found: number): string =>
  `Expected ${expected} ${expected === 1 ? 'call' : 'calls'}, found ${found}.`

function docOf({ functions }: BfclItem, right: RightCall): FunctionDoc {
  const found = functions.find(({ name }) => name === right.name)
  if (found === undefined)
    throw new BenchmarkDataError(`Expected the function ${right.name} of the right answer among the item's functions.`)
  return found
}

/** Each right call takes the first call left that matches it, as bfcl-eval does: it tries no other assignment when a later one finds none. */
function checkInAnyOrder(item: BfclItem, calls: readonly Call[], options: CheckOptions): Finding | null {
  if (calls.length !== item.answer.length)
    return finding('parallel_function_checker_no_order:wrong_count', countMessage(item.answer.length, calls.length))
  const left = [...calls]
  for (const right of item.answer) {
    const doc = docOf(item, right)
    const faults = left.map((call) => checkCall(doc, call, right, options))
    const match = faults.indexOf(null)
    if (match < 0) {
      const reasons = faults.map((fault, index) => `${left[index]?.name ?? ''}: ${fault?.message ?? ''}`)
      return finding(
        'parallel_function_checker_no_order:cannot_find_match',
        `No call matches the right call of ${reprPython(right.name)}. ${reasons.join(' ')}`,
      )
    }
    left.splice(match, 1)
  }
  return null
}
