/** GRPO's settings in verl. */
import { approximate, fixedValue, implied, mapsTo, unmapped, type FieldMapping, type FieldMappings } from '../../recipes/fieldMapping'
import { ACTOR, adamMappings, adapterMappings, lengthMappings, NO_BOUND, refAdapter } from '../../recipes/verlFields'
import type { GrpoConfig } from './config'

export const grpoVerlAlways = {
  'algorithm.adv_estimator': 'grpo',
  'algorithm.use_kl_in_reward': false,
  'actor_rollout_ref.rollout.temperature': 1,
}

export function grpoVerlMappings(settings: GrpoConfig): FieldMappings<GrpoConfig> {
  const { generation_batch_size: attempts, num_generations: group, steps_per_generation: parts } = settings
  const prompts = Math.ceil(attempts / group)
  const updates = parts * settings.num_iterations
  return {
    ...adamMappings(settings, [ACTOR]),
    ...adapterMappings(settings, ['actor_rollout_ref.model']),
    ...lengthMappings(settings),
    learning_rate: mapsTo({ [`${ACTOR}.optim.lr`]: settings.learning_rate }),
    max_steps: mapsTo({ 'trainer.total_training_steps': settings.max_steps }),
    generation_batch_size: mapsTo({ 'data.train_batch_size': prompts }),
    num_generations: mapsTo({ 'actor_rollout_ref.rollout.n': group }),
    // verl counts prompts and multiplies by rollout.n itself.
    steps_per_generation:
      prompts % parts === 0
        ? mapsTo({ [`${ACTOR}.ppo_mini_batch_size`]: prompts / parts })
        : approximate(
            { [`${ACTOR}.ppo_mini_batch_size`]: prompts },
            `verl cuts between prompts, and ${prompts} of them are no multiple of ${parts}: a batch is one part there.`,
          ),
    num_iterations: mapsTo({ [`${ACTOR}.ppo_epochs`]: settings.num_iterations }),
    loss_type:
      parts > 1 && (settings.loss_type === 'dapo' || settings.loss_type === 'cispo')
        ? approximate(lossOf(settings), 'verl averages over the tokens of an update, Hone and TRL over those of the batch it is a part of.')
        : mapsTo(lossOf(settings)),
    scale_rewards: {
      group: approximate({ 'algorithm.norm_adv_by_std_in_grpo': true }, 'verl adds 1e-6 to the deviation, Hone and TRL 1e-4.'),
      none: mapsTo({ 'algorithm.norm_adv_by_std_in_grpo': false }),
      batch: approximate({ 'algorithm.norm_adv_by_std_in_grpo': false }, 'verl divides by the deviation of the group or not at all.'),
    }[settings.scale_rewards],
    ...ratioMappings(settings),
    ...klMappings(settings),
    reward: unmapped('verl takes a reward function of your own: reward.custom_reward_function.'),
    advantage_level: fixedValue(settings.advantage_level === 'trajectory', 'verl has one advantage for all tokens of an attempt.'),
    mask_truncated_completions: fixedValue(!settings.mask_truncated_completions, 'verl trains on attempts that ran out of tokens.'),
    dynamic_sampling_rounds: mapsTo(
      settings.dynamic_sampling_rounds === 0
        ? { 'algorithm.filter_groups.enable': false }
        : { 'algorithm.filter_groups.enable': true, 'algorithm.filter_groups.max_num_gen_batches': settings.dynamic_sampling_rounds + 1 },
    ),
    max_completion_length: implied('It only matters for dr_grpo, as loss_scale_factor.'),
    max_grad_norm: mapsTo({ [`${ACTOR}.optim.clip_grad`]: settings.max_grad_norm || NO_BOUND }),
    lr_scheduler_type: scheduleOf(settings, updates),
    warmup_steps: warmupOf(settings, updates),
    weight_decay: mapsTo({ [`${ACTOR}.optim.weight_decay`]: settings.weight_decay }),
    ref_adapter: refAdapter,
  }
}

