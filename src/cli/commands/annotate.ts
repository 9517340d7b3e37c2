/** `hone annotate --by rules|judge|world IN… --out FILE`: opinions on every step, added to those the files or the runs hold. */
import { writeFileSync } from 'node:fs'
import { z } from 'zod'
import { DEFAULT_JUDGE_TOKENS } from '../../annotation/judge'
import { upstreamFromEnvironment } from '../../gateway/upstream'
import type { JudgeSettings } from '../../worker/protocol'
import type { JudgeOutcome } from '../../worker/studioApi'
import { defineCommand, UsageError, type CommandContext } from '../command'
import { must, withStudio, type CommandStudio } from '../openStudio'
import { openDataWords } from '../runSources'

const options = z.object({
  inputs: z
    .array(z.string())
    .min(1)
    .meta({ help: 'files with trajectories; run:ID or run:DIRECTORY: the practice of a run, which keeps the opinions too' }),
  by: z.enum(['rules', 'judge', 'world']).meta({
    help: 'rules: StepTool’s two rules. judge: a language model. world: what the environment knew when the trajectory was rolled out',
  }),
  out: z.string().meta({ help: 'file for trajectories and opinions (JSON Lines)' }),
  rules: z.enum(['sound', 'released']).default('sound').meta({ help: 'released: StepTool’s rules with their two flaws' }),
  judgeModel: z.string().optional().meta({ help: 'judge: name of the model' }),
  baseUrl: z
    .string()
    .optional()
    .meta({ help: 'judge: address of the server; by default OPENAI_BASE_URL. The key is read from OPENAI_API_KEY' }),
  repeats: z.int().positive().default(1).meta({ help: 'judge: how often each trajectory is judged' }),
  temperature: z.number().nonnegative().default(0).meta({ help: 'judge: sampling temperature' }),
  maxTokens: z
    .int()
    .positive()
    .optional()
    .meta({
      help: `judge: most tokens of an answer, including the model’s thoughts before it; by default ${String(DEFAULT_JUDGE_TOKENS)}`,
    }),
  concurrency: z.int().positive().default(4).meta({ help: 'judge: how many requests are sent at a time' }),
})
type Options = z.output<typeof options>

export const annotate = defineCommand({
  name: 'annotate',
  summary: 'labels every step of trajectories by rules, by a judge, or by what the environment knew',
  options,
  positionals: 'inputs',
  run: (context, given) =>
    withStudio(context, async (studio) => {
      const judge = given.by === 'judge' ? judgeOf(given) : null
      const ids = await openDataWords(studio, given.inputs, context, 'label')
      const { opinions, failures } = judge ? await judged(studio, ids, judge, context) : await ruled(studio, ids, given)
      const { text, trajectories, steps } = must(await studio.labels.exportFile(ids, 'hone-jsonl'))
      writeFileSync(given.out, text)
      return {
        ...{ trajectories, steps, opinions },
        ...(judge ? { failures } : {}),
        file: given.out,
      }
    }),
})

async function ruled(studio: CommandStudio, ids: readonly string[], { by, rules }: Options): Promise<JudgeOutcome> {
  let opinions = 0
  for (const id of new Set(ids)) opinions += must(await studio.labels.annotate(id, by === 'world' ? { by } : { by: 'rules', rules }))
  return { opinions, failures: [], stopped: null }
}

function judgeOf(given: Options): JudgeSettings {
  if (given.judgeModel === undefined) throw new UsageError('annotate --by judge needs --judge-model.')
  const upstream = upstreamFromEnvironment(process.env)
  const baseUrl = given.baseUrl ?? upstream?.baseUrl
  if (baseUrl === undefined)
    throw new UsageError('annotate --by judge needs --base-url, or OPENAI_API_KEY or OPENAI_BASE_URL in the environment.')
  const { repeats, temperature, concurrency, maxTokens } = given
  const settings = { baseUrl, model: given.judgeModel, apiKey: upstream?.apiKey ?? '', repeats, temperature, concurrency }
  return maxTokens === undefined ? settings : { ...settings, maxTokens }
}

/**
 * What was judged before a server gave up is written; a line of progress says what stopped it. Fails when nothing was judged although
 * something was asked.
 */
async function judged(
  studio: CommandStudio,
  ids: readonly string[],
  settings: JudgeSettings,
  context: CommandContext,
): Promise<JudgeOutcome> {
  let opinions = 0
  const failures: string[] = []
  let runId = ''
  studio.onEvent = (event) => {
    if (event.type !== 'job') return
    runId = event.job.run_id
    const { done, total, phase } = event.job
    if (phase === 'judging' && done > 0 && (done % 20 === 0 || done === total)) context.progress(`judged ${done} of ${total}`)
  }
  let problem: Error | null = null
  for (const dataset_id of new Set(ids)) {
    let failed: Error | null = null
    try {
      await studio.run({ kind: 'judge', dataset_id, trajectory_ids: [], settings })
    } catch (error) {
      failed = error instanceof Error ? error : new Error(String(error))
    }
    const outcome = await studio.judges.outcome(runId)
    opinions += outcome?.opinions ?? 0
    failures.push(...(outcome?.failures ?? []))
    problem ??= failed
    if (context.signal.aborted && failed) throw failed
    // Answers that cannot be used say nothing about those to other questions.
    if (failed === null || outcome?.stopped === null) continue
    if (opinions === 0) throw problem ?? failed
    context.progress(`Stopped early: ${failed.message}`)
    return { opinions, failures, stopped: failed.message }
  }
  if (problem !== null && opinions === 0) throw problem
  if (failures[0] !== undefined) context.progress(`${failures.length} answers could not be used; the first: ${failures[0]}`)
  return { opinions, failures, stopped: null }
}
