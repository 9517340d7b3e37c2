/** Runs many episodes at once with a batched policy: each has its own agent loop, and the policy batches their requests. */
import type { Policy } from './policy'
import type { TextCodec } from '../base/textCodec'
import type { CallFormat } from './callFormats/callFormat'
import { strategies } from './strategies'
import type { StrategyName } from './strategies'
import type { Budget } from './strategies/strategy'
import type { Environment, Query } from '../environments/environment'
import type { SamplingFilters } from '../records/samplingFilters'
import type { Trajectory } from '../records/trajectory'

export interface RolloutOptions {
  readonly policy: Policy
  readonly environment: Environment
  readonly codec: TextCodec
  readonly format: CallFormat
  readonly queries: readonly Query[]
  /** Episodes of each query. */
  readonly samples: number
  /** The first sample number; later iterations use other numbers, so that they draw other tokens. */
  readonly firstSample?: number
  readonly strategy: StrategyName
  readonly budget: Budget
  readonly temperature: number
  /** When absent, tokens are sampled from the policy's own distribution, as reinforcement learning needs. */
  readonly sampling?: SamplingFilters | undefined
  /** Per completion. */
  readonly maxNewTokens: number
  readonly maxContext: number
  /** Prefix of trajectory ids, unique in the store: `<source>/<query>/<sample>`. */
  readonly source: string
  readonly signal?: AbortSignal
  readonly now?: () => number
  onTrajectory?(trajectory: Trajectory): void
}

/** Sample numbers are below this; branches of one attempt draw with numbers above it. */
const BRANCH = 1 << 16

/** Returns trajectories in the order of queries and then samples, whatever the order in which they finished. */
export async function rolloutEpisodes(options: RolloutOptions): Promise<Trajectory[]> {
  const { policy, environment, samples, firstSample = 0, source, signal } = options
  const attempts = options.queries.flatMap((query) =>
    Array.from({ length: samples }, (_, index) => ({ query, sample: firstSample + index })),
  )
  return Promise.all(
    attempts.map(async ({ query, sample }) => {
      const trajectory = await strategies[options.strategy].run({
        query,
        openSession: (branch = 0) => policy.open({ query: query.index, sample: sample + branch * BRANCH }),
        openEpisode: () => environment.open(query, signal ? { signal, seed: sample } : { seed: sample }),
        codec: options.codec,
        format: options.format,
        budget: options.budget,
        temperature: options.temperature,
        sampling: options.sampling,
        maxNewTokens: options.maxNewTokens,
        maxContext: options.maxContext,
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
