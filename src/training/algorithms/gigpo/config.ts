/** GiGPO's settings: GRPO's under TRL's names, and its own under those of the authors' code. */
import { z } from 'zod'
import { grpoConfig, type GrpoConfig } from '../grpo/config'

const { advantage_level: _level, reward: _reward, scale_rewards: _scale, ...shared } = grpoConfig.shape

export const gigpoConfig = z.object({
  ...shared,
  reward: z.enum(['step_sum', 'step_mean', 'outcome']).default('step_sum').meta({
    group: 'Reward and advantage',
    help: 'This sets the reward of an attempt as a whole: the sum of its step rewards, as in the paper; their mean; or the reward of its final step.',
    essential: true,
  }),
  scale_rewards: z.enum(['group', 'none']).default('group').meta({
    group: 'Reward and advantage',
    help: 'group divides both advantages by the standard deviation of their group; none does not divide them.',
  }),
  gamma: z.number().min(0).max(1).default(0.95).meta({
    group: 'Reward and advantage',
    help: 'This sets how much rewards of later steps count in the return of a step (discount). A smaller value counts them less.',
  }),
  step_advantage_w: z.number().nonnegative().default(1).meta({
    group: 'Reward and advantage',
    help: 'This sets the weight ω of the step-level advantage. At 0 only the episode-level advantage is used.',
    essential: true,
  }),
  anchor_state: z.enum(['observation', 'history']).default('observation').meta({
    group: 'Reward and advantage',
    help: 'This sets when two steps of a group count as taken in the same state. observation requires that the newest tool reply, or the query if there is none, is the same, as in the paper. history requires that everything before the steps is the same.',
  }),
})
export type GigpoConfig = z.output<typeof gigpoConfig>

/** The configuration of GRPO's loop for these settings. */
export const grpoLoopConfig = (settings: GigpoConfig): GrpoConfig => ({ ...settings, advantage_level: 'step' })
