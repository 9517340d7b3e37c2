/** Both PPOs' settings in verl. */
import { approximate, fixedValue, implied, mapsTo, unmapped, type FieldMappings } from '../../recipes/fieldMapping'
import { ACTOR, adamMappings, adapterMappings, each, lengthMappings, NO_BOUND, refAdapter } from '../../recipes/verlFields'
import type { PpoSettings } from './config'
import type { SteptoolPpoConfig } from './config'
import type { PpoConfig } from './config'

export const ppoVerlAlways = {
  'algorithm.adv_estimator': 'gae',
  'algorithm.use_kl_in_reward': true,
  [`${ACTOR}.use_kl_loss`]: false,
  [`${ACTOR}.loss_agg_mode`]: 'token-mean',
  [`${ACTOR}.clip_ratio_c`]: NO_BOUND,
  // Adam without decay at a constant rate.
  ...each([ACTOR, 'critic'], 'optim.weight_decay', 0),
  ...each([ACTOR, 'critic'], 'optim.lr_scheduler_type', 'constant'),
  'actor_rollout_ref.rollout.n': 1,
  'actor_rollout_ref.rollout.temperature': 1,
}

const OWN_CRITIC = 'verl’s critic is a model of its own, not a head on the policy'

function sharedMappings(settings: PpoSettings): FieldMappings<PpoSettings> {
  const workers = [ACTOR, 'critic']
  const update = settings.mini_batch_size * settings.gradient_accumulation_steps
  return {
    ...adamMappings(settings, workers),
    ...adapterMappings(settings, ['actor_rollout_ref.model', 'critic.model']),
    ...lengthMappings(settings),
    learning_rate: mapsTo(each(workers, 'optim.lr', settings.learning_rate)),
    ref_adapter: refAdapter,
    max_steps: mapsTo({ 'trainer.total_training_steps': settings.max_steps }),
    batch_size: mapsTo({ 'data.train_batch_size': settings.batch_size }),
    mini_batch_size: approximate(
      each(workers, 'ppo_mini_batch_size', Math.min(update, settings.batch_size)),
      'verl’s mini-batch is what one update learns from, and its loss the mean over all tokens of it; Hone’s, as TRL’s, is the mean of mini-batches’ means.',
    ),
    gradient_accumulation_steps: approximate({}, 'It is part of ppo_mini_batch_size: mini_batch_size · gradient_accumulation_steps.'),
    ppo_epochs: mapsTo(each(workers, 'ppo_epochs', settings.ppo_epochs)),
    init_kl_coef: mapsTo({ 'algorithm.kl_ctrl.kl_coef': settings.init_kl_coef }),
    adap_kl_ctrl: mapsTo({ 'algorithm.kl_ctrl.type': settings.adap_kl_ctrl ? 'adaptive' : 'fixed' }),
    target: settings.adap_kl_ctrl
      ? unmapped(
          'verl’s algorithm.kl_ctrl.target_kl is the mean KL per token, target the sum of a trajectory: divide by the trained tokens of a usual one.',
        )
      : implied('It only matters for an adaptive coefficient.'),
    horizon: mapsTo({ 'algorithm.kl_ctrl.horizon': settings.horizon }),
    kl_penalty: mapsTo({ 'algorithm.kl_penalty': settings.kl_penalty }),
    gamma: mapsTo({ 'algorithm.gamma': settings.gamma }),
    lam: mapsTo({ 'algorithm.lam': settings.lam }),
    cliprange: mapsTo({
      [`${ACTOR}.clip_ratio`]: settings.cliprange,
      [`${ACTOR}.clip_ratio_low`]: settings.cliprange,
      [`${ACTOR}.clip_ratio_high`]: settings.cliprange,
    }),
    cliprange_value: mapsTo({ 'critic.cliprange_value': settings.cliprange_value }),
    vf_coef: unmapped(`${OWN_CRITIC}: its loss is minimised by itself.`),
    ratio_threshold: unmapped('verl skips no mini-batch.'),
    whiten_advantages: fixedValue(settings.whiten_advantages, 'verl’s gae always whitens advantages.'),
    max_grad_norm: mapsTo(each(workers, 'optim.clip_grad', settings.max_grad_norm || NO_BOUND)),
    gae_mask_mode: fixedValue(settings.gae_mask_mode === 'skip', 'verl’s gae skips tool replies.'),
    reward_dtype: fixedValue(settings.reward_dtype === 'float32', 'verl keeps rewards in float32.'),
    value_head_init: unmapped(`${OWN_CRITIC}, and starts as its checkpoint does.`),
  }
}

export const steptoolPpoVerlMappings = (settings: SteptoolPpoConfig): FieldMappings<SteptoolPpoConfig> => ({
  ...sharedMappings(settings),
  step_reward_weighting: unmapped(
    'verl’s reward managers write one reward at the last token: rewards of steps need a manager of your own.',
  ),
  center_step_rewards: unmapped('verl takes rewards as they are: subtract their mean in the reward function.'),
  unlabelled_steps: unmapped('verl trains on every sampled token.'),
})

export const outcomePpoVerlMappings = (settings: PpoConfig): FieldMappings<PpoConfig> => ({
  ...sharedMappings(settings),
  reward: unmapped('verl takes a reward function of your own: reward.custom_reward_function.'),
  literal_text_bug: fixedValue(!settings.literal_text_bug, 'verl learns from the tokens that were sampled.'),
})
