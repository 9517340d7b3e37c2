/** A state of the search: what a turn of the model led to. */
import type { ToolCall } from '../../../records/trajectory'
import type { AgentSession, Opening } from '../../agent'
import type { NextMessage, ParsedTurn } from '../../callFormats/callFormat'
import type { EpisodeState } from './episodeBranches'
import type { Tried } from './prompts'

/** How a path ended: with an answer, with giving up, or because it is too deep, too long for the context or over a budget. */
export type PathEnd = 'answer' | 'give-up' | 'leaf'

export interface TreeNode {
  /** Place of its step; null at the root. */
  readonly step: number | null
  readonly above: TreeNode | null
  /** Turns of the model from the root. */
  readonly depth: number
  /** Thoughts, actions and their inputs from the root. */
  readonly levels: number
  /** The conversation up to this turn. */
  readonly session: AgentSession
  readonly state: EpisodeState
  /** What is said next: at the root the opening. */
  readonly next: Opening | readonly NextMessage[]
  /** The turn as prompts describe it to the model; null at the root. */
  readonly tried: Tried | null
  readonly children: TreeNode[]
  readonly end: PathEnd | null
  /** The answer where `end` is `answer`. */
  readonly answer: string | null
  /** When the search came here, from 0; null: it did not. */
  order: number | null
}

/** Levels of a turn as StepTool counts them: its thought, and an action and an input for each call. */
export function levelsOf({ reasoning, content, calls, answer }: ParsedTurn): number {
  // What a turn with an answer says besides its reasoning is the input of the action that ends the episode.
  const hasThought = reasoning !== '' || calls.length === 0 || (content !== '' && answer === undefined)
  return (hasThought ? 1 : 0) + 2 * calls.length
}

/** What was tried from the root to a node. */
export function triedUpTo(node: TreeNode): Tried[] {
  const path: Tried[] = []
  for (let at: TreeNode | null = node; at; at = at.above) if (at.tried) path.unshift(at.tried)
  return path
}

export const triedAs = (calls: readonly ToolCall[], said: string, replies: readonly { readonly content: string }[]): Tried => ({
  ...{ calls, said },
  observation: replies.map(({ content }) => content).join('\n'),
})
