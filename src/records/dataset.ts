/** An imported file: what was read from it, and which faults it had. */
import { z } from 'zod'

/** What was wrong with a file, or with one row of it. */
export const problem = z.object({
  file: z.string(),
  /** 1-based row of the file (the header is row 1); null when the whole file is meant. */
  row: z.int().nullable(),
  column: z.string().nullable(),
  expected: z.string(),
  found: z.string(),
  message: z.string(),
})
export type Problem = Readonly<z.infer<typeof problem>>

export const datasetRow = z.object({
  dataset_id: z.string().min(1),
  name: z.string(),
  format: z.string(),
  sha256: z.string(),
  bytes: z.number().nonnegative(),
  /** Data rows of the file, those that were left out included. */
  rows: z.int().nonnegative(),
  trajectories: z.int().nonnegative(),
  steps: z.int().nonnegative(),
  problems: z.array(problem).readonly(),
  created_at: z.string(),
})
export type DatasetRow = Readonly<z.infer<typeof datasetRow>>
