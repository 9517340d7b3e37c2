/** A run: the recipe it followed, the metrics it left, its checkpoints and evaluations. */
import { z } from 'zod'
import { gpuInfo } from './gpuInfo'
import { kernelTable } from './kernelTable'

export { gpuInfo, type GpuInfo } from './gpuInfo'

const runStatus = z.enum(['running', 'paused', 'finished', 'cancelled', 'failed'])

export const runRecord = z.object({
  version: z.literal(1),
  run_id: z.string().min(1),
  title: z.string(),
  kind: z.enum(['story', 'train', 'evaluate', 'rollout']),
  algorithm: z.string().nullable(),
  /** The algorithm's config after defaults were filled in. */
  config: z.record(z.string(), z.unknown()),
  model: z.object({ id: z.string(), sha256: z.string() }),
  data: z.array(z.object({ id: z.string(), sha256: z.string() })),
  seed: z.int(),
  adapter: gpuInfo.nullable(),
  /** The measured kernels it computes with, resumed or not; none: the fixed ones. */
  kernels: kernelTable.optional(),
  world_hash: z.string().nullable(),
  created_at: z.string(),
  finished_at: z.string().nullable(),
  status: runStatus,
  error: z.string().nullable(),
  /** Why the run paused by itself, and what to do; null or absent where it did not. */
  pause_reason: z.string().nullable().optional(),
  steps_done: z.int().nonnegative(),
  /** SHA-256 of the LoRA adapter (and value head) before and after. */
  adapter_sha256: z.object({ before: z.string(), after: z.string().nullable() }).nullable(),
  /** Sentences for the run card: truncation, switches, not-trained steps. */
  notes: z.array(z.string()),
  evaluations: z.array(z.string()),
  /** When its tab was frozen or the machine slept, after so many steps: time that is in no speed. */
  slept: z.array(z.object({ after_step: z.int().nonnegative(), ms: z.number().nonnegative() })).optional(),
  /** The request it began with, and a hash of what it learns from: what going on takes. Absent: it cannot. */
  began: z.record(z.string(), z.unknown()).optional(),
  /** Steps its newest checkpoint holds, of all it takes. Absent or null: it is over, or of a kind that cannot be resumed. */
  checkpoint: z.object({ step: z.int().nonnegative(), of: z.int().positive() }).nullable().optional(),
  /** The weights that did best by a metric, kept beside the last ones: after `step` steps. */
  best: z.object({ metric: z.string(), value: z.number(), step: z.int().nonnegative() }).nullable().optional(),
})
export type RunRecord = z.infer<typeof runRecord>

/** Steps it takes in all; null where it ended early and nothing says how many it would have taken. */
export const totalSteps = (run: Pick<RunRecord, 'checkpoint' | 'status' | 'steps_done'>): number | null =>
  run.checkpoint?.of ?? (run.status === 'finished' ? run.steps_done : null)

/** Its settings as they took effect: a number of steps chosen beside the method's settings is their `max_steps`. */
export function settingsInEffect(
  run: Pick<RunRecord, 'checkpoint' | 'status' | 'steps_done' | 'config'>,
): Readonly<Record<string, unknown>> {
  const steps = totalSteps(run)
  return steps !== null && 'max_steps' in run.config ? { ...run.config, max_steps: steps } : run.config
}

/** Metrics of a run as columns of equal length; a missing value is null. */
export const metricTable = z.object({ step: z.array(z.number()), columns: z.record(z.string(), z.array(z.number().nullable())) })
export type MetricTable = z.infer<typeof metricTable>
/** The same to be read only: what is drawn, watched and written out. */
export interface MetricColumns {
  readonly step: readonly number[]
  readonly columns: Readonly<Record<string, readonly (number | null)[]>>
}
