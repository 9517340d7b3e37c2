/** The turns of an answer file: a thought and the calls with their observations, which the file has as one node each. */
import { codeOf, endsAttempt } from './observations'
import { callsIn, finalMessages, type AnswerFile, type AnswerMessage, type AnswerNode, type ChainNode } from './answerFile'

export interface TurnCall {
  readonly name: string
  /** As the model wrote them. */
  readonly arguments: string
  /** Empty when the file has none. */
  readonly observation: string
  readonly code: number
}

export interface Turn {
  /** Place of the turn before it in the list; null for a first turn. */
  readonly parent: number | null
  /** null: the model wrote none, not even an empty one. */
  readonly thought: string | null
  readonly calls: readonly TurnCall[]
  readonly pruned: boolean
}

/** All turns, each after the one that it follows: those of every try, or of the tree in the order of the search. */
export function turnsOf(file: AnswerFile): readonly Turn[] {
  if (file.tree) return turnsOfTree(file.tree.tree)
  const said = assistantsIn(finalMessages(file))
  return (file.trys ?? []).reduce<Turn[]>((turns, { chain }) => [...turns, ...turnsOfChain(chain, said, turns.length)], [])
}

/** What an assistant's message holds: a chain is cut at its messages, which alone say whether two calls were one turn. */
interface Said {
  readonly hasThought: boolean
  readonly calls: number
}

const assistantsIn = (messages: readonly AnswerMessage[]): readonly Said[] =>
  messages
    .filter(({ role }) => role === 'assistant')
    .map((message) => ({ hasThought: typeof message.content === 'string', calls: callsIn(message).length }))

function turnsOfChain(chain: readonly ChainNode[], said: readonly Said[], first: number): Turn[] {
  const pieces = bySaid(chain, said) ?? byKind(chain)
  return pieces.map((nodes, at) => turn(nodes, at === 0 ? null : first + at - 1))
}

/** The nodes of each message; null when the messages are of another chain. */
function bySaid(chain: readonly ChainNode[], said: readonly Said[]): ChainNode[][] | null {
  const pieces: ChainNode[][] = []
  let at = 0
  for (const { hasThought, calls } of said) {
    const kinds = [...(hasThought ? ['Thought'] : []), ...Array.from({ length: calls }, () => ['Action', 'Action Input']).flat()]
    const piece = chain.slice(at, at + kinds.length)
    if (piece.length !== kinds.length || piece.some(({ node_type }, place) => node_type !== kinds[place])) return null
    pieces.push(piece)
    at += kinds.length
  }
  return at === chain.length && at > 0 ? pieces : null
}

/** Without messages, every call is a turn of its own, with the thought before it. */
function byKind(chain: readonly ChainNode[]): ChainNode[][] {
  const pieces: ChainNode[][] = []
  for (const [at, node] of chain.entries()) {
    const before = chain[at - 1]?.node_type
    const starts = node.node_type === 'Thought' || (node.node_type === 'Action' && before !== 'Thought') || before === undefined
    if (starts) pieces.push([node])
    else pieces.at(-1)?.push(node)
  }
  return pieces
}

/** A turn of a search ends where the search went on from, branched or stopped. A file without these numbers has one call in a turn. */
function turnsOfTree(root: AnswerNode): Turn[] {
  const turns: Turn[] = []
  const isNumbered = hasNumbers(root)
  const collect = (children: readonly AnswerNode[], parent: number | null): void => {
    for (const child of children) {
      const nodes = [child]
      for (let last = child; !endsTurn(last, isNumbered); nodes.push(last)) last = last.children[0] as AnswerNode
      const place = turns.push(turn(nodes, parent)) - 1
      collect(nodes.at(-1)?.children ?? [], place)
    }
  }
  collect(root.children, null)
  return turns
}

const hasNumbers = ({ children }: AnswerNode): boolean => children.some((child) => child.expand_num > 0 || hasNumbers(child))

function endsTurn({ node_type, expand_num, children }: AnswerNode, isNumbered: boolean): boolean {
  if (expand_num > 0 || children.length !== 1) return true
  return node_type === 'Action Input' && !isNumbered
}

function turn(nodes: readonly ChainNode[], parent: number | null): Turn {
  const thoughts = nodes.filter(({ node_type }) => node_type === 'Thought').map(({ description }) => description)
  const calls = nodes.flatMap((node, at): TurnCall[] => {
    if (node.node_type !== 'Action') return []
    const input = nodes[at + 1]?.node_type === 'Action Input' ? nodes[at + 1] : undefined
    const observation = input?.observation ?? ''
    return [
      { name: node.description, arguments: input?.description ?? '', observation, code: input?.observation_code ?? codeOf(observation) },
    ]
  })
  return { parent, thought: thoughts.length === 0 ? null : thoughts.join('\n'), calls, pruned: nodes.at(-1)?.pruned ?? false }
}

/** The code with which a turn ended the attempt; null when it did not. */
export const endingOf = ({ calls }: Turn): number | null => calls.map(({ code }) => code).find(endsAttempt) ?? null
