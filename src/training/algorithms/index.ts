/** The catalogue of training algorithms. To add one: a file here with its config, metrics and loop, and a line below. */
import { archer } from './archer'
import { dpo } from './dpo'
import { grpo } from './grpo'
import { ppo } from './ppo'
import { rft } from './rft'
import { sft } from './sft'
import { steptoolPpo } from './steptoolPpo'

export const algorithms = { sft, rft, ppo, 'steptool-ppo': steptoolPpo, grpo, dpo, archer } as const
