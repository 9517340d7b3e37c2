/** `hone annotate --by rules|judge|world IN… --out FILE`: opinions on every step, added to those the files hold. */
import { stepsOf } from '../../records/trajectory'
import { writeFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { z } from 'zod'
import { createOpenaiChat } from '../../agents/openaiChat'
import { judgeTrajectories } from '../../annotation/judge'
import { annotateByRules, annotateByWorld } from '../../annotation/rules'
import { honeJsonlLine } from '../../data/formats/honeJsonl'
import { upstreamFromEnvironment } from '../../gateway/upstream'
import type { Opinion } from '../../records/annotation'
import { defineCommand, UsageError, type CommandContext } from '../command'
import { readTrajectories, rowParts, type AnnotatedTrajectory } from '../datasetFiles'

const options = z.object({
  files: z.array(z.string()).min(1).meta({ help: 'files with trajectories' }),
  by: z.enum(['rules', 'judge', 'world']).meta({
    help: 'rules: StepTool’s two rules. judge: a language model. world: what a tool world knew when the trajectory was rolled out',
  }),
  out: z.string().meta({ help: 'file for trajectories and opinions (JSON Lines)' }),
  rules: z.enum(['sound', 'released']).default('sound').meta({ help: 'released: StepTool’s rules with their two flaws' }),
  judgeModel: z.string().optional().meta({ help: 'judge: name of the model' }),
  baseUrl: z.string().optional().meta({ help: 'judge: address of the server; else OPENAI_BASE_URL. The key is OPENAI_API_KEY' }),
  repeats: z.int().positive().default(1).meta({ help: 'judge: times each trajectory is judged' }),
  temperature: z.number().nonnegative().default(0).meta({ help: 'judge: sampling temperature' }),
  concurrency: z.int().positive().default(4).meta({ help: 'judge: requests at a time' }),
})
type Options = z.output<typeof options>

export const annotate = defineCommand({
  name: 'annotate',
  summary: 'labels every step of trajectories, by rules or a judge',
  options,
  positionals: 'files',
  run: async (context, given) => {
    const { annotated } = await readTrajectories(given.files, context)
    const result = given.by === 'judge' ? await byJudge(annotated, given, context) : { opinions: byRule(annotated, given), failures: [] }
    const added = new Map<string, Opinion[]>()
    for (const opinion of result.opinions) added.set(opinion.trajectory_id, [...(added.get(opinion.trajectory_id) ?? []), opinion])
    writeFileSync(
      given.out,
      annotated
        .map(({ trajectory, opinions }) => honeJsonlLine(trajectory, [...opinions, ...(added.get(trajectory.trajectory_id) ?? [])]))
        .join(''),
    )
    return {
      trajectories: annotated.length,
      steps: annotated.reduce((sum, { trajectory }) => sum + stepsOf(trajectory).length, 0),
      opinions: result.opinions.length,
      ...(given.by === 'judge' ? { failures: result.failures } : {}),
      file: given.out,
    }
  },
})

function byRule(annotated: readonly AnnotatedTrajectory[], { by, rules }: Options): Opinion[] {
  return annotated.flatMap(({ trajectory, opinions }) =>
    by === 'world' ? annotateByWorld(trajectory, opinions, rowParts) : annotateByRules(trajectory, opinions, rowParts, rules),
  )
}

/** What was judged before a server gave up is kept; the sentence that stopped it is told. */
async function byJudge(
  annotated: readonly AnnotatedTrajectory[],
  given: Options,
  context: CommandContext,
): Promise<{ opinions: readonly Opinion[]; failures: readonly string[] }> {
  if (given.judgeModel === undefined) throw new UsageError('annotate --by judge needs --judge-model.')
  const upstream = upstreamFromEnvironment(process.env)
  const baseUrl = given.baseUrl ?? upstream?.baseUrl
  if (baseUrl === undefined)
    throw new UsageError('annotate --by judge needs --base-url, or OPENAI_API_KEY or OPENAI_BASE_URL in the environment.')
  const chat = createOpenaiChat({
    baseUrl,
    model: given.judgeModel,
    apiKey: upstream?.apiKey ?? '',
    fetch: context.fetch,
    sleep: (ms, signal) => setTimeout(ms, undefined, signal ? { signal } : {}),
    now: () => Date.now(),
  })
  const stored = new Map(annotated.map(({ trajectory, opinions }) => [trajectory.trajectory_id, opinions]))
  const { opinions, failures, stopped } = await judgeTrajectories(
    annotated.map(({ trajectory }) => trajectory),
    { repeats: given.repeats, temperature: given.temperature, concurrency: given.concurrency, signal: context.signal },
    {
      ...rowParts,
      chat,
      stored: (id) => stored.get(id) ?? [],
      save: () => Promise.resolve(),
      onProgress: ({ done, total }) => {
        if (done % 20 === 0 || done === total) context.progress(`judged ${done} of ${total}`)
      },
    },
  )
  if (stopped && opinions.length === 0) throw new UsageError(stopped.message)
  if (stopped) context.progress(`Stopped early: ${stopped.message}`)
  return { opinions, failures: failures.map(({ trajectory_id, repeat, message }) => `${trajectory_id}, repeat ${repeat + 1}: ${message}`) }
}
