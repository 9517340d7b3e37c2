/** Valid records for tests, made through their schemas. */
import { opinion, type Opinion } from '../../src/records/annotation'
import { evaluationRecord, type EvaluationRecord } from '../../src/records/evaluation'
import { runRecord, type RunRecord } from '../../src/records/run'
import type { Trajectory } from '../../src/records/trajectory'
import { trajectoryFromSteps, type StepInput, type TrajectoryFromStepsInput } from '../../src/records/trajectoryFromSteps'
import type { DatasetRow } from '../../src/records/dataset'

export const aRun = (run_id: string, title = 'A run'): RunRecord =>
  runRecord.parse({
    version: 1,
    run_id,
    title,
    kind: 'train',
    algorithm: 'steptoolPpo',
    config: { gamma: 0.99 },
    model: { id: 'starter', sha256: 'x' },
    data: [],
    seed: 1,
    adapter: null,
    world_hash: null,
    created_at: '2026-01-01',
    finished_at: null,
    status: 'running',
    error: null,
    steps_done: 0,
    adapter_sha256: null,
    notes: [],
    evaluations: [],
  })
export const aDataset = (dataset_id: string): DatasetRow => ({
  dataset_id,
  name: 'a.csv',
  format: 'steptoolCsv',
  sha256: 'x',
  bytes: 3,
  rows: 1,
  trajectories: 1,
  steps: 1,
  created_at: '2026-01-01',
  problems: [{ file: 'a.csv', row: 2, column: null, expected: 'x', found: 'y', message: 'z' }],
})

type TrajectoryFields = Partial<Omit<TrajectoryFromStepsInput, 'task' | 'steps'>>

/** A trajectory of query `q`. A step without `parent` follows the one before it; unless a step says so itself, the last one is final. */
export function trajectoryOf(
  steps: readonly Partial<StepInput>[],
  { query_id = 'q', query = 'q', ...fields }: TrajectoryFields & { readonly query_id?: string; readonly query?: string } = {},
): Trajectory {
  return trajectoryFromSteps({
    trajectory_id: 't',
    ...fields,
    task: { query_id, query },
    steps: steps.map((step, at) => ({
      ...{ parent: at === 0 ? null : at - 1, prompt: '', completion: '', is_final: at === steps.length - 1 },
      ...step,
    })),
  })
}

export const aTrajectory = (trajectory_id: string, query = 'How far?'): Trajectory =>
  trajectoryOf([{ prompt: 'p', completion: 'c', is_final: false }], { trajectory_id, query })

export const anOpinion = (opinion_id: string, trajectory_id: string, value = 1): Opinion =>
  opinion.parse({
    version: 1,
    opinion_id,
    trajectory_id,
    step: 0,
    name: 'reward',
    value,
    annotator_kind: 'HUMAN',
    annotator_id: 'Ada',
    created_at: '2026-01-01',
  })
export const anEvaluation = (evaluation_id: string): EvaluationRecord =>
  evaluationRecord.parse({
    version: 1,
    evaluation_id,
    title: 'E',
    benchmark: 'b',
    split: 's',
    strategy: 'cot',
    call_budget: 6,
    temperature: 0,
    judge: 'world',
    prompt_hash: null,
    world_hash: null,
    model: { id: 'm', adapter_sha256: null },
    seed: 1,
    created_at: '2026-01-01',
    rows: [],
  })
