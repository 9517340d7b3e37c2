/** Titles of records from the answers that are at hand. Nothing is asked for, because a page that cannot be drawn asks here for names. */
import type { QueryClient } from '@tanstack/react-query'
import { z } from 'zod'
import type { OpenKind, OpenRecord } from '../navigation/openRecords'

const text = z.string()
const titled = (id: string, title: string) =>
  z.looseObject({ [id]: text, [title]: text }).transform((row): readonly [string, string] => [text.parse(row[id]), text.parse(row[title])])
const trajectory = z
  .looseObject({ trajectory_id: text, task: z.looseObject({ query: text }) })
  .transform(({ trajectory_id, task }): readonly [string, string] => [trajectory_id, task.query])

const ROWS: Readonly<Record<OpenKind, { readonly area: string; readonly row: z.ZodType<readonly [string, string]> } | null>> = {
  Run: { area: 'runs', row: titled('run_id', 'title') },
  'Data set': { area: 'datasets', row: z.union([titled('dataset_id', 'name'), titled('id', 'name')]) },
  Trajectory: { area: 'trajectories', row: trajectory },
  Evaluation: { area: 'evaluations', row: titled('evaluation_id', 'title') },
  Model: { area: 'models', row: titled('model_id', 'title') },
  Adapter: { area: 'adapters', row: titled('adapter_id', 'title') },
  // Its name is its id.
  Tool: null,
}
const detail = z.looseObject({ run: z.unknown() }).transform(({ run }) => run)

/** null where no answer names it. */
export function titleOf({ kind, id }: OpenRecord, client: QueryClient): string | null {
  const rows = ROWS[kind]
  if (!rows) return null
  for (const [, data] of client.getQueriesData({ queryKey: [rows.area] }))
    for (const value of [data, detail.safeParse(data).data].flat()) {
      const row = rows.row.safeParse(value).data
      if (row?.[0] === id) return row[1]
    }
  return null
}
