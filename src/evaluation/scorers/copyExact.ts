/** For worlds of invented names: how many calls have arguments to copy, and how many of these copied every one from what was said. */
import type { Scorer } from '../../environments/benchmark'
import { chosenPath, type ToolCall } from '../../records/trajectory'

export const copyExact: Scorer = (trajectory) => {
  const observations: string[] = []
  let copied = 0
  let due = 0
  for (const { step } of chosenPath(trajectory)) {
    if (step.call) {
      const copy = copyCheck(step.call, trajectory.task.query, observations)
      if (copy.due) due++
      if (copy.exact) copied++
    }
    if (step.observation !== null) observations.push(step.observation)
  }
  return { copied_calls: copied, copy_calls: due }
}

/** Names and numbers of a text, in any order, between any punctuation. */
const piecesOf = (text: string): string[] => text.split(/[\s,;]+/).filter((piece) => piece !== '')

/**
 * Whether a call copies: `due` when it has an argument, `exact` when every name and number in its arguments stands in the
 * query or an observation.
 */
export function copyCheck(call: ToolCall, query: string, observations: readonly string[]): { due: boolean; exact: boolean } {
  const pieces = Object.values(call.arguments).flatMap((value) => piecesOf(String(value)))
  const source = new Set([query, ...observations].flatMap((text) => text.match(/[A-Za-z]+|\d+/g) ?? []))
  return { due: pieces.length > 0, exact: pieces.length > 0 && call.error === undefined && pieces.every((piece) => source.has(piece)) }
}
