/** Runs many episodes at once: each has its own agent loop, and a policy batches what they ask, or a server answers them side by side. */
import type { AgentLimits, AgentSession } from './agent'
import type { LocalAgentOptions } from './localAgent'
import { openLocalAgent } from './localAgent'
import type { Policy } from './policy'
import { strategies } from './strategies'
import type { Budget } from './strategies/strategy'
import type { StrategyChoice } from './strategies/strategyChoice'
import type { Environment, Query } from '../environments/environment'
import { withFittingArguments } from '../environments/fittingArguments'
import type { SamplingFilters } from '../records/samplingFilters'
import type { Trajectory } from '../records/trajectory'

/** Who speaks in the episodes. */
export interface Agent {
  readonly limits: AgentLimits
  /** How its tokens are drawn; when absent, from the model's own distribution, as reinforcement learning needs. */
  readonly sampling?: SamplingFilters | undefined
  /** The name of a server's model; absent for a local one. */
  readonly model?: string
  /** @param key of its draws: the same one gives the same tokens. */
  open(key: { readonly query: number; readonly sample: number }): Promise<AgentSession>
}

export interface RolloutOptions {
  readonly agent: Agent
  readonly environment: Environment
  readonly queries: readonly Query[]
  /** Episodes of each query. */
  readonly samples: number
  /** The first sample number; later iterations use other numbers, so that they draw other tokens. */
  readonly firstSample?: number
  readonly strategy: StrategyChoice['strategy']
  /** Settings that were checked; when absent, its usual ones. */
  readonly strategySettings?: StrategyChoice['strategySettings']
  readonly budget: Budget
  /** Prefix of trajectory ids, unique in the store: `<source>/<query>/<sample>`. */
  readonly source: string
  readonly signal?: AbortSignal
  readonly now?: () => number
  onTrajectory?(trajectory: Trajectory): void
}

/** A policy of this process as an agent. */
export function localAgent(policy: Policy, options: LocalAgentOptions): Agent {
  return {
    limits: { temperature: options.temperature, maxNewTokens: options.maxNewTokens, maxContext: options.maxContext },
    sampling: options.sampling,
    open: async (key) => openLocalAgent(await policy.open(key), key, options),
  }
}

/** Returns trajectories in the order of queries and then samples, whatever the order in which they finished. */
export async function rolloutEpisodes(options: RolloutOptions): Promise<Trajectory[]> {
  const { agent, environment, samples, firstSample = 0, source, signal } = options
  const attempts = options.queries.flatMap((query) =>
    Array.from({ length: samples }, (_, index) => ({ query, sample: firstSample + index })),
  )
  return Promise.all(
    attempts.map(async ({ query, sample }) => {
      const trajectory = await strategies[options.strategy].run({
        query,
        openSession: () => agent.open({ query: query.index, sample }),
        openEpisode: async () => withFittingArguments(await environment.open(query, signal ? { signal, seed: sample } : { seed: sample })),
        budget: options.budget,
        settings: options.strategySettings,
        ...agent.limits,
        sampling: agent.sampling,
        ...(agent.model === undefined ? {} : { model: agent.model }),
        trajectoryId: `${source}/${query.query_id}/${sample}`,
        sample,
        source,
        worldHash: environment.hash,
        ...(options.now ? { now: options.now } : {}),
        ...(signal ? { signal } : {}),
      })
      options.onTrajectory?.(trajectory)
      return trajectory
    }),
  )
}
