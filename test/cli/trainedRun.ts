/** `hone train` on a model small enough for seconds, with a device of its own for each command. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { CommandContext } from '../../src/cli/command'
import { rollout } from '../../src/cli/commands/rollout'
import { train } from '../../src/cli/commands/train'
import { testAdapter, testDevice } from '../support/gpu'
import { lastingDevice } from '../support/lastingDevice'
import { run, temporaryDirectory, testContext, tinyModelFolder } from './commandContext'

export const model = `random:${tinyModelFolder()}`
const outcome = z.object({
  ...{
    algorithm: z.string(),
    steps: z.int(),
    metrics: z.record(z.string(), z.number().nullable()),
    loss: z.array(z.number()),
    adapter: z.string(),
  },
  ...{
    tokensPerSecond: z.number(),
    peakBytes: z.int(),
    predictedBytes: z.int(),
    files: z.array(z.string()),
    sha256: z.string(),
    notes: z.array(z.string()),
  },
  ignored: z.array(z.object({ field: z.string(), reason: z.string() })),
})
type Outcome = z.output<typeof outcome>

/** One device for all commands of a file: a software adapter compiles every kernel of a new device anew, seconds for each command. */
export const gpu = (): Partial<CommandContext> => ({
  openAdapter: () => testAdapter(),
  openDevice: async () => lastingDevice(await testDevice()),
})

export async function trained(words: readonly string[], parts: Partial<CommandContext> = {}): Promise<Outcome> {
  return outcome.parse(await run(train, ['--model', model, ...words], testContext({ ...gpu(), ...parts }).context))
}

/** A signal that stops a run at its first look after `steps` steps were reported: how many looks a step takes depends on the machine. */
export function stopAfter(steps: number, directory: string): AbortSignal {
  const controller = new AbortController()
  const metrics = join(directory, 'metrics.jsonl')
  return new Proxy(controller.signal, {
    get(target, name) {
      if (name !== 'throwIfAborted') {
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      }
      return () => {
        const reported = existsSync(metrics) ? readFileSync(metrics, 'utf8').split('\n').length - 1 : 0
        if (reported >= steps) controller.abort(new Error('killed'))
        target.throwIfAborted()
      }
    },
  })
}

/** Six attempts of the untrained model, two at each of three queries, that end as they are told. */
export async function endingsFile(): Promise<(name: string, statusOf: (id: string) => string | null) => string> {
  const directory = temporaryDirectory()
  const rolled = z
    .object({ file: z.string() })
    .parse(
      await run(
        rollout,
        ['--model', model, '--limit', '3', '--samples', '2', '--max-calls', '1', '--out', directory],
        testContext(gpu()).context,
      ),
    )
  const rows = readFileSync(rolled.file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => z.looseObject({ trajectory: z.looseObject({ trajectory_id: z.string() }) }).parse(JSON.parse(line)).trajectory)
  return (name, statusOf) => {
    const path = join(directory, name)
    writeFileSync(path, rows.map((row) => `${JSON.stringify({ trajectory: { ...row, status: statusOf(row.trajectory_id) } })}\n`).join(''))
    return path
  }
}
