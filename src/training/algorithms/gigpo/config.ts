/** GiGPO's settings: GRPO's under TRL's names, and its own under those of the authors' code. */
import { z } from 'zod'
import { grpoConfig, type GrpoConfig } from '../grpo/config'

const { advantage_level: _level, reward: _reward, scale_rewards: _scale, ...shared } = grpoConfig.shape

export const gigpoConfig = z.object({
  ...shared,
  reward: z.enum(['step_sum', 'step_mean', 'outcome']).default('step_sum').meta({
    group: 'Reward and advantage',
    help: 'Of an attempt as a whole: the sum of its step rewards as in the paper, their mean, or the reward of its final step.',
    essential: true,
  }),
  scale_rewards: z
    .enum(['group', 'none'])
    .default('group')
    .meta({ group: 'Reward and advantage', help: 'Both advantages are divided by the standard deviation of their group, or not at all.' }),
  gamma: z
    .number()
    .min(0)
    .max(1)
    .default(0.95)
    .meta({ group: 'Reward and advantage', help: 'Discount of the rewards of later steps in the return of a step.' }),
  step_advantage_w: z.number().nonnegative().default(1).meta({
    group: 'Reward and advantage',
    help: 'Weight ω of the step-level advantage. 0 leaves the episode level alone.',
    essential: true,
  }),
  anchor_state: z.enum(['observation', 'history']).default('observation').meta({
    group: 'Reward and advantage',
    help: 'When two steps of a group count as taken in the same state. observation: the environment last showed the same (the query, or the newest tool reply), as in the paper. history: everything before them is the same.',
  }),
})
export type GigpoConfig = z.output<typeof gigpoConfig>

/** The configuration of GRPO's loop that these settings stand for. */
export const grpoLoopConfig = (settings: GigpoConfig): GrpoConfig => ({ ...settings, advantage_level: 'step' })
