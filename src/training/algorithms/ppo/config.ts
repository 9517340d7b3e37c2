/** The settings every PPO here has, under the names of TRL 0.11's `PPOConfig` and StepTool's script. */
import { z } from 'zod'
import { GAE_MASK_MODES } from '../../../engine/ops/gae'
import { KL_PENALTIES } from '../../../engine/ops/stepReward'
import { adapterSettings, referenceSettings } from '../../policy/adapterSettings'
import { memorySettings } from '../../policy/memorySettings'
import { adamSettings } from '../../policy/optimizerSettings'
import { sequenceSettings } from '../../batches/sequenceSettings'
import { REWARD_DTYPES } from '../../batches/tokenizedTrajectory'
import { OUTCOMES } from '../../batches/outcome'
import { STEP_REWARD_WEIGHTINGS, UNLABELLED_STEPS } from '../../batches/stepRewards'
import type { TokenizeOptions } from '../../batches/tokenizedTrajectory'

export const ppoSettings = {
  learning_rate: z.number().positive().default(1e-5).meta({
    group: 'Optimizer',
    small: 5e-4,
    help: 'This sets the learning rate of Adam, which stays constant. StepTool uses 1e-5 for 7B models; small models need more.',
    essential: true,
  }),
  max_steps: z.int().positive().default(100).meta({
    group: 'Length and batches',
    help: 'The run ends after this many batches; each is trained on ppo_epochs times.',
    essential: true,
  }),
  batch_size: z.int().positive().default(8).meta({
    group: 'Length and batches',
    small: 64,
    help: 'This sets the number of trajectories in a batch. Advantages are whitened over the batch, and the KL controller changes β once per batch.',
    essential: true,
  }),
  mini_batch_size: z.int().positive().default(2).meta({
    group: 'Length and batches',
    small: 16,
    help: 'This sets the number of trajectories in a mini-batch. Its loss is the mean over its tokens.',
  }),
  gradient_accumulation_steps: z.int().positive().default(4).meta({
    group: 'Length and batches',
    small: 1,
    help: 'This sets the number of mini-batches whose mean gradient makes one update. A batch of 8 in mini-batches of 2 with 4 here makes one update per PPO epoch.',
  }),
  ppo_epochs: z.int().positive().default(4).meta({
    group: 'Length and batches',
    help: 'This sets the number of passes over each batch, in a new order each time. More passes use the samples longer, but move the policy further.',
    essential: true,
  }),
  init_kl_coef: z.number().nonnegative().default(0.3).meta({
    group: 'Reference policy and KL',
    help: 'This sets the initial β, the weight of the KL penalty. A larger value keeps the policy closer to the reference.',
    essential: true,
  }),
  adap_kl_ctrl: z.boolean().default(true).meta({
    group: 'Reference policy and KL',
    help: 'If on, β is adjusted so that the KL per trajectory approaches target; if off, β is constant.',
  }),
  target: z.number().positive().default(6).meta({
    group: 'Reference policy and KL',
    help: 'This sets the KL per trajectory, in nats, that adap_kl_ctrl aims at. A larger value lets the policy move further from the reference.',
  }),
  horizon: z.number().positive().default(10_000).meta({
    group: 'Reference policy and KL',
    help: 'This sets how slowly β changes, in trajectories: it changes by at most 20 % per this many. A larger value makes it slower.',
  }),
  kl_penalty: z.enum(KL_PENALTIES).default('kl').meta({
    group: 'Reference policy and KL',
    help: 'This sets how the penalty of a token is computed. kl is log π − log π_ref, abs is its absolute value, mse is half its square (k2), and low_var_kl is the k3 estimate, which is never negative.',
  }),
  gamma: z.number().min(0).max(1).default(0.99).meta({
    group: 'Reward and advantage',
    help: 'This sets how much each later token’s reward counts (discount per token). A smaller value makes the policy care less about what comes later.',
  }),
  lam: z.number().min(0).max(1).default(0.95).meta({
    group: 'Reward and advantage',
    help: 'This sets the λ of generalised advantage estimation. At 1 advantages use only rewards, which is noisy; at 0 they rely on the value head, which is biased.',
  }),
  cliprange: z
    .number()
    .positive()
    .default(0.2)
    .meta({ group: 'Loss', help: 'The ratio π_new / π_old is clipped at 1 ± this. A larger value allows larger updates.' }),
  cliprange_value: z.number().positive().default(0.2).meta({
    group: 'Loss',
    help: 'Value predictions are clipped at their old value ± this. A larger value lets the value head change faster.',
  }),
  vf_coef: z
    .number()
    .nonnegative()
    .default(0.1)
    .meta({ group: 'Value head and critics', help: 'This sets the weight of the value loss in the total loss.' }),
  ratio_threshold: z
    .number()
    .positive()
    .default(10)
    .meta({ group: 'Loss', help: 'A mini-batch is skipped if its mean ratio is above this.' }),
  whiten_advantages: z
    .boolean()
    .default(true)
    .meta({ group: 'Reward and advantage', help: 'If on, advantages are scaled to mean 0 and variance 1 over the batch.' }),
  max_grad_norm: z.number().nonnegative().default(0).meta({
    group: 'Optimizer',
    help: 'Gradients are scaled down until their global norm is at most this. 0 turns clipping off, as StepTool does.',
  }),
  gae_mask_mode: z.enum(GAE_MASK_MODES).default('skip').meta({
    group: 'Reward and advantage',
    help: 'This sets how advantages pass tool replies. skip ignores the tokens of replies. trl_classic decays credit by γλ at each of them, so that a step hardly learns from later ones.',
    essential: true,
  }),
  reward_dtype: z
    .enum(REWARD_DTYPES)
    .default('float32')
    .meta({ group: 'Reward and advantage', help: 'This sets the precision of rewards. float16 rounds them as StepTool’s code does.' }),
  value_head_init: z.enum(['zero', 'torch']).default('zero').meta({
    group: 'Value head and critics',
    help: 'This sets how the value head is initialized. With zero its values start at 0, so that the first advantages come from rewards only. torch draws random weights as nn.Linear does, like TRL.',
  }),
  ...adapterSettings(8),
  ...referenceSettings,
  ...sequenceSettings({ context: 4096, essential: true }),
  max_tokens_per_micro_batch: z.int().min(32).default(5120).meta({
    group: 'Memory',
    help: 'At most this many tokens are processed at once. A smaller value takes less memory and gives the same result. The longest trajectory must fit.',
  }),
  ...adamSettings,
  ...memorySettings,
}
export type PpoSettings = z.output<z.ZodObject<typeof ppoSettings>>

