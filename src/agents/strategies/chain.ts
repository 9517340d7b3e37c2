/** One chain of turns in one session and one episode: complete, call, append the replies, until an answer, a budget or the end of the context. */
import type { ConversationMessage } from '../../environments/conversation'
import type { Episode } from '../../environments/environment'
import type { AgentSession } from '../agent'
import type { NextMessage } from '../callFormats/callFormat'
import { callTools, giveAnswer, mayAsk, noAnswer, takeTurn, type Attempt, type Ending } from './attempt'

export interface ChainOptions {
  /** Not opened yet, unless there is a step before. */
  readonly session: AgentSession
  readonly episode: Episode
  /** Said before the first turn. */
  readonly conversation: readonly ConversationMessage[]
  readonly phase?: string
  /** Where the session goes on from: the step before, and what is said after it. */
  readonly after?: { readonly step: number; readonly messages: readonly NextMessage[] }
  /** Said after replies of which one is an error; when absent, nothing. */
  readonly afterErrors?: string
}

export interface ChainEnding extends Ending {
  /** The last step of the chain; null if it has none. */
  readonly last: number | null
}

/** Takes turn after turn until the chain ends. An episode that ended without an answer is not judged yet. */
export async function runChain(
  attempt: Attempt,
  { session, episode, conversation, phase, after, afterErrors }: ChainOptions,
): Promise<ChainEnding> {
  let last = after?.step ?? null
  let messages: readonly NextMessage[] | null = after?.messages ?? null
  while (mayAsk(attempt)) {
    const next = messages
    const turn = await takeTurn(
      attempt,
      last,
      () => (next ? session.next(next) : session.open({ tools: episode.tools, conversation })),
      phase,
    )
    // What comes next does not fit the context, so the step before it is the last.
    if (!turn) return { ...noAnswer('length'), last }
    last = turn.index
    if (turn.step.is_truncated) return { ...noAnswer('length'), last }
    const { answer } = turn.sampled.parsed
    if (answer === undefined) {
      const called = await callTools(attempt, episode, turn)
      if (!called) return { ...noAnswer('budget'), last }
      if (called.verdict) return { ...noAnswer('finish'), status: called.verdict.status, last }
      const advice: NextMessage[] = called.hasFailed && afterErrors !== undefined ? [{ role: 'user', content: afterErrors }] : []
      messages = [...called.messages, ...advice]
    } else {
      const given = await giveAnswer(attempt, episode, turn, answer)
      if (given.said === null) return { status: given.verdict.status, answer, stopReason: 'finish', failure: null, last }
      messages = [{ role: 'user', content: given.said }]
    }
  }
  return { ...noAnswer('budget'), last }
}

/** Judges an episode that ended without an answer. */
export async function judged<E extends Ending>({ options: { signal } }: Attempt, episode: Episode, ending: E): Promise<E> {
  if (ending.status !== null) return ending
  return { ...ending, status: (await episode.finish(null, signal ? { signal } : {})).status }
}
