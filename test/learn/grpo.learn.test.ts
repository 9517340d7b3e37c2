/** GRPO on the task of two calls, groups of eight attempts at a query, rewarded by the share of right calls. */
import { runGrpo } from '../../src/training/algorithms/grpo/loop'
import { grpo } from '../../src/training/algorithms/grpo/algorithm'
import { closesTheGap } from './closesTheGap'
import { withPractice } from './onPolicy'
import { queries } from './twoCalls'

const EACH = 8
const settings = grpo.config.parse({
  ...{ learning_rate: 5e-3, generation_batch_size: EACH * queries.length, num_generations: EACH, steps_per_generation: 2 },
  ...{ lr_scheduler_type: 'constant', reward: 'step_mean' },
})

closesTheGap('grpo', 30, (context, shuffledBy) =>
  withPractice(
    context.seed,
    EACH,
    ({ right }) => right,
    shuffledBy,
    async (source) => {
      const { policy } = await runGrpo(context, settings, {
        next: async (round, now) => {
          const sequences = await source.next(round, now)
          return sequences.map((sequence, index) => ({ sequence, group: String(Math.floor(index / EACH)), isTruncated: false }))
        },
      })
      return policy
    },
  ),
)
