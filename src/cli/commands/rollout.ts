/** `hone rollout`: a model acts in a world; every step is kept, with token ids and log-probs, as data to label and train on. */
import { stepsOf } from '../../records/trajectory'
import { join } from 'node:path'
import { z } from 'zod'
import { filtersInWords, filtersOf } from '../../records/samplingFilters'
import { actingRequest, actOptions, actProgress } from '../actOptions'
import { defineCommand } from '../command'
import { newId } from '../newId'
import { must, withStudio } from '../openStudio'

export const rollout = defineCommand({
  name: 'rollout',
  summary: 'lets a model act in an environment, and stores its trajectories',
  options: z.object({
    ...actOptions,
    split: z.string().default('practice').meta({ help: 'the split whose queries are attempted' }),
    samples: z.int().positive().default(1).meta({ help: 'how many episodes of each query' }),
    temperature: z.number().nonnegative().default(1).meta({ help: 'sampling temperature; 0 is greedy' }),
    out: z.string().optional().meta({ help: 'directory of the results; by default a new one under .hone/rollouts' }),
  }),
  run: (context, options) =>
    withStudio(context, async (studio) => {
      const bent = [...(options.temperature === 1 ? [] : [`temperature ${options.temperature}`]), ...filtersInWords(filtersOf(options))]
      const note =
        bent.length === 0
          ? null
          : `Drawn with ${bent.join(', ')}: to imitate or to prefer; PPO and GRPO need attempts drawn from the policy itself.`
      if (note !== null) context.progress(note)
      const folder = options.out ?? join(context.homeDirectory, 'rollouts', newId('rollout'))
      const progress = actProgress(context)
      const request = await actingRequest(studio, options, folder)
      studio.onEvent = progress.hear
      const job = await studio.run({ kind: 'rollout', ...request, samples: options.samples })
      const { run } = must(await studio.runs.get(job.run_id))
      const trajectories = await studio.trajectories.list({ run_id: job.run_id })
      const passed = trajectories.filter(({ status }) => status === 'solved').length
      return {
        benchmark: options.benchmark,
        split: options.split,
        strategy: options.strategy,
        trajectories: trajectories.length,
        steps: trajectories.reduce((sum, trajectory) => sum + stepsOf(trajectory).length, 0),
        passed,
        passRate: passed / Math.max(1, trajectories.length),
        tokens: job.tokens ?? 0,
        tokensPerSecond: progress.tokensPerSecond(),
        file: join(folder, 'trajectories.jsonl'),
        notes: [...(note === null ? [] : [note]), ...run.notes],
      }
    }),
})
