/** Many episodes at once against a batched policy: each runs its own agent loop, the policy batches whatever they ask together. */
import type { Policy, TextCodec } from './policy'
import type { PromptFormat } from './prompts/promptFormat'
import { strategies } from './strategies'
import type { StrategyName } from './strategies'
import type { ToolWorld, WorldQuery } from '../environments/toolWorld'
import type { SamplingFilters } from '../records/samplingFilters'
import type { Trajectory } from '../records/trajectory'

export interface RolloutOptions {
  readonly policy: Policy
  readonly world: ToolWorld
  readonly codec: TextCodec
  readonly prompt: PromptFormat
  readonly queries: readonly WorldQuery[]
  /** Episodes of each query. */
  readonly samples: number
  /** Sample numbers start here: later iterations draw afresh. */
  readonly firstSample?: number
  readonly strategy: StrategyName
  readonly callBudget: number
  readonly temperature: number
  /** Absent: tokens are drawn from the policy itself, as reinforcement learning needs them. */
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

/** Trajectories in the order of queries, then samples, whatever order they finished in. */
export async function rolloutEpisodes(options: RolloutOptions): Promise<Trajectory[]> {
  const { policy, world, samples, firstSample = 0, source } = options
  const episodes = options.queries.flatMap((query) =>
    Array.from({ length: samples }, (_, index) => ({ query, sample: firstSample + index })),
  )
  return Promise.all(
    episodes.map(async ({ query, sample }) => {
      const session = await policy.open({ query: query.index, sample })
      try {
        options.signal?.throwIfAborted()
        const trajectory = await strategies[options.strategy].run({
          session,
          codec: options.codec,
          episode: world.start(query),
          prompt: options.prompt,
          callBudget: options.callBudget,
          temperature: options.temperature,
          sampling: options.sampling,
          maxNewTokens: options.maxNewTokens,
          maxContext: options.maxContext,
          trajectoryId: `${source}/${query.query_id}/${sample}`,
          sample,
          source,
          worldHash: world.hash,
          ...(options.now ? { now: options.now } : {}),
        })
        options.onTrajectory?.(trajectory)
        return trajectory
      } finally {
        session.close()
      }
    }),
  )
}
