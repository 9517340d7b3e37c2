/** What scripts and experts do, in the words of a format: they end an episode by a call, which not every format has. */
import { FINISH, GIVE_UP } from '../../environments/compactSyntax'
import type { ToolCall } from '../../records/trajectory'
import type { CallFormat } from './callFormat'

/** A call; or the answer that `finish` gives, or the words that give up. */
export function writeMove(format: CallFormat, call: ToolCall): string {
  if (call.name === GIVE_UP) return format.answer(null)
  if (call.name !== FINISH) return format.write([call])
  const { answer } = call.arguments
  return format.answer(typeof answer === 'string' ? answer : null)
}
