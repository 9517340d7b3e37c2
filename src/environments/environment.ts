/**
 * The seam to whatever an agent acts in. A call may take time and may fail, a turn may hold several calls, a user may speak in the
 * middle, and everything can be cancelled. A tool that fails gives a reply; an environment that fails throws an `EnvironmentError`.
 */
import type { z } from 'zod'
import type { ConversationMessage } from './conversation'
import type { WorldParts } from './worldParts'
import type { AnswerStatus, StepTruth, ToolCall, ToolSpec } from '../records/trajectory'

/** One task: what the agent is asked, and what is known of a correct solution. */
export interface Query {
  readonly query_id: string
  /** Dense index of the query inside its benchmark, across its splits: the random number key of its rollouts. */
  readonly index: number
  readonly text: string
  /** The conversation before the agent's first turn; absent: the user says `text`. */
  readonly messages?: readonly ConversationMessage[]
  /** A stratum of the split, such as ToolBench's `I1-instruction` or `I3`. */
  readonly group: string
  readonly split: string
  /** Names of the tools a shortest correct path calls, in order; empty where nobody knows. */
  readonly goldTools: readonly string[]
  /** Every invented name the query or its gold path mentions. */
  readonly entities: readonly string[]
}

/** The reasons why a tool gave no result. Each environment decides which of them occur. */
export type ToolErrorKind =
  | 'bad-call'
  | 'unknown-tool'
  | 'bad-arguments'
  | 'no-result'
  | 'quota'
  | 'timeout'
  | 'unavailable'
  | 'failed'
  /** The episode had ended before the call. */
  | 'ended'

/** The reply of a tool to one call. */
export interface ToolReply {
  /** The text that the agent reads, also for an error. */
  readonly text: string
  /** null if the call succeeded. */
  readonly error: ToolErrorKind | null
  /** The environment's knowledge about the call; null if it has none. */
  readonly truth: StepTruth | null
  /** The time of the call in milliseconds; null if it was not measured, as for a tool that only computes. */
  readonly elapsedMs: number | null
}

/** How an episode ended. */
export interface Verdict {
  readonly status: AnswerStatus
  readonly truth: StepTruth
}

/** A second episode in the same state, or why there can be none. */
export type EpisodeCopy = { readonly ok: true; readonly episode: Episode } | { readonly ok: false; readonly reason: string }

export interface Cancellable {
  /** Aborting it makes the promise reject with the signal's reason. */
  readonly signal?: AbortSignal
}

/** One attempt at one query. */
export interface Episode {
  readonly query: Query
  /** The tools this episode offers: all of the environment's, or those its query lists. */
  readonly tools: readonly ToolSpec[]
  /** Present where the types that the agent wrote are judged: calls arrive as they were written, and are not fitted to the tools' schemas. */
  readonly takesCallsAsWritten?: true
  /** The calls of one turn, in order; one reply for each, in the same order. */
  call(calls: readonly ToolCall[], options?: Cancellable): Promise<readonly ToolReply[]>
  /** The user's reply to the agent; null when the user says nothing more, so that the agent's words were its final answer. When absent, users speak once. */
  userTurn?(said: string, options?: Cancellable): Promise<string | null>
  /** True once nothing more can be said or called, as after the calls of a task of one turn. When absent, an episode ends with an answer. */
  isOver?(): boolean
  /** Ends the episode with the agent's answer, null for giving up, and judges it. */
  finish(answer: string | null, options?: Cancellable): Promise<Verdict>
  /** For tree search, which tries several continuations of one state. */
  copy(): EpisodeCopy
  /** Frees what the episode holds. Calling it twice is no error. */
  close(): Promise<void>
}

export interface OpenEpisodeOptions extends Cancellable {
  /** For environments that draw at random; the same seed gives the same episode. When absent, the seed is 0. */
  readonly seed?: number
}

/** A set of tools with whatever is behind them. */
export interface Environment {
  /** Its name in the catalogue. */
  readonly name: string
  readonly title: string
  readonly description: string
  /** SHA-256 of everything that decides behaviour, as far as it can be known. It is stored with every result. */
  readonly hash: string
  readonly tools: readonly ToolSpec[]
  /** Begins an episode; with null, one without a task that offers every tool, for trying them by hand. Throws EnvironmentError. */
  open(query: Query | null, options?: OpenEpisodeOptions): Promise<Episode>
}

/** An entry of the catalogue: an environment that is created when it is needed. */
export interface EnvironmentDefinition {
  readonly name: string
  readonly title: string
  readonly description: string
  /** What the user must give, as a noun phrase: `the file ToolHop.json`; absent: nothing. */
  readonly needs?: string
  /** What it is made from may change while Hone runs, such as the tools of a server. */
  readonly canChange?: true
  /** Settings that the user may choose; absent: there are none. */
  readonly settings?: z.ZodObject
  /** Present where a chat model can play its tools. */
  readonly usesSimulator?: true
  /** Throws EnvironmentError, or rejects with it, if the data or the settings do not fit. */
  create(parts: WorldParts): Environment | Promise<Environment>
}

/** One that the user need not give anything for: it is there at once. */
export interface BuiltInEnvironment extends EnvironmentDefinition {
  readonly needs?: never
  create(parts: WorldParts): Environment
}

export type EnvironmentErrorCode = 'unknown-query' | 'unknown-split' | 'unavailable' | 'timeout' | 'protocol'

/** The environment itself failed: not a tool's error, which is a reply. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError'
  readonly code: EnvironmentErrorCode
  constructor(code: EnvironmentErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

/** Rejects with the signal's reason as soon as it aborts, even if `work` continues. */
export async function cancellable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work
  signal.throwIfAborted()
  let stop: () => void = () => undefined
  const aborted = new Promise<never>((_, reject) => {
    stop = () => {
      reject(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)))
    }
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
