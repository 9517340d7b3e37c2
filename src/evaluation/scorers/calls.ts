/** How many calls got replies from tools, and how many turns the model wrote: of the whole attempt, also of branches that were given up. */
import type { Scorer } from '../../environments/benchmark'
import { stepsOf } from '../../records/trajectory'

export const calls: Scorer = (trajectory) => {
  const steps = stepsOf(trajectory)
  return {
    calls: steps.reduce((sum, { replies }) => sum + replies.length, 0),
    // Turns that are no steps are counted too, where the attempt says so.
    model_calls: Math.max(steps.length, trajectory.spent.model_calls ?? 0),
  }
}
