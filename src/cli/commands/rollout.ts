/** `hone rollout`: a model acts in a world; every step is kept, with token ids and log-probs, as data to label and train on. */
import { stepsOf } from '../../records/trajectory'
import { join } from 'node:path'
import { z } from 'zod'
import { evaluateTrajectories, rateOf } from '../../evaluation/evaluate'
import { filtersInWords, filtersOf } from '../../records/samplingFilters'
import { actOnExam, actOptions } from '../actOptions'
import { defineCommand } from '../command'
import { rowParts } from '../datasetFiles'
import { writeTrajectories } from '../resultDirectory'

export const rollout = defineCommand({
  name: 'rollout',
  summary: 'a model acts in a tool world; its trajectories are kept',
  options: z.object({
    ...actOptions,
    split: z.string().default('practice').meta({ help: 'which queries' }),
    samples: z.int().positive().default(1).meta({ help: 'episodes of each query' }),
    temperature: z.number().nonnegative().default(1).meta({ help: '0 is greedy' }),
    out: z.string().optional().meta({ help: 'directory; else a new one under .hone/rollouts' }),
  }),
  run: async (context, options) => {
    const bent = [...(options.temperature === 1 ? [] : [`temperature ${options.temperature}`]), ...filtersInWords(filtersOf(options))]
    const note =
      bent.length === 0
        ? null
        : `Drawn with ${bent.join(', ')}: to imitate or to prefer; PPO and GRPO need attempts drawn from the policy itself.`
    if (note !== null) context.progress(note)
    const id = rowParts.newId('rollout')
    const acted = await actOnExam({ ...options, source: id }, context)
    const file = writeTrajectories(options.out ?? join(context.homeDirectory, 'rollouts', id), acted.trajectories)
    const { passed, rate } = rateOf(evaluateTrajectories(acted.trajectories, acted.exam.benchmark))
    return {
      benchmark: options.benchmark,
      split: options.split,
      strategy: options.strategy,
      trajectories: acted.trajectories.length,
      steps: acted.trajectories.reduce((sum, record) => sum + stepsOf(record).length, 0),
      passed,
      passRate: rate,
      tokens: acted.generatedTokens,
      tokensPerSecond: acted.generatedTokens / acted.seconds,
      file,
      notes: note === null ? [] : [note],
    }
  },
})