/** The settings of step-grained PPO. */
export const steptoolPpoConfig = z.object({
  ...ppoSettings,
  step_reward_weighting: z.enum(STEP_REWARD_WEIGHTINGS).default('paper').meta({
    group: 'Reward and advantage',
    help: 'This sets how step rewards are weighted. paper counts every step’s reward once. released multiplies reward i of n by n − i − 1 as StepTool’s code does, so that the final step counts nothing.',
    essential: true,
  }),
  center_step_rewards: z.boolean().default(false).meta({
    group: 'Reward and advantage',
    help: 'If on, the batch’s mean step reward is subtracted from each reward. If off, rewards from 0 to 1 pay for every extra step, whatever it does.',
    essential: true,
  }),
  unlabelled_steps: z.enum(UNLABELLED_STEPS).default('leave_out').meta({
    group: 'Reward and advantage',
    help: 'This sets how steps without a label are treated. leave_out does not train on them; no_score trains on them with reward 0.',
  }),
})
export type SteptoolPpoConfig = z.output<typeof steptoolPpoConfig>

/** The settings of PPO on the outcome. */
export const ppoConfig = z.object({
  ...ppoSettings,
  reward: z.enum(OUTCOMES).default('final_step').meta({
    group: 'Reward and advantage',
    help: 'This sets where the reward of a trajectory comes from. final_step uses the label of its final step, or its status if that has no label. status always uses its status: Solved is 1, Unsure ½, Unsolved 0.',
    essential: true,
  }),
  literal_text_bug: z.boolean().default(false).meta({
    group: 'Sequences',
    help: 'If on, the sequence is written as StepTool’s released baseline does: all prompts as one Python list, then all completions as another, and only the second is trained on. The order of the turns is lost.',
  }),
})
export type PpoConfig = z.output<typeof ppoConfig>

/** The options with which trajectories are tokenized for these settings. */
export function ppoSequenceOptions(settings: PpoSettings): TokenizeOptions {
  return {
    maxContextLen: settings.max_context_len,
    maxResponseLen: settings.max_response_len,
    encoding: settings.encoding,
    rewardDtype: settings.reward_dtype,
  }
}
