/** Practice: the policy tries queries that no exam asks, and every step is labelled by what the environment knows about it. */
import type { RowParts } from '../../annotation/opinions'
import { resolveRewards } from '../../annotation/resolver'
import { annotateByWorld } from '../../annotation/rules'
import { createRng } from '../../base/random'
import type { StrategyChoice } from '../../agents/strategies/strategyChoice'
import type { Benchmark } from '../../environments/benchmark'
import type { Query } from '../../environments/environment'
import type { Opinion } from '../../records/annotation'
import { stepsOf, type Trajectory } from '../../records/trajectory'
import type { Store } from '../../storage/store'
import { isCutShort } from '../../training/batches/outcome'
import { roundName } from '../../training/batches/rounds'
import type { StudioEvent } from '../../worker/protocol'
import { createTrajectoryRecorder } from '../evaluations/trajectoryRecorder'
import type { JobControl } from '../jobs/jobControl'
import { retryWhenStorageFull } from '../storage/retryWhenStorageFull'
import type { ActingPolicy, GenerationLimits } from './policyBackend'
import type { LabelledTrajectory } from '../../training/batches/labelledTrajectory'

/** After the first batch a few of each are kept: enough to look at, and a long run does not fill the browser. */
const KEPT_PER_BATCH = 8

export interface PracticePlan {
  readonly benchmark: Benchmark
  readonly split: string
  readonly queriesPerStep: number
  readonly samplesPerQuery: number
  readonly choice: StrategyChoice
  readonly callBudget: number
  readonly limits: GenerationLimits
  readonly temperature: number
  readonly seed: number
  /** Episodes generated at once; null: what suits the GPU. */
  readonly slots: number | null
  /** The null experiment: rewards and statuses are permuted within each batch. */
  readonly shufflesRewards: boolean
  /** Whether every attempt is stored, or a few of each batch. */
  readonly keepsAll: boolean
}

interface PracticeParts {
  readonly store: Store
  readonly rows: RowParts
  readonly emit: (event: StudioEvent) => void
}

interface PracticeBatch {
  readonly trajectories: readonly Trajectory[]
  readonly leftOut: number
}

export interface Practice {
  /** Rolls out one batch. `onProgress` counts trajectories; `leftOut` those that may not be trained on. */
  batch(policy: ActingPolicy, step: number, onProgress: (done: number, total: number) => void): Promise<PracticeBatch>
  /** Labels a batch; rows of the trajectories that are kept are stored. */
  label(trajectories: readonly Trajectory[], step: number, onProgress?: (done: number) => void): Promise<readonly LabelledTrajectory[]>
}

/** Stores list by id. */
const tagOf = (round: number): string => `practice-${roundName(round)}`

/** Each pass over the queries in its own order, drawn from the seed. */
export function practiceQueries(queries: readonly Query[], perStep: number, step: number, seed: number): Query[] {
  const chosen: Query[] = []
  for (let at = step * perStep; chosen.length < Math.min(perStep, queries.length); at++) {
    const pass = Math.floor(at / queries.length)
    const query = createRng(seed, 77, pass).shuffle(queries)[at % queries.length]
    if (query && !chosen.includes(query)) chosen.push(query)
  }
  return chosen
}

/**
 * Leaves out attempts that mention a name only the exam may ask about: a model that copies badly writes one now and then. All
 * attempts at the same query are left out with it, so that groups stay whole.
 */
export function withoutHeldOut(trajectories: readonly Trajectory[], { heldOut }: Pick<Benchmark, 'heldOut'>): Trajectory[] {
  const names = (record: Trajectory): boolean => (JSON.stringify(record).match(NAME) ?? []).some((word) => heldOut.has(word))
  const left = new Set(trajectories.filter(names).map(({ task }) => task.query_id))
  return trajectories.filter(({ task }) => !left.has(task.query_id))
}
const NAME = /[A-Z][a-z]+/g

