/** Evaluates a policy on queries of a benchmark: it fills the grid cell by cell, stores every trajectory, and records the result. */
import type { NewId } from '../../base/id'
import type { Benchmark, ResultField } from '../../environments/benchmark'
import type { Query } from '../../environments/environment'
import { evaluateTrajectories } from '../../evaluation/evaluate'
import type { EvaluationRecord } from '../../records/evaluation'
import { noFilters } from '../../records/samplingFilters'
import { stepsOf, type Trajectory } from '../../records/trajectory'
import type { Store } from '../../storage/store'
import type { ExamCell, StudioEvent } from '../../worker/protocol'
import type { JobControl } from '../jobs/jobControl'
import type { RunRecorder } from '../runs/runRecorder'
import { retryWhenStorageFull } from '../storage/retryWhenStorageFull'
import type { ActingPolicy } from '../runs/policyBackend'
import type { EvaluationRequest, ExamPhase } from './evaluationRequest'
import { keptAttempts } from './keptAttempts'
import { createTrajectoryRecorder } from './trajectoryRecorder'

export interface EvaluationParts {
  readonly store: Store
  readonly emit: (event: StudioEvent) => void
  readonly newId: NewId
  readonly now: () => string
}

/** Returns how many queries were attempted now: what an interrupted run had attempted before is not attempted again. */
export async function evaluatePolicy(
  policy: Pick<ActingPolicy, 'rollout'>,
  request: EvaluationRequest,
  phase: ExamPhase,
  recorder: RunRecorder,
  control: JobControl,
  parts: EvaluationParts,
): Promise<number> {
  const { benchmark, queries } = request
  const stated: ResultFields = {
    strategy: request.strategy,
    call_budget: request.callBudget,
    temperature: request.temperature,
    sampling: request.sampling ?? noFilters,
    judge: benchmark.judge,
    prompt_hash: null,
    world_hash: benchmark.environment.hash,
  }
  checkStated(stated, benchmark)
  const kept = await retryWhenStorageFull(control, () => keptAttempts(request, phase, recorder, parts.store))
  const trajectories = await attemptQueries(policy, request, phase, kept, recorder, control, parts)
  const order = new Map(queries.map(({ query_id }, index) => [query_id, index]))
  trajectories.sort((a, b) => (order.get(a.task.query_id) ?? 0) - (order.get(b.task.query_id) ?? 0))
  const record: EvaluationRecord = {
    ...stated,
    ...(request.strategySettings === undefined ? {} : { strategy_settings: request.strategySettings }),
    model_call_budget: request.modelCalls ?? null,
    version: 1,
    evaluation_id: parts.newId('eval'),
    title: request.title,
    benchmark: benchmark.name,
    split: request.split,
    model: request.model,
    seed: request.seed,
    created_at: parts.now(),
    rows: [...evaluateTrajectories(trajectories, benchmark)],
  }
  await retryWhenStorageFull(control, () => parts.store.evaluations.put(record))
  await recorder.change({ evaluations: [...recorder.record.evaluations, record.evaluation_id] })
  return trajectories.length - kept.length
}

/** One attempt at each query that has none among `kept`, stored and shown in the grid as it ends. */
async function attemptQueries(
  policy: Pick<ActingPolicy, 'rollout'>,
  request: EvaluationRequest,
  phase: ExamPhase,
  kept: readonly Trajectory[],
  recorder: RunRecorder,
  control: JobControl,
  parts: EvaluationParts,
): Promise<Trajectory[]> {
  const { queries, shownAs, temperature, sampling = noFilters, callBudget, strategy, strategySettings, modelCalls = null } = request
  const { runId, signal } = control
  const cells = new Map(queries.map((query) => [query.query_id, blankCell(query)]))
  const attempted = new Map(kept.map((trajectory) => [trajectory.task.query_id, trajectory]))
  control.phase(shownAs.phase, queries.length, shownAs.message, kept.length)
  recorder.exam(
    phase,
    queries.length,
    [...cells.values()].map((cell) => filledCell(cell, attempted.get(cell.query_id))),
  )
  const stored = createTrajectoryRecorder(runId, phase, parts)
  const trajectories = [...kept]
  const remaining = queries.filter(({ query_id }) => !attempted.has(query_id))
  if (remaining.length === 0) return trajectories
  await policy.rollout({
    ...{ environment: request.benchmark.environment, queries: remaining, samples: 1, temperature, sampling, callBudget, signal },
    ...{ strategy, ...(strategySettings ? { strategySettings } : {}), modelCalls },
    onText: (text) => {
      parts.emit({ type: 'token', run_id: runId, text })
    },
    onTrajectory: (raw) => {
      const trajectory = stored.add(raw)
      trajectories.push(trajectory)
      const cell = cells.get(trajectory.task.query_id)
      if (cell) recorder.exam(phase, queries.length, [filledCell(cell, trajectory)])
      control.advance(trajectories.length)
    },
  })
  await retryWhenStorageFull(control, () => stored.settle())
  return trajectories
}

const blankCell = ({ query_id, group, text }: Query): ExamCell => ({ query_id, group, text, status: null, calls: 0, trajectory_id: null })

const filledCell = (cell: ExamCell, attempt: Trajectory | undefined): ExamCell =>
  attempt ? { ...cell, status: attempt.status, calls: callsOf(attempt), trajectory_id: attempt.trajectory_id } : cell

type ResultFields = Pick<EvaluationRecord, ResultField>

/** A result without what its benchmark asks it to state could be compared with results it must not be compared with. */
export function checkStated(record: ResultFields, { title, mustState }: Pick<Benchmark, 'title' | 'mustState'>): void {
  const missing = mustState.filter((field) => record[field] === null || record[field] === undefined || record[field] === '')
  if (missing.length > 0)
    throw new Error(`A result of ${title} must state ${missing.join(' and ')}, and this one would not. The evaluation was not started.`)
}

/** Calls that were made, also in branches that were given up. */
const callsOf = (trajectory: Trajectory): number => stepsOf(trajectory).reduce((sum, { replies }) => sum + replies.length, 0)

/** `count` queries with every group in its share, in a fixed order; all of them when there are no more. */
export function stratified(queries: readonly Query[], count: number): Query[] {
  if (count >= queries.length) return [...queries]
  const byGroup = [...queries].sort((a, b) => (a.group < b.group ? -1 : a.group > b.group ? 1 : a.index - b.index))
  const chosen = Array.from({ length: count }, (_, k) => byGroup[Math.floor(((k + 0.5) * queries.length) / count)])
  const wanted = new Set(chosen)
  return queries.filter((query) => wanted.has(query))
}
