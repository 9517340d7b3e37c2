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
    help: 'Learning rate of Adam, constant. StepTool uses 1e-5 for 7B models; small models take more.',
    essential: true,
  }),
  max_steps: z
    .int()
    .positive()
    .default(100)
    .meta({ group: 'Length and batches', help: 'Batches to train on; each is gone over ppo_epochs times.', essential: true }),
  batch_size: z.int().positive().default(8).meta({
    group: 'Length and batches',
    small: 64,
    help: 'Trajectories per batch. Advantages are whitened over it and the KL controller moves once per batch.',
    essential: true,
  }),
  mini_batch_size: z
    .int()
    .positive()
    .default(2)
    .meta({ group: 'Length and batches', small: 16, help: 'Trajectories per mini-batch: the loss is the mean over its tokens.' }),
  gradient_accumulation_steps: z.int().positive().default(4).meta({
    group: 'Length and batches',
    small: 1,
    help: 'Mini-batches whose mean gradient makes one update. 8 / 2 / 4 is one update per PPO epoch.',
  }),
  ppo_epochs: z
    .int()
    .positive()
    .default(4)
    .meta({ group: 'Length and batches', help: 'Times each batch is gone over, in a new order each time.', essential: true }),
  init_kl_coef: z.number().nonnegative().default(0.3).meta({
    group: 'Reference policy and KL',
    help: 'β at the start: weight of the KL penalty that keeps the policy near the reference.',
    essential: true,
  }),
  adap_kl_ctrl: z
    .boolean()
    .default(true)
    .meta({ group: 'Reference policy and KL', help: 'Steer β so that the KL per trajectory approaches target.' }),
  target: z
    .number()
    .positive()
    .default(6)
    .meta({ group: 'Reference policy and KL', help: 'KL per trajectory, in nats, that β is steered to.' }),
  horizon: z
    .number()
    .positive()
    .default(10_000)
    .meta({ group: 'Reference policy and KL', help: 'Trajectories over which β may move by its full rate.' }),
  kl_penalty: z.enum(KL_PENALTIES).default('kl').meta({
    group: 'Reference policy and KL',
    help: 'Per-token penalty: kl is log π − log π_ref, abs its absolute value, mse half its square (k2), low_var_kl the k3 estimate, never negative.',
  }),
  gamma: z.number().min(0).max(1).default(0.99).meta({ group: 'Reward and advantage', help: 'Discount per token.' }),
  lam: z
    .number()
    .min(0)
    .max(1)
    .default(0.95)
    .meta({ group: 'Reward and advantage', help: 'λ of generalised advantage estimation: 1 trusts rewards, 0 trusts the value head.' }),
  cliprange: z.number().positive().default(0.2).meta({ group: 'Loss', help: 'The ratio π_new / π_old earns nothing beyond 1 ± this.' }),
  cliprange_value: z.number().positive().default(0.2).meta({ group: 'Loss', help: 'Values earn nothing beyond their old value ± this.' }),
  vf_coef: z.number().nonnegative().default(0.1).meta({ group: 'Value head and critics', help: 'Weight of the value loss.' }),
  ratio_threshold: z
    .number()
    .positive()
    .default(10)
    .meta({ group: 'Loss', help: 'A mini-batch whose mean ratio is above this is skipped.' }),
  whiten_advantages: z
    .boolean()
    .default(true)
    .meta({ group: 'Reward and advantage', help: 'Scale advantages to mean 0 and variance 1 over the batch.' }),
  max_grad_norm: z
    .number()
    .nonnegative()
    .default(0)
    .meta({ group: 'Optimizer', help: 'Gradients are scaled down to this global norm; 0 turns clipping off, as StepTool does.' }),
  gae_mask_mode: z.enum(GAE_MASK_MODES).default('skip').meta({
    group: 'Reward and advantage',
    help: 'skip: credit passes over tool replies. trl_classic: it decays by γλ per reply token, which makes each step nearly its own episode.',
    essential: true,
  }),
  reward_dtype: z
    .enum(REWARD_DTYPES)
    .default('float32')
    .meta({ group: 'Reward and advantage', help: 'float16 rounds rewards as StepTool’s code does.' }),
  value_head_init: z.enum(['zero', 'torch']).default('zero').meta({
    group: 'Value head and critics',
    help: 'zero: values start at 0, so the first advantages are rewards alone. torch: nn.Linear’s random start, as TRL.',
  }),
  ...adapterSettings(8),
  ...referenceSettings,
  ...sequenceSettings({ context: 4096, essential: true }),
  max_tokens_per_micro_batch: z
    .int()
    .min(32)
    .default(5120)
    .meta({ group: 'Memory', help: 'Tokens processed at once: bounds memory, changes no result. At least the longest trajectory.' }),
  ...adamSettings,
  ...memorySettings,
}
export type PpoSettings = z.output<z.ZodObject<typeof ppoSettings>>

/** The settings of step-grained PPO. */
export const steptoolPpoConfig = z.object({
  ...ppoSettings,
  step_reward_weighting: z.enum(STEP_REWARD_WEIGHTINGS).default('paper').meta({
    group: 'Reward and advantage',
    help: 'paper: every step’s reward counts once. released: reward i of n is multiplied by n − i − 1 as in StepTool’s code, so the final step counts nothing.',
    essential: true,
  }),
  center_step_rewards: z.boolean().default(false).meta({
    group: 'Reward and advantage',
    help: 'Take the batch’s mean step reward off each. Without it rewards of 0 to 1 pay for every further step, whatever it does.',
    essential: true,
  }),
  unlabelled_steps: z.enum(UNLABELLED_STEPS).default('leave_out').meta({
    group: 'Reward and advantage',
    help: 'leave_out: a step without a label is not trained. no_score: it is, as if its reward were 0.',
  }),
})
export type SteptoolPpoConfig = z.output<typeof steptoolPpoConfig>

/** The settings of PPO on the outcome. */
export const ppoConfig = z.object({
  ...ppoSettings,
  reward: z.enum(OUTCOMES).default('final_step').meta({
    group: 'Reward and advantage',
    help: 'final_step: the label of the final step, or how the trajectory ended where it has none. status: how it ended, whatever the labels say. Solved 1, Unsure ½, Unsolved 0.',
    essential: true,
  }),
  literal_text_bug: z.boolean().default(false).meta({
    group: 'Sequences',
    help: 'As StepTool’s released baseline: all prompts as one Python list, then all completions as another, and only that is trained. The order of the turns is lost.',
  }),
})
export type PpoConfig = z.output<typeof ppoConfig>

/** How trajectories become the sequences such a configuration trains on. */
export function ppoSequenceOptions(settings: PpoSettings): TokenizeOptions {
  return {
    maxContextLen: settings.max_context_len,
    maxResponseLen: settings.max_response_len,
    encoding: settings.encoding,
    rewardDtype: settings.reward_dtype,
  }
}