export function createPractice(plan: PracticePlan, control: JobControl, { store, rows, emit }: PracticeParts): Practice {
  const all = plan.benchmark.queries(plan.split)
  const isKept = (step: number, index: number): boolean => plan.keepsAll || step === 0 || index < KEPT_PER_BATCH
  /** A resumed run practises the steps after its checkpoint again, with the same labels. */
  async function addOnce(trajectoryId: string, opinions: readonly Opinion[]): Promise<void> {
    const { records } = await store.opinions.listOf(trajectoryId)
    if (records.length === 0) await store.opinions.add(opinions)
  }
  return {
    async batch(policy, step, onProgress) {
      const queries = practiceQueries(all, plan.queriesPerStep, step, plan.seed)
      const total = queries.length * plan.samplesPerQuery
      let done = 0
      const rolled = await policy.rollout({
        environment: plan.benchmark.environment,
        queries,
        samples: plan.samplesPerQuery,
        temperature: plan.temperature,
        callBudget: plan.callBudget,
        ...plan.choice,
        signal: control.signal,
        onText: (text) => {
          emit({ type: 'token', run_id: control.runId, text })
        },
        onTrajectory: () => {
          done += 1
          onProgress(done, total)
        },
      })
      const order = new Map(queries.map(({ query_id }, index) => [query_id, index]))
      const sorted = withoutHeldOut(rolled, plan.benchmark).sort(
        (a, b) => (order.get(a.task.query_id) ?? 0) - (order.get(b.task.query_id) ?? 0) || a.sample - b.sample,
      )
      const keep = createTrajectoryRecorder(control.runId, tagOf(step), { store, emit })
      const named = sorted.map((trajectory, index) =>
        isKept(step, index)
          ? keep.add(trajectory)
          : { ...trajectory, trajectory_id: `${control.runId}/${tagOf(step)}-${trajectory.task.query_id}-${trajectory.sample + 1}` },
      )
      await retryWhenStorageFull(control, () => keep.settle())
      return { trajectories: named, leftOut: rolled.length - named.length }
    },

    async label(trajectories, step, onProgress) {
      const labelled: LabelledTrajectory[] = []
      for (const [index, trajectory] of trajectories.entries()) {
        const opinions = annotateByWorld(trajectory, [], rows)
        if (isKept(step, index)) await retryWhenStorageFull(control, () => addOnce(trajectory.trajectory_id, opinions))
        labelled.push({ trajectory, rewards: resolveRewards(trajectory, opinions).map(({ value }) => value) })
        onProgress?.(index + 1)
      }
      return labelled
    },
  }
}

/** Means of a labelled batch and how many attempts it lost, reported beside the algorithm's own metrics. */
export function practiceMetrics(batch: readonly LabelledTrajectory[], leftOut: number): Record<string, number> {
  const rewards = batch.flatMap(({ rewards: own }) => own.filter((value) => value !== null))
  const steps = batch.flatMap(({ trajectory }) => stepsOf(trajectory))
  const calls = steps.filter(({ observation }) => observation !== null)
  const share = (part: number, whole: number): number => (whole === 0 ? Number.NaN : part / whole)
  return {
    reward: share(
      rewards.reduce((sum, value) => sum + value, 0),
      rewards.length,
    ),
    'completions/clipped_ratio': share(batch.filter(({ trajectory }) => isCutShort(trajectory)).length, batch.length),
    pass_rate: share(batch.filter(({ trajectory }) => trajectory.status === 'solved').length, batch.length),
    'tools/call_frequency': share(calls.length, batch.length),
    'tools/failure_frequency': share(calls.filter(({ truth }) => truth?.succeeded === false).length, calls.length),
    'practice/left_out': leftOut,
  }
}

export const practiceMeanings: Readonly<Record<string, string>> = {
  reward: 'Mean step reward of this batch of practice, 0 to 1.',
  pass_rate: 'Share of this batch of practice that was solved.',
  'completions/clipped_ratio': 'Share of this batch of practice that ran out of calls or tokens.',
  'tools/call_frequency': 'Tool calls per practice attempt.',
  'tools/failure_frequency': 'Share of these calls that failed.',
  'practice/left_out': 'Attempts of this batch that are not trained on: one at their query named what only the exam asks about.',
  'perf/time_per_step': 'Seconds that this step took, its practice among them.',
  'perf/throughput': 'Tokens trained and generated per second of this step.',
}
