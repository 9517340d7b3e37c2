/** Turns as the nodes of an answer file: one for a thought, and two for each call. */
import { observationCode } from '../../records/toolbench'
import { endingOf, type Turn } from './turns'

export interface WrittenNode {
  [field: string]: unknown
  children?: WrittenNode[]
}

export interface AnswerTree {
  readonly tree: WrittenNode
  /** Number of nodes, with the root. */
  readonly size: number
  /** Nodes on the longest path, with the root. */
  readonly depth: number
  /** Each try's chain. */
  readonly tries: readonly WrittenNode[][]
  /** Tries that ended with an answer, by their place. */
  readonly answered: readonly number[]
  /** The chains that ended with an answer. */
  readonly candidates: readonly WrittenNode[][]
}

/** @param isSearch numbers the nodes from which a search goes on, and marks those that an answer finishes. */
export function answerTree(turns: readonly Turn[], { isSearch = false }: { readonly isSearch?: boolean } = {}): AnswerTree {
  const root: Draft = {
    kind: 'Action Input',
    description: '',
    depth: 0,
    turn: null,
    father: null,
    children: [],
    isFinished: false,
    number: 0,
  }
  const ends: Draft[] = []
  const all: Draft[] = [root]
  for (const [place, turn] of turns.entries()) {
    let at = (turn.parent === null ? root : ends[turn.parent]) ?? root
    for (const made of piecesOf(turn)) {
      const node: Draft = { ...made, depth: at.depth + 1, turn: place, father: at, children: [], isFinished: false, number: 0 }
      at.children.push(node)
      all.push(node)
      at = node
    }
    at.isPruned = turn.pruned
    ends.push(at)
  }
  if (isSearch) {
    // The search visits the root first, as number 0, and then the turns in their order.
    for (const [place, node] of ends.entries()) node.number = place + 1
    for (const [place, turn] of turns.entries()) if (isAnswered(turn)) finish(ends[place] ?? root)
  }
  const last = turns.flatMap((turn, place) => (isAnswered(turn) ? [ends[place] ?? root] : []))
  const firsts = turns.flatMap(({ parent }, place) => (parent === null ? [place] : []))
  const tryOf = (node: Draft): number => firsts.findLastIndex((first) => first <= (node.turn ?? 0))
  const tries = firsts.map((first, at) => ends.slice(first, firsts[at + 1]).at(-1) ?? root)
  return {
    ...{ tree: written(root, true), size: all.length, depth: 1 + Math.max(...all.map(({ depth }) => depth)) },
    tries: tries.map(chainTo),
    answered: last.map(tryOf),
    candidates: last.map(chainTo),
  }
}

interface Draft {
  readonly kind: 'Thought' | 'Action' | 'Action Input'
  readonly description: string
  readonly observation?: string
  readonly code?: number
  readonly depth: number
  readonly turn: number | null
  readonly father: Draft | null
  readonly children: Draft[]
  isPruned?: boolean
  isFinished: boolean
  number: number
}

const isAnswered = (turn: Turn): boolean => endingOf(turn) === observationCode.finished

const piecesOf = ({ thought, calls }: Turn): Pick<Draft, 'kind' | 'description' | 'observation' | 'code'>[] => [
  ...(thought === null ? [] : [{ kind: 'Thought', description: thought } as const]),
  ...calls.flatMap(({ name, arguments: input, observation, code }) => [
    { kind: 'Action', description: name } as const,
    { kind: 'Action Input', description: input, observation, code } as const,
  ]),
]

/** The released code's `make_finish(2)`: upwards, past two inputs. */
function finish(node: Draft): void {
  let left = 2
  for (let at: Draft | null = node; at !== null && left >= 0; at = at.father) {
    at.isFinished = true
    if (at.kind === 'Action Input') left -= 1
  }
}

function chainTo(last: Draft): WrittenNode[] {
  const chain: WrittenNode[] = []
  for (let at = last; at.father !== null; at = at.father) chain.unshift(written(at, false))
  return chain
}

function written(node: Draft, isTree: boolean): WrittenNode {
  const { kind, description, observation = '', code, depth, children, number, isPruned = false, isFinished } = node
  return {
    ...{ is_terminal: false, pruned: isPruned, finished: isFinished, depth, node_type: kind, description, Elo: 1000.0 },
    ...(observation === '' ? {} : { observation }),
    ...(code === undefined ? {} : { observation_code: code }),
    ...{ child_count: children.length, expand_num: number },
    ...(kind === 'Action Input' ? { io_state: {} } : {}),
    ...(isTree ? { children: children.map((child) => written(child, true)) } : {}),
  }
}
