/** What an exam that was interrupted left: the attempts that the same model made, asked in the same way, need not be made again. */
import { sha256 } from '../../base/sha256'
import { noFilters } from '../../records/samplingFilters'
import type { Trajectory } from '../../records/trajectory'
import type { Store } from '../../storage/store'
import type { RunRecorder } from '../runs/runRecorder'
import type { EvaluationRequest, ExamPhase } from './evaluationRequest'
import { attemptId } from './trajectoryRecorder'

/** Everything that an attempt depends on beside its query, which is part of the attempt's id. */
function sitterOf({ model, seed, callBudget, temperature, sampling = noFilters, benchmark, ...choice }: EvaluationRequest): string {
  const { strategy, strategySettings = {}, modelCalls = null } = choice
  const asked = [strategy, strategySettings, modelCalls, callBudget, temperature, sampling]
  return sha256(JSON.stringify([model.id, model.adapter_sha256, seed, ...asked, benchmark.environment.hash]))
}

/** An attempt that a tool's failure ended is made again. */
const isWhole = ({ stop_condition }: Trajectory): boolean => stop_condition !== 'error' && stop_condition !== 'cancelled'

/**
 * The attempts that this exam need not repeat; from here on the run's file says who sits it. Attempts of another model under the ids of
 * this exam are removed with the opinions about them: an exam that mixed two models would measure neither.
 */
export async function keptAttempts(
  request: EvaluationRequest,
  phase: ExamPhase,
  recorder: RunRecorder,
  store: Pick<Store, 'trajectories'>,
): Promise<Trajectory[]> {
  const sitter = sitterOf(request)
  const { exam, sitters = {} } = recorder.detail
  const wasBegun = sitters[phase] !== undefined || exam[phase].length > 0
  const runId = recorder.record.run_id
  const ids = new Set(request.queries.map(({ query_id }) => attemptId(runId, phase, query_id)))
  const stored = wasBegun ? (await store.trajectories.listOf({ run_id: runId })).records.filter((one) => ids.has(one.trajectory_id)) : []
  const isSame = sitters[phase] === sitter
  const kept = isSame ? stored.filter(isWhole) : []
  if (!isSame && stored.length > 0) {
    await store.trajectories.remove(...stored.map(({ trajectory_id }) => trajectory_id))
    recorder.note('A part of the exam had been sat by a model that is not quite this one, so the whole exam was sat again.')
  }
  if (!isSame) recorder.sits(phase, sitter)
  await recorder.settle()
  return kept
}
