/** The catalogue of training algorithms. To add one: a folder here with its description (`defineAlgorithm`), and a line below. */
import { archer } from './archer/algorithm'
import { dpo } from './dpo/algorithm'
import { gigpo } from './gigpo/algorithm'
import { grpo } from './grpo/algorithm'
import { ppo } from './ppo/outcomePpo'
import { rft } from './rft/algorithm'
import { sft } from './sft/algorithm'
import { steptoolPpo } from './ppo/steptoolPpo'

export const algorithms = {
  sft,
  rft,
  ppo,
  'steptool-ppo': steptoolPpo,
  grpo,
  gigpo,
  dpo,
  archer,
} as const

/** The algorithm that the run story and the form for a new run begin with, and whose advantages the labelling strip previews. */
export const DEFAULT_ALGORITHM: keyof typeof algorithms = 'steptool-ppo'
/** The algorithm of `hone train` without --algorithm. */
export const DEFAULT_TRAIN_ALGORITHM: keyof typeof algorithms = 'sft'
