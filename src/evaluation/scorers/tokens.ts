/** How many tokens the model wrote in the whole attempt. */
import type { Scorer } from '../../environments/benchmark'
import { stepsOf } from '../../records/trajectory'

export const tokens: Scorer = (trajectory) => ({
  tokens:
    trajectory.spent.sampled_tokens ?? stepsOf(trajectory).reduce((sum, { tokens: own }) => sum + (own?.completion_ids.length ?? 0), 0),
})
