/** Imitation of the expert; the control imitates actions drawn at random. */
import { runSft } from '../../src/training/algorithms/sft/loop'
import { sft } from '../../src/training/algorithms/sft/algorithm'
import { closesTheGap } from './closesTheGap'
import { blindSamples, expertSamples } from './twoCalls'

const settings = sft.config.parse({ learning_rate: 1e-2, tokens_per_batch: 512, warmup_steps: 5 })

closesTheGap('sft', 60, async (context, shuffledBy) => {
  const { policy } = await runSft(context, settings, shuffledBy === null ? expertSamples : blindSamples(shuffledBy))
  return policy
})
