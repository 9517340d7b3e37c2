/**
 * Calls that go wrong before the right one: a parameter named wrongly, a tool that is not listed, a call cut short. An expert
 * never makes them, so a student of the expert alone does not know what to do after its own; in the corpus they stand in the
 * context and carry no loss, and the expert's next call, which does, is the cure.
 */
import type { Rng } from '../../base/random'
import type { ToolCall } from '../../records/trajectory'
import { formatCall } from '../compactSyntax'
import { kinds, subjects } from './catalog'

export interface Slip {
  readonly content: string
  /** The world's reply. */
  readonly error: string
}

/** The most wrong calls before a right one. */
const SLIPS_IN_A_ROW = 3

interface Signature {
  readonly name: string
  readonly parameters: readonly string[]
}

/** Wrong calls in the place of `call`; `listed` are the tools its query lists. Draws nothing when the rate is 0. */
export function drawSlips(rng: Rng, rate: number, call: ToolCall, listed: readonly Signature[]): Slip[] {
  const slips: Slip[] = []
  while (rate > 0 && slips.length < SLIPS_IN_A_ROW && rng.chance(rate)) slips.push(drawSlip(rng, call, listed))
  return slips
}

function drawSlip(rng: Rng, call: ToolCall, listed: readonly Signature[]): Slip {
  const at = rng.uniform()
  const [first] = Object.entries(call.arguments)
  if (at < 0.55 && first) {
    const own = listed.find((tool) => tool.name === call.name)?.parameters ?? []
    const wrong = rng.pick([...kinds, 'name', 'to'].filter((kind) => kind !== first[0] && !own.includes(kind)))
    return { content: formatCall(call.name, { [wrong]: first[1] }), error: `missing ${first[0]}` }
  }
  if (at < 0.85) {
    const names = subjects.flatMap((subject) => ['of', 'log', 'day', 'night'].map((source) => `${subject.word}_${source}`))
    const absent = rng.pick(names.filter((name) => !listed.some((tool) => tool.name === name)))
    return { content: formatCall(absent, call.arguments), error: 'unknown tool' }
  }
  return { content: formatCall(call.name, call.arguments).slice(0, -2), error: 'bad call' }
}
