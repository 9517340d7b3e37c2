/** The result of one model on one benchmark: a row for each query and repeat, and everything that decides which results it may be compared with. */
import { z } from 'zod'
import { samplingFilters } from './samplingFilters'
import { answerStatus } from './trajectory'

export const evaluationRow = z.object({
  query_id: z.string(),
  group: z.string(),
  repeat: z.int().nonnegative(),
  status: answerStatus,
  /** Tool calls of the whole attempt, those of branches that were given up among them. */
  calls: z.int().nonnegative(),
  /** Turns that the model wrote in the whole attempt. Missing in older results. */
  model_calls: z.int().nonnegative().optional(),
  /** Share of the gold tools that were called. */
  recall: z.number().min(0).max(1),
  /** The same when only the first calls count, by their number: entry 2 is the recall of two calls. Missing in older results. */
  recall_by_calls: z.array(z.number().min(0).max(1)).optional(),
  tokens: z.int().nonnegative(),
  /** Calls whose arguments were all copied from the query or an observation, and calls with at least one such argument due. */
  copied_calls: z.int().nonnegative(),
  copy_calls: z.int().nonnegative(),
  /** What else the benchmark measures, by its own names, such as `invocation_errors`; absent where it measures nothing else. */
  measures: z.record(z.string(), z.number()).exactOptional(),
  trajectory_id: z.string(),
})
export type EvaluationRow = z.infer<typeof evaluationRow>

export const evaluationRecord = z.object({
  version: z.literal(1),
  evaluation_id: z.string().min(1),
  title: z.string(),
  benchmark: z.string(),
  split: z.string(),
  strategy: z.string(),
  /** Missing in results from before strategies had settings: its usual ones. */
  strategy_settings: z.record(z.string(), z.unknown()).optional(),
  call_budget: z.int().positive(),
  /** Turns of the model; null or missing: as many as the tool calls allow. */
  model_call_budget: z.int().positive().nullable().optional(),
  temperature: z.number().nonnegative(),
  /** Missing in results from before they could be chosen: none. */
  sampling: samplingFilters.optional(),
  judge: z.string(),
  prompt_hash: z.string().nullable(),
  world_hash: z.string().nullable(),
  model: z.object({ id: z.string(), adapter_sha256: z.string().nullable() }),
  seed: z.int(),
  created_at: z.string(),
  rows: z.array(evaluationRow),
})
export type EvaluationRecord = z.infer<typeof evaluationRecord>
