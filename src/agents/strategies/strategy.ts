/** The seam to a strategy: a way to spend a budget of calls on an episode. */
import type { z } from 'zod'
import type { Episode, Query } from '../../environments/environment'
import type { SamplingFilters } from '../../records/samplingFilters'
import type { Trajectory } from '../../records/trajectory'
import type { AgentLimits, AgentSession } from '../agent'

/** The budget of an attempt. */
export interface Budget {
  /** Calls of tools. After the last one the agent may still answer. */
  readonly toolCalls: number
  /** Completions of the model; null: as many as the tool calls allow. */
  readonly modelCalls: number | null
}

export interface StrategyOptions extends AgentLimits {
  readonly query: Query
  /**
   * A new, empty conversation with the agent. A strategy opens one and takes all others as its forks, also the empty ones of other passes: a
   * second one would wait for a place that other attempts may keep. The strategy closes what it opens and forks.
   */
  readonly openSession: () => Promise<AgentSession>
  /** A new attempt at the query. A chain needs one; phases open one for each pass. The strategy closes what it opens. */
  readonly openEpisode: () => Promise<Episode>
  readonly budget: Budget
  /** Settings of the strategy that were checked; when absent, its usual ones. */
  readonly settings?: Readonly<Record<string, unknown>> | undefined
  /** How tokens are drawn, for the record. When absent, from the policy's own distribution. */
  readonly sampling?: SamplingFilters | undefined
  readonly trajectoryId: string
  /** The name of a server's model; absent for a local one, which its run names. */
  readonly model?: string
  /** Which repeat of the query this is. */
  readonly sample?: number
  /** `run:<id>` for rollouts. */
  readonly source?: string
  readonly worldHash?: string | null
  /** A clock in milliseconds; without one the steps carry no timing. */
  readonly now?: () => number
  /** Aborting it makes `run` reject with its reason, also in the middle of a tool's call. */
  readonly signal?: AbortSignal
}

export interface Strategy {
  readonly name: string
  readonly title: string
  /** `chain`: one path. `tree`: several paths from states that it returns to. `phases`: passes that each know what came out of the last. */
  readonly kind: 'chain' | 'tree' | 'phases'
  readonly help: string
  /** What a request may choose. Every field has a default and a line of help. */
  readonly settings: z.ZodObject
  /** Completions of the model in an attempt where the request sets no limit; null: as many as the tool calls allow. */
  readonly modelCalls: number | null
  /** Throws RangeError for a budget below one; an environment that fails ends the attempt with the stop reason `error`. */
  run(options: StrategyOptions): Promise<Trajectory>
}
