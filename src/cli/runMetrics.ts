/** The run in a directory that a command names, with its metrics. */
import type { RunDetail } from '../worker/protocol'
import { UsageError, type CommandContext } from './command'
import { must, withStudio } from './openStudio'

/** @param inputs what the command was given: the directory of one run. */
export async function runWithMetrics(inputs: readonly string[], context: CommandContext): Promise<RunDetail> {
  const [directory, another] = inputs
  if (directory === undefined || another !== undefined) throw new UsageError('Metrics are exported from the directory of one run.')
  const detail = must(await withStudio(context, (studio) => studio.runs.openFolder(directory)))
  if (detail.metrics.step.length === 0)
    throw new UsageError(`${directory} holds no metrics: there is no metrics.jsonl, or no step of it is whole.`)
  return detail
}
