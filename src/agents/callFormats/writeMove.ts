/** What scripts and experts do, in the words of a format: they end an episode by a call, which not every format has. */
import { FINISH, GIVE_UP } from '../../environments/compactSyntax'
import type { ToolCall } from '../../records/trajectory'
import type { CallFormat } from './callFormat'

interface WrittenTurn {
  readonly text: string
  /** The token that ends the turn. */
  readonly stopToken: string
}

/** A call; or the answer that `finish` gives, or the words that give up. Text is a turn as it stands. */
export function writeMove(format: CallFormat, move: ToolCall | string): WrittenTurn {
  const [end] = format.stopTokens
  if (typeof move === 'string') return { text: move, stopToken: endOf(format, move) }
  if (move.name === GIVE_UP) return { text: format.answer(null), stopToken: end }
  if (move.name !== FINISH) return { text: format.write([move]), stopToken: format.callStopToken ?? end }
  const { answer } = move.arguments
  return { text: format.answer(typeof answer === 'string' ? answer : null), stopToken: end }
}

const endOf = (format: CallFormat, text: string): string =>
  format.callStopToken !== undefined && format.parse(text).answer === undefined ? format.callStopToken : format.stopTokens[0]
