/** How many calls of the final path got replies from tools. */
import type { Scorer } from '../../environments/benchmark'
import { chosenPath } from '../../records/trajectory'

export const calls: Scorer = (trajectory) => ({ calls: chosenPath(trajectory).reduce((sum, { step }) => sum + step.replies.length, 0) })
