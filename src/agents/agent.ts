/**
 * The seam between a strategy and what speaks: a local model, by token ids, or a server, by messages. A session is one growing conversation;
 * a strategy says what comes next in it and reads the turn that the agent answers with.
 */
import type { ConversationMessage } from '../environments/conversation'
import type { ToolSpec } from '../records/trajectory'
import type { NextMessage, ParsedTurn } from './callFormats/callFormat'

/** The first thing said in a session. */
export interface Opening {
  readonly tools: readonly ToolSpec[]
  readonly conversation: readonly ConversationMessage[]
}

/** A completed turn of the agent. */
export interface SampledTurn {
  readonly parsed: ParsedTurn
  /** What was appended to the conversation before the completion, as the model reads it. */
  readonly prompt: string
  readonly completion: string
  /** The system's and the user's words inside `prompt`. */
  readonly said: { readonly system?: string; readonly user?: string }
  /** null where the agent does not say which tokens it read and wrote. */
  readonly tokens: {
    readonly prompt_ids: readonly number[]
    readonly completion_ids: readonly number[]
    readonly completion_logprobs: readonly number[]
    readonly policy_version: number
  } | null
  /** The turn reached the limit of new tokens before it ended. */
  readonly isTruncated: boolean
}

export interface AgentSession {
  /** The first turn; null when the opening does not fit the context. */
  open(opening: Opening): Promise<SampledTurn | null>
  /** The turn after replies and words of the user; null when they do not fit the context. */
  next(messages: readonly NextMessage[]): Promise<SampledTurn | null>
  /**
   * Adds the opening, or replies and words of the user, and a turn that was sampled in another session with the same past, as if they had
   * been said here. Returns what stands before the turn, as the model reads it.
   */
  append(said: Opening | readonly NextMessage[], turn: SampledTurn): { readonly text: string; readonly ids: readonly number[] | null }
  /**
   * A second session with the same conversation so far, for tree search; of one that was not opened, an empty one. Both go on
   * independently, and the fork draws other tokens.
   * @param branch above 0, and another one for each fork of an attempt: draws are keyed by it.
   */
  fork(branch: number): Promise<AgentSession>
  close(): void
}

/** The agent failed to answer: a server's refusal, a lost connection. */
export class AgentError extends Error {
  override readonly name = 'AgentError'
  /** What kind of failure it is, such as `unauthorised` or `rate-limited`. */
  readonly code: string
  /** Every other attempt would fail alike. */
  readonly isFatal: boolean
  constructor(code: string, message: string, isFatal: boolean) {
    super(message)
    this.code = code
    this.isFatal = isFatal
  }
}

/** How an agent draws its tokens, and how many it may write and read, as records state it. */
export interface AgentLimits {
  /** 0 is greedy. */
  readonly temperature: number
  /** Tokens of one completion. */
  readonly maxNewTokens: number
  /** Tokens of the whole conversation; null: not known. */
  readonly maxContext: number | null
}
