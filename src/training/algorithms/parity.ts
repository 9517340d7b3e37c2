/** The comparisons of each algorithm with its reference implementation, in the order in which `hone parity` shows them. */
import type { AlgorithmParity } from '../parity'
import { archerParity } from './archer/parity'
import { dpoParity } from './dpo/parity'
import { grpoParity } from './grpo/parity'
import { ppoParity, steptoolPpoParity } from './ppo/parity'
import { rftParity } from './rft/parity'
import { sftParity } from './sft/parity'

export const parities: Readonly<Record<string, AlgorithmParity>> = {
  ...{ sft: sftParity, rft: rftParity, grpo: grpoParity, dpo: dpoParity },
  ...{ 'steptool-ppo': steptoolPpoParity, ppo: ppoParity, archer: archerParity },
}
