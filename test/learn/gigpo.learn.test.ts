/** GiGPO on the task of two calls, groups of eight attempts at a query; the state of a call is what the task asks for in it. */
import { gigpo } from '../../src/training/algorithms/gigpo/algorithm'
import { gigpoAdvantages } from '../../src/training/algorithms/gigpo/advantages'
import { grpoLoopConfig } from '../../src/training/algorithms/gigpo/config'
import { runGrpo } from '../../src/training/algorithms/grpo/loop'
import { closesTheGap } from './closesTheGap'
import { withPractice } from './onPolicy'
import { queries } from './twoCalls'

const EACH = 8
const settings = gigpo.config.parse({
  ...{ learning_rate: 5e-3, generation_batch_size: EACH * queries.length, num_generations: EACH, steps_per_generation: 2 },
  ...{ lr_scheduler_type: 'constant' },
})

closesTheGap('gigpo', 30, (context, shuffledBy) =>
  withPractice(
    context.seed,
    EACH,
    ({ right }) => right,
    shuffledBy,
    async (source) => {
      const next = async (round: number, now: Parameters<typeof source.next>[1]) =>
        (await source.next(round, now)).map((sequence, index) => {
          const query = Math.floor(index / EACH)
          // The first call is asked for by the query, the second by what stands behind the first.
          const states = (queries[query] ?? []).map((wanted, call) => `call ${call}: ${wanted}`)
          return { sequence, states, group: String(query), isTruncated: false }
        })
      const { policy } = await runGrpo(context, grpoLoopConfig(settings), { next }, gigpoAdvantages(settings))
      return policy
    },
  ),
)
