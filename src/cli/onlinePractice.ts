/** Practice for online training: every step, queries of the practice split, rolled out by the policy as it is, labelled by what the environment knows. */
import { annotateByWorld } from '../annotation/rules'
import type { StrategyName } from '../agents/strategies'
import { createRng } from '../base/random'
import type { Gate } from '../engine/plan/executable'
import { splitFor, type Benchmark } from '../environments/benchmark'
import type { Opinion } from '../records/annotation'
import type { Trajectory } from '../records/trajectory'
import { practiceMetrics, practiceQueries, withoutHeldOut } from '../studio/runs/practice'
import type { LabelledTrajectory } from '../training/batches/labelledTrajectory'
import { roundName } from '../training/batches/rounds'
import type { PolicyModel } from '../training/policy/policyModel'
import { createActor, type ActingParts, type Actor } from './acting'
import { labelled, rowParts } from './datasetFiles'

export interface PracticeOptions {
  readonly benchmark: Benchmark
  readonly text: ActingParts['text']
  readonly strategy: StrategyName
  /** Trajectories of one step. */
  readonly batch: number
  /** Attempts at each query. */
  readonly samples: number
  readonly callBudget: number
  readonly slots: number | null
  readonly seed: number
  /** The null experiment: step rewards permuted among the labelled steps of the batch, statuses among its trajectories. */
  readonly shuffleRewards: boolean
  readonly gate: Gate
  readonly signal: AbortSignal
  readonly now: () => number
  /** What was practised in a step, with the world's own labels. A resumed run practises its last steps again. */
  keep(step: number, attempts: readonly Attempt[]): void
}

export interface Attempt {
  readonly trajectory: Trajectory
  readonly opinions: readonly Opinion[]
}

export interface OnlinePractice {
  next(policy: PolicyModel, step: number): Promise<readonly LabelledTrajectory[]>
  /** Of the batch of a step: mean reward, pass rate, calls. Once. */
  takeMetrics(step: number): Readonly<Record<string, number>>
  readonly generatedTokens: number
  destroy(): Promise<void>
}

const STREAM = { rewards: 79, statuses: 81 } as const

export function onlinePractice(options: PracticeOptions): OnlinePractice {
  const { benchmark, seed } = options
  const queries = benchmark.queries(splitFor(benchmark, 'practice'))
  const metrics = new Map<number, Record<string, number>>()
  let actor: Actor | null = null
  return {
    async next(policy, step) {
      actor ??= createActor({
        ...options,
        limits: benchmark.limits,
        model: policy.model,
        lookup: policy.model.lookup(policy.packed),
        lora: policy.trainable.kind === 'lora' ? policy.trainable.lora : null,
      })
      // Caches and draws belong to the weights of this step.
      actor.version = step
      const trajectories = await actor.act({
        environment: benchmark.environment,
        queries: practiceQueries(queries, options.batch / options.samples, step, seed),
        samples: options.samples,
        strategy: options.strategy,
        callBudget: options.callBudget,
        // Reinforcement learning needs the policy's own distribution.
        temperature: 1,
        source: `practice-${roundName(step)}`,
        signal: options.signal,
      })
      const attempts = withoutHeldOut(trajectories, benchmark).map((trajectory) => ({
        trajectory,
        opinions: annotateByWorld(trajectory, [], rowParts),
      }))
      options.keep(step, attempts)
      const batch = attempts.map(labelled)
      metrics.set(step, practiceMetrics(batch, trajectories.length - attempts.length))
      return options.shuffleRewards ? shuffledRewards(batch, seed, step) : batch
    },
    takeMetrics(step) {
      const found = metrics.get(step) ?? {}
      metrics.delete(step)
      return found
    },
    get generatedTokens() {
      return actor?.generatedTokens ?? 0
    },
    destroy: async () => actor?.destroy(),
  }
}

/**
 * The same rewards on other steps, the same statuses on other trajectories: what is learnt from these is not learnt from the labels.
 * Unlabelled steps stay so.
 */
export function shuffledRewards(batch: readonly LabelledTrajectory[], seed: number, step: number): LabelledTrajectory[] {
  const rewards = batch.flatMap((one) => one.rewards.filter((reward) => reward !== null))
  const order = createRng(seed, STREAM.rewards, step).shuffle(rewards)
  const statuses = createRng(seed, STREAM.statuses, step).shuffle(batch.map(({ trajectory }) => trajectory.status))
  let next = 0
  return batch.map((one, index) => ({
    trajectory: { ...one.trajectory, status: statuses[index] ?? null },
    rewards: one.rewards.map((reward) => (reward === null ? null : (order[next++] ?? reward))),
  }))
}
