/** The metrics of a run's directory as columns. */
import type { MetricColumns } from '../records/run'
import { UsageError } from './command'
import { storedMetrics } from './runDirectory'

/** @param inputs what the command was given: the directory of one run. */
export function metricsOfRun(inputs: readonly string[]): MetricColumns & { readonly directory: string } {
  const [directory, another] = inputs
  if (directory === undefined || another !== undefined) throw new UsageError('Metrics are exported from the directory of one run.')
  const rows = storedMetrics(directory)
  if (rows.length === 0) throw new UsageError(`${directory} holds no metrics: there is no metrics.jsonl, or no step of it is whole.`)
  const names = [...new Set(rows.flatMap(({ metrics }) => Object.keys(metrics)))]
  const columns = Object.fromEntries(names.map((name) => [name, rows.map(({ metrics }) => metrics[name] ?? null)]))
  return { directory, step: rows.map(({ step }) => step), columns }
}
