/** The catalogue of training algorithms. To add one: a file here with its config, metrics and loop, and a line below. */
import { archer } from './archer/loop'
import { dpo } from './dpo/loop'
import { grpo } from './grpo/loop'
import { ppo } from './ppo/outcome'
import { rft } from './rft/loop'
import { sft } from './sft/loop'
import { steptoolPpo } from './ppo/loop'

export const algorithms = { sft, rft, ppo, 'steptool-ppo': steptoolPpo, grpo, dpo, archer } as const
