/** Reads a converted answer into a trajectory: a chain, because a converted answer has one path. */
import { ANSWERED, GAVE_UP, GIVE_UP } from '../../records/toolbench'
import type { Trajectory } from '../../records/trajectory'
import { trajectoryOfAttempt } from './answerTrajectory'
import type { ConvertedAnswer, ConvertedNode } from './convertAnswer'
import { codeOf } from './observations'
import type { Turn } from './turns'

export function trajectoryOfConverted(converted: ConvertedAnswer, queryId: string, source: string): Trajectory {
  const { query, available_tools, answer } = converted
  const [first] = available_tools
  return trajectoryOfAttempt({
    ...{ queryId, query, functions: available_tools, source },
    method: answer.method === '' ? 'CoT@1' : answer.method,
    shape: first === undefined || 'function' in first ? 'new' : 'old',
    turns: turnsOfPath(pathOf(answer.answer_details), answer.final_answer),
    said: () => ({}),
    info: { valid: answer.final_answer !== '' },
  })
}

function pathOf(details: readonly ConvertedNode[]): ConvertedNode[] {
  const path: ConvertedNode[] = []
  for (let at = details[0]; at; at = at.next[0]) path.push(at)
  return path
}

/** Every call is a turn of its own, and so is every thought: the file does not say which of them were written at once. */
function turnsOfPath(path: readonly ConvertedNode[], finalAnswer: string): Turn[] {
  const turns: Turn[] = []
  for (const { role, message } of path) {
    if (role === 'system' || role === 'user') continue
    const parent = turns.length === 0 ? null : turns.length - 1
    if (typeof message === 'string') turns.push({ parent, thought: message, calls: [], pruned: false })
    else {
      // The reply to `Finish` is left out of the file; what it answered is the final answer.
      const isAnswer = message.response === '' && message.arguments === finalAnswer && finalAnswer !== ''
      const observation = isAnswer ? (finalAnswer.includes(GIVE_UP) ? GAVE_UP : ANSWERED) : message.response
      turns.push({
        parent,
        thought: null,
        calls: [{ name: message.name, arguments: message.arguments, observation, code: codeOf(observation) }],
        pruned: false,
      })
    }
  }
  return turns
}
