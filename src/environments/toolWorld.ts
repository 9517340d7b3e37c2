/** A world of tools an agent acts in. */
import type { AnswerStatus, StepTruth, ToolCall, ToolSpec } from '../records/trajectory'

export interface WorldQuery {
  readonly query_id: string
  /** Dense index of the query inside the world: the RNG key of its rollouts. */
  readonly index: number
  readonly text: string
  /** `I1-instruction`, `I1-tool`, `I1-category`, `I2-instruction`, `I2-category`, `I3`. */
  readonly group: string
  readonly split: string
  /** Names of the tools a shortest correct path calls, in order. */
  readonly goldTools: readonly string[]
  /** Every invented name the query or its gold path mentions. */
  readonly entities: readonly string[]
}

export interface Observation {
  readonly text: string
  readonly truth: StepTruth
}

export interface Verdict {
  readonly status: AnswerStatus
  readonly truth: StepTruth
}

export interface Episode {
  readonly query: WorldQuery
  readonly tools: readonly ToolSpec[]
  call(call: ToolCall): Observation
  /** Ends the episode: all facts there = solved, some = unsure, none or give-up = unsolved. */
  finish(answer: string | null): Verdict
}

export interface ToolWorld {
  readonly id: string
  /** SHA-256 over everything that decides behaviour. Stands on every result. */
  readonly hash: string
  readonly tools: readonly ToolSpec[]
  /** `train`, `practice`, `exam`, `dev`. */
  readonly splits: readonly string[]
  /** Names that only the exam may mention: an attempt at anything else that holds one is not trained on. */
  readonly heldOut: ReadonlySet<string>
  queries(split: string): readonly WorldQuery[]
  /** Deterministic: the same query and the same calls give the same observations. */
  start(query: WorldQuery): Episode
}