type RatioField = 'importance_sampling_level' | 'epsilon' | 'epsilon_high' | 'delta'

/** Maps the level of the importance ratio, and its bounds. */
function ratioMappings(settings: GrpoConfig): FieldMappings<Pick<GrpoConfig, RatioField>> {
  const isSequence = settings.importance_sampling_level === 'sequence'
  const isCispo = settings.loss_type === 'cispo'
  const high = settings.epsilon_high ?? settings.epsilon
  return {
    importance_sampling_level: !isSequence
      ? implied('Every loss except gspo has one ratio per token.')
      : isCispo
        ? unmapped('verl’s cispo has a ratio per token.')
        : mapsTo({ [`${ACTOR}.policy_loss.loss_mode`]: 'gspo' }),
    epsilon: isCispo
      ? { to: { [`${ACTOR}.clip_ratio_low`]: 1 }, implied: 'cispo bounds the weight from above alone.' }
      : mapsTo({ [`${ACTOR}.clip_ratio`]: settings.epsilon, [`${ACTOR}.clip_ratio_low`]: settings.epsilon }),
    epsilon_high: mapsTo({ [`${ACTOR}.clip_ratio_high`]: isCispo ? high - 1 : high }),
    // Dual-clip PPO's c: the same bound of the ratio where the advantage is negative.
    delta: mapsTo({ [`${ACTOR}.clip_ratio_c`]: settings.delta ?? NO_BOUND }),
  }
}

function klMappings(settings: GrpoConfig): FieldMappings<Pick<GrpoConfig, 'beta' | 'use_bias_correction_kl'>> {
  return {
    // low_var_kl is the k3 estimate.
    beta: mapsTo(
      settings.beta > 0
        ? { [`${ACTOR}.use_kl_loss`]: true, [`${ACTOR}.kl_loss_coef`]: settings.beta, [`${ACTOR}.kl_loss_type`]: 'low_var_kl' }
        : { [`${ACTOR}.use_kl_loss`]: false },
    ),
    use_bias_correction_kl: fixedValue(settings.beta === 0 || !settings.use_bias_correction_kl, 'verl does not weigh the KL by the ratio.'),
  }
}

function lossOf({ loss_type, max_completion_length }: GrpoConfig): Record<string, unknown> {
  const mode = `${ACTOR}.loss_agg_mode`
  switch (loss_type) {
    case 'grpo':
      return { [mode]: 'seq-mean-token-mean' }
    case 'dr_grpo':
      return { [mode]: 'seq-mean-token-sum-norm', [`${ACTOR}.loss_scale_factor`]: max_completion_length }
    case 'cispo':
      return { [mode]: 'token-mean', [`${ACTOR}.policy_loss.loss_mode`]: 'cispo' }
    case 'dapo':
    case 'bnpo':
      return { [mode]: 'token-mean' }
  }
}

function scheduleOf({ lr_scheduler_type }: GrpoConfig, updates: number): FieldMapping {
  const name = `${ACTOR}.optim.lr_scheduler_type`
  switch (lr_scheduler_type) {
    case 'constant':
    case 'constant_with_warmup':
      return mapsTo({ [name]: 'constant' })
    case 'cosine':
      return updates === 1
        ? mapsTo({ [name]: 'cosine' })
        : approximate({ [name]: 'cosine' }, `verl moves the rate once per batch of ${updates} updates.`)
    case 'linear':
      return approximate({ [name]: 'constant' }, 'verl has constant and cosine.')
  }
}

/** verl moves the rate once per batch, Hone once per update. */
function warmupOf({ warmup_steps, lr_scheduler_type }: GrpoConfig, updates: number): FieldMapping {
  const name = `${ACTOR}.optim.lr_warmup_steps`
  if (lr_scheduler_type === 'constant') return { to: { [name]: 0 }, implied: 'A constant rate has no warm-up.' }
  const warmup = { [name]: Math.ceil(warmup_steps / updates) }
  return warmup_steps % updates === 0 ? mapsTo(warmup) : approximate(warmup, `verl counts batches of ${updates} updates.`)
}
