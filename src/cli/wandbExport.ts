/** `hone export --to wandb DIR`: the gateway's own sender, with the key of this terminal's environment. */
import { setTimeout as sleep } from 'node:timers/promises'
import { sendRunToWandb, WandbError, wandbFromEnvironment } from '../gateway/wandb'
import { wandbRunOf, type WandbPlace } from '../records/wandbRun'
import { UsageError, type CommandContext, type JsonObject } from './command'
import { runWithMetrics } from './runMetrics'

export async function exportToWandb(inputs: readonly string[], place: WandbPlace, context: CommandContext): Promise<JsonObject> {
  const { run, metrics } = await runWithMetrics(inputs, context)
  const server = wandbFromEnvironment(process.env)
  if (server === null) throw new UsageError('The key of wandb is read from WANDB_API_KEY, which is not set.')
  try {
    const { url, sent, steps } = await sendRunToWandb(server, wandbRunOf(run, metrics, place), {
      ...{ fetch: context.fetch, sleep, signal: context.signal },
    })
    context.progress(`${sent} of ${steps} steps were new to wandb: ${url}`)
    return { files: [], url, sent, steps }
  } catch (error) {
    throw error instanceof WandbError ? new UsageError(error.message) : error
  }
}
