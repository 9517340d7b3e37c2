/** A run's metrics as files: a line a step as JSON (what wandb and pandas read), or a table with a column for each metric. */
import type { MetricColumns } from './run'

export const METRIC_FORMATS = ['jsonl', 'csv'] as const
export type MetricFormat = (typeof METRIC_FORMATS)[number]

/** Whole and unrounded. A value that was not measured at a step, or was not finite, is left out (JSON lines) or empty (CSV). */
export function metricFile({ step, columns }: MetricColumns, format: MetricFormat): string {
  const names = Object.keys(columns)
  const valueAt = (name: string, row: number): number | null => columns[name]?.[row] ?? null
  if (format === 'jsonl')
    return step
      .map((at, row) => {
        const measured = names.flatMap((name) => {
          const value = valueAt(name, row)
          return value === null || !Number.isFinite(value) ? [] : [[name, value] as const]
        })
        return `${JSON.stringify({ step: at, ...Object.fromEntries(measured) })}\n`
      })
      .join('')
  const lines = step.map((at, row) =>
    [at, ...names.map((name) => valueAt(name, row))].map((value) => (value === null || !Number.isFinite(value) ? '' : String(value))),
  )
  return [['step', ...names].map(quoted), ...lines].map((cells) => `${cells.join(',')}\r\n`).join('')
}

/** RFC 4180: names with a separator, a quote or a line end are quoted. */
const quoted = (name: string): string => (/[",\r\n]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name)
