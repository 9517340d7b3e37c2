/** How many tokens the model wrote on the final path. */
import type { Scorer } from '../../environments/benchmark'
import { chosenPath } from '../../records/trajectory'

export const tokens: Scorer = (trajectory) => ({
  tokens: chosenPath(trajectory).reduce((sum, { step }) => sum + (step.tokens?.completion_ids.length ?? 0), 0),
})
