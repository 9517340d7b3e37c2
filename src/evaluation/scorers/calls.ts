/** How many turns of the final path got replies from tools. */
import type { Scorer } from '../../environments/benchmark'
import { chosenPath } from '../../records/trajectory'

export const calls: Scorer = (trajectory) => ({ calls: chosenPath(trajectory).filter(({ step }) => step.observation !== null).length })
