/** A run in the words of Weights & Biases (wandb): what is sent, without the key. Facts: wandb's own client, core/internal/filestream. */
import { z } from 'zod'
import { settingsInEffect, type MetricColumns, type RunRecord } from './run'

/** What wandb lets a name in an address hold. */
const place = z.string().regex(/^[^/\\#?%:]{1,128}$/, 'a name of 1 to 128 characters without / \\ # ? % :')

export const wandbRun = z.object({
  /** wandb's id of the run: sent again under the same one, only steps it has not are added. */
  name: place,
  project: place,
  /** User or team; null: the key's own. */
  entity: place.nullable(),
  displayName: z.string(),
  jobType: z.string(),
  notes: z.string(),
  config: z.record(z.string(), z.unknown()),
  /** A row a step, each with `_step`. */
  history: z.array(z.record(z.string(), z.number())),
  summary: z.record(z.string(), z.number()),
  /** 0: finished; null: not over yet. */
  exitCode: z.int().nullable(),
})
export type WandbRun = z.infer<typeof wandbRun>

/** Where runs go when nothing else is said. */
export const WANDB_PROJECT = 'hone'

export interface WandbPlace {
  readonly project: string
  readonly entity: string | null
}

type Described = Pick<RunRecord, 'run_id' | 'title' | 'kind' | 'algorithm' | 'config' | 'model' | 'data' | 'seed' | 'notes' | 'status'> &
  Pick<RunRecord, 'created_at' | 'finished_at' | 'checkpoint' | 'steps_done'>

/** Values that were not measured or not finite are left out of their row. */
export function wandbRunOf(run: Described, { step, columns }: MetricColumns, { project, entity }: WandbPlace): WandbRun {
  const names = Object.keys(columns)
  const history = step.map((at, row) => ({ ...measured(names.map((name) => [name, columns[name]?.[row]])), _step: at }))
  const last = measured(names.map((name) => [name, columns[name]?.findLast((value) => value !== null && Number.isFinite(value))]))
  const seconds = run.finished_at === null ? Number.NaN : (Date.parse(run.finished_at) - Date.parse(run.created_at)) / 1000
  const isOver = run.status === 'finished' || run.status === 'cancelled' || run.status === 'failed'
  return wandbRun.parse({
    name: run.run_id.replace(/[/\\#?%:]/g, '-'),
    ...{ project, entity },
    displayName: run.title,
    jobType: run.kind,
    notes: run.notes.join('\n'),
    config: { algorithm: run.algorithm, model: run.model, data: run.data, seed: run.seed, ...settingsInEffect(run) },
    history,
    summary: { ...last, ...measured([['_step', step.at(-1)] as const, ['_runtime', seconds] as const]) },
    exitCode: isOver ? Number(run.status !== 'finished') : null,
  })
}

const measured = (values: readonly (readonly [string, number | null | undefined])[]): Record<string, number> =>
  Object.fromEntries(
    values.flatMap(([name, value]) => (value !== null && value !== undefined && Number.isFinite(value) ? [[name, value]] : [])),
  )

/** What the gateway answers. */
export const wandbSent = z.object({ url: z.url({ protocol: /^https?$/ }), sent: z.int().nonnegative(), steps: z.int().nonnegative() })
export type WandbSent = z.infer<typeof wandbSent>
