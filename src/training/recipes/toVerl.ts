/**
 * A recipe as verl's configuration: overrides of `verl.trainer.main_ppo`, of the names in verl 0.9.1's trainer/config (fsdp workers;
 * test/golden/verl_fields.json holds them all). What verl does with a value was read in its trainer/ppo/core_algos.py and workers/.
 */
import { grpo } from '../algorithms/grpo/loop'
import { ppo, type PpoConfig } from '../algorithms/ppo/outcome'
import { steptoolPpo, type SteptoolPpoConfig } from '../algorithms/ppo/loop'
import type { GrpoConfig } from '../algorithms/grpo/config'
import type { PpoSettings } from '../algorithms/ppo/config'
import {
  becomes,
  fixedAt,
  handOver,
  implied,
  nearly,
  nowhere,
  type Fate,
  type Fates,
  type Handover,
  type RecipeFates,
} from './fieldMapping'
import { checkpointOf, type CompleteRecipe } from './recipe'

const VERL_RELEASE = 'verl==0.9.1'

/** Throws one sentence where main_ppo has no counterpart. */
export function toVerl(recipe: CompleteRecipe): Handover & { readonly requires: typeof VERL_RELEASE } {
  switch (recipe.algorithm) {
    case 'grpo': {
      const fates = grpoFates(grpo.config.parse(recipe.config))
      return { requires: VERL_RELEASE, ...handOver(recipe, own(recipe, ['actor_rollout_ref']), fates, grpoAlways) }
    }
    case 'steptool-ppo': {
      const fates = steptoolPpoFates(steptoolPpo.config.parse(recipe.config))
      return { requires: VERL_RELEASE, ...handOver(recipe, own(recipe, ['actor_rollout_ref', 'critic']), fates, ppoAlways) }
    }
    case 'ppo': {
      const fates = outcomePpoFates(ppo.config.parse(recipe.config))
      return { requires: VERL_RELEASE, ...handOver(recipe, own(recipe, ['actor_rollout_ref', 'critic']), fates, ppoAlways) }
    }
    default:
      throw new Error(`A verl configuration is written for grpo, ppo and steptool-ppo, not for ${recipe.algorithm}.`)
  }
}

const ACTOR = 'actor_rollout_ref.actor'
/** verl can neither leave gradients unclipped nor a ratio unbounded: a bound never reached is the same. */
const NO_BOUND = 1e9

function own({ seed, model, init_adapter, config }: CompleteRecipe, workers: readonly string[]): RecipeFates {
  const checkpoint = checkpointOf(model)
  const paths = each(workers, 'model.path', checkpoint?.name)
  return {
    seed: nearly(
      { 'data.seed': seed, 'actor_rollout_ref.rollout.seed': seed, [`${ACTOR}.data_loader_seed`]: seed },
      'Other generators: the same seed gives other numbers.',
    ),
    steps: nowhere('The algorithm has no max_steps.'),
    model: !checkpoint
      ? nowhere('It is no checkpoint folder or name that transformers could load.')
      : checkpoint.revision === null
        ? becomes(paths)
        : nearly(paths, 'verl takes no revision: download that one and name the folder.'),
    data: nowhere('verl reads prompts from parquet files: data.train_files.'),
    init_adapter:
      config.ref_adapter === 'none'
        ? becomes({ 'actor_rollout_ref.model.lora_adapter_path': init_adapter })
        : nearly(
            { 'actor_rollout_ref.model.lora_adapter_path': init_adapter },
            'verl holds the policy to the base with the adapter off (ref_adapter none), not to a copy of the adapter.',
          ),
  }
}

type Adam = Pick<GrpoConfig, 'adam_beta1' | 'adam_beta2' | 'adam_epsilon'>
const adamFates = (settings: Adam, workers: readonly string[]): Fates<Adam> => ({
  adam_beta1: becomes(each(workers, 'optim.betas', [settings.adam_beta1, settings.adam_beta2])),
  adam_beta2: becomes({}),
  adam_epsilon:
    settings.adam_epsilon === 1e-8
      ? implied('torch’s default.')
      : becomes(each(workers, 'optim.override_optimizer_config', { eps: settings.adam_epsilon })),
})

const each = (workers: readonly string[], name: string, value: unknown): Record<string, unknown> =>
  Object.fromEntries(workers.map((worker) => [`${worker}.${name}`, value]))

type Lora = Pick<GrpoConfig, 'lora_r' | 'lora_alpha' | 'lora_targets' | 'use_rslora' | 'init_lora_weights'>
const loraFates = (settings: Lora, models: readonly string[]): Fates<Lora> => ({
  lora_r: becomes(each(models, 'lora_rank', settings.lora_r)),
  lora_alpha: becomes(each(models, 'lora_alpha', settings.lora_alpha)),
  lora_targets: becomes(each(models, 'target_modules', settings.lora_targets)),
  use_rslora: fixedAt(!settings.use_rslora, 'verl scales an adapter by alpha / r.'),
  init_lora_weights: fixedAt(settings.init_lora_weights === 'kaiming', 'verl’s adapters begin as PEFT’s do by default.'),
})

type Lengths = Pick<
  GrpoConfig,
  'max_context_len' | 'max_response_len' | 'encoding' | 'max_tokens_per_micro_batch' | 'gradient_checkpointing'
>
const lengthFates = (settings: Lengths): Fates<Lengths> => ({
  max_context_len: nearly(
    { 'data.max_prompt_length': settings.max_context_len, 'data.truncation': 'left' },
    'verl’s prompt ends where the first response begins; Hone’s context holds all turns before the final response.',
  ),
  max_response_len: nearly(
    { 'data.max_response_length': settings.max_response_len },
    'verl’s response holds all turns and tool replies: raise it to the length of an episode.',
  ),
  encoding: fixedAt(!settings.encoding.startsWith('text'), 'verl learns from the token ids that were sampled.'),
  gradient_checkpointing: becomes({ 'actor_rollout_ref.model.enable_gradient_checkpointing': settings.gradient_checkpointing }),
  max_tokens_per_micro_batch: becomes({
    [`${ACTOR}.use_dynamic_bsz`]: true,
    [`${ACTOR}.ppo_max_token_len_per_gpu`]: settings.max_tokens_per_micro_batch,
  }),
})

const grpoAlways = { 'algorithm.adv_estimator': 'grpo', 'algorithm.use_kl_in_reward': false, 'actor_rollout_ref.rollout.temperature': 1 }

function grpoFates(settings: GrpoConfig): Fates<GrpoConfig> {
  const { generation_batch_size: attempts, num_generations: group, steps_per_generation: parts } = settings
  const prompts = Math.ceil(attempts / group)
  const updates = parts * settings.num_iterations
  const isSequence = settings.importance_sampling_level === 'sequence'
  const isCispo = settings.loss_type === 'cispo'
  const high = settings.epsilon_high ?? settings.epsilon
  return {
    ...adamFates(settings, [ACTOR]),
    ...loraFates(settings, ['actor_rollout_ref.model']),
    ...lengthFates(settings),
    learning_rate: becomes({ [`${ACTOR}.optim.lr`]: settings.learning_rate }),
    max_steps: becomes({ 'trainer.total_training_steps': settings.max_steps }),
    generation_batch_size: becomes({ 'data.train_batch_size': prompts }),
    num_generations: becomes({ 'actor_rollout_ref.rollout.n': group }),
    // verl counts prompts and multiplies by rollout.n itself.
    steps_per_generation:
      prompts % parts === 0
        ? becomes({ [`${ACTOR}.ppo_mini_batch_size`]: prompts / parts })
        : nearly(
            { [`${ACTOR}.ppo_mini_batch_size`]: prompts },
            `verl cuts between prompts, and ${prompts} of them are no multiple of ${parts}: a batch is one part there.`,
          ),
    num_iterations: becomes({ [`${ACTOR}.ppo_epochs`]: settings.num_iterations }),
    loss_type:
      parts > 1 && (settings.loss_type === 'dapo' || isCispo)
        ? nearly(lossOf(settings), 'verl averages over the tokens of an update, Hone and TRL over those of the batch it is a part of.')
        : becomes(lossOf(settings)),
    scale_rewards: {
      group: nearly({ 'algorithm.norm_adv_by_std_in_grpo': true }, 'verl adds 1e-6 to the deviation, Hone and TRL 1e-4.'),
      none: becomes({ 'algorithm.norm_adv_by_std_in_grpo': false }),
      batch: nearly({ 'algorithm.norm_adv_by_std_in_grpo': false }, 'verl divides by the deviation of the group or not at all.'),
    }[settings.scale_rewards],
    importance_sampling_level: !isSequence
      ? implied('Every loss but gspo has a ratio per token.')
      : isCispo
        ? nowhere('verl’s cispo has a ratio per token.')
        : becomes({ [`${ACTOR}.policy_loss.loss_mode`]: 'gspo' }),
    epsilon: isCispo
      ? { to: { [`${ACTOR}.clip_ratio_low`]: 1 }, implied: 'cispo bounds the weight from above alone.' }
      : becomes({ [`${ACTOR}.clip_ratio`]: settings.epsilon, [`${ACTOR}.clip_ratio_low`]: settings.epsilon }),
    epsilon_high: becomes({ [`${ACTOR}.clip_ratio_high`]: isCispo ? high - 1 : high }),
    // Dual-clip PPO's c: the same bound of the ratio where the advantage is negative.
    delta: becomes({ [`${ACTOR}.clip_ratio_c`]: settings.delta ?? NO_BOUND }),
    // low_var_kl is the k3 estimate.
    beta: becomes(
      settings.beta > 0
        ? { [`${ACTOR}.use_kl_loss`]: true, [`${ACTOR}.kl_loss_coef`]: settings.beta, [`${ACTOR}.kl_loss_type`]: 'low_var_kl' }
        : { [`${ACTOR}.use_kl_loss`]: false },
    ),
    use_bias_correction_kl: fixedAt(settings.beta === 0 || !settings.use_bias_correction_kl, 'verl does not weigh the KL by the ratio.'),
    reward: nowhere('verl takes a reward function of your own: reward.custom_reward_function.'),
    advantage_level: fixedAt(settings.advantage_level === 'trajectory', 'verl has one advantage for all tokens of an attempt.'),
    mask_truncated_completions: fixedAt(!settings.mask_truncated_completions, 'verl trains on attempts that ran out of tokens.'),
    dynamic_sampling_rounds: becomes(
      settings.dynamic_sampling_rounds === 0
        ? { 'algorithm.filter_groups.enable': false }
        : { 'algorithm.filter_groups.enable': true, 'algorithm.filter_groups.max_num_gen_batches': settings.dynamic_sampling_rounds + 1 },
    ),
    max_completion_length: implied('It counts for dr_grpo alone, as loss_scale_factor.'),
    max_grad_norm: becomes({ [`${ACTOR}.optim.clip_grad`]: settings.max_grad_norm || NO_BOUND }),
    lr_scheduler_type: scheduleOf(settings, updates),
    warmup_steps: warmupOf(settings, updates),
    weight_decay: becomes({ [`${ACTOR}.optim.weight_decay`]: settings.weight_decay }),
    ref_adapter: refFate,
  }
}

/** What becomes of it is said where it counts, at `init_adapter`. */
const refFate = implied('It counts where a run begins from an adapter.')

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

function scheduleOf({ lr_scheduler_type }: GrpoConfig, updates: number): Fate {
  const name = `${ACTOR}.optim.lr_scheduler_type`
  switch (lr_scheduler_type) {
    case 'constant':
    case 'constant_with_warmup':
      return becomes({ [name]: 'constant' })
    case 'cosine':
      return updates === 1
        ? becomes({ [name]: 'cosine' })
        : nearly({ [name]: 'cosine' }, `verl moves the rate once per batch of ${updates} updates.`)
    case 'linear':
      return nearly({ [name]: 'constant' }, 'verl has constant and cosine.')
  }
}

/** verl moves the rate once per batch, Hone once per update. */
function warmupOf({ warmup_steps, lr_scheduler_type }: GrpoConfig, updates: number): Fate {
  const name = `${ACTOR}.optim.lr_warmup_steps`
  if (lr_scheduler_type === 'constant') return { to: { [name]: 0 }, implied: 'A constant rate has no warm-up.' }
  const warmup = { [name]: Math.ceil(warmup_steps / updates) }
  return warmup_steps % updates === 0 ? becomes(warmup) : nearly(warmup, `verl counts batches of ${updates} updates.`)
}

const ppoAlways = {
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

function ppoFates(settings: PpoSettings): Fates<PpoSettings> {
  const workers = [ACTOR, 'critic']
  const update = settings.mini_batch_size * settings.gradient_accumulation_steps
  return {
    ...adamFates(settings, workers),
    ...loraFates(settings, ['actor_rollout_ref.model', 'critic.model']),
    ...lengthFates(settings),
    learning_rate: becomes(each(workers, 'optim.lr', settings.learning_rate)),
    ref_adapter: refFate,
    max_steps: becomes({ 'trainer.total_training_steps': settings.max_steps }),
    batch_size: becomes({ 'data.train_batch_size': settings.batch_size }),
    mini_batch_size: nearly(
      each(workers, 'ppo_mini_batch_size', Math.min(update, settings.batch_size)),
      'verl’s mini-batch is what one update learns from, and its loss the mean over all tokens of it; Hone’s, as TRL’s, is the mean of mini-batches’ means.',
    ),
    gradient_accumulation_steps: nearly({}, 'It is part of ppo_mini_batch_size: mini_batch_size · gradient_accumulation_steps.'),
    ppo_epochs: becomes(each(workers, 'ppo_epochs', settings.ppo_epochs)),
    init_kl_coef: becomes({ 'algorithm.kl_ctrl.kl_coef': settings.init_kl_coef }),
    adap_kl_ctrl: becomes({ 'algorithm.kl_ctrl.type': settings.adap_kl_ctrl ? 'adaptive' : 'fixed' }),
    target: settings.adap_kl_ctrl
      ? nowhere(
          'verl’s algorithm.kl_ctrl.target_kl is the mean KL per token, target the sum of a trajectory: divide by the trained tokens of a usual one.',
        )
      : implied('It counts for an adaptive coefficient alone.'),
    horizon: becomes({ 'algorithm.kl_ctrl.horizon': settings.horizon }),
    kl_penalty: becomes({ 'algorithm.kl_penalty': settings.kl_penalty }),
    gamma: becomes({ 'algorithm.gamma': settings.gamma }),
    lam: becomes({ 'algorithm.lam': settings.lam }),
    cliprange: becomes({
      [`${ACTOR}.clip_ratio`]: settings.cliprange,
      [`${ACTOR}.clip_ratio_low`]: settings.cliprange,
      [`${ACTOR}.clip_ratio_high`]: settings.cliprange,
    }),
    cliprange_value: becomes({ 'critic.cliprange_value': settings.cliprange_value }),
    vf_coef: nowhere(`${OWN_CRITIC}: its loss is minimised by itself.`),
    ratio_threshold: nowhere('verl skips no mini-batch.'),
    whiten_advantages: fixedAt(settings.whiten_advantages, 'verl’s gae always whitens advantages.'),
    max_grad_norm: becomes(each(workers, 'optim.clip_grad', settings.max_grad_norm || NO_BOUND)),
    gae_mask_mode: fixedAt(settings.gae_mask_mode === 'skip', 'verl’s gae skips tool replies.'),
    reward_dtype: fixedAt(settings.reward_dtype === 'float32', 'verl keeps rewards in float32.'),
    value_head_init: nowhere(`${OWN_CRITIC}, and starts as its checkpoint does.`),
  }
}

const steptoolPpoFates = (settings: SteptoolPpoConfig): Fates<SteptoolPpoConfig> => ({
  ...ppoFates(settings),
  step_reward_weighting: nowhere('verl’s reward managers write one reward at the last token: rewards of steps need a manager of your own.'),
  center_step_rewards: nowhere('verl takes rewards as they are: subtract their mean in the reward function.'),
  unlabelled_steps: nowhere('verl trains on every sampled token.'),
})

const outcomePpoFates = (settings: PpoConfig): Fates<PpoConfig> => ({
  ...ppoFates(settings),
  reward: nowhere('verl takes a reward function of your own: reward.custom_reward_function.'),
  literal_text_bug: fixedAt(!settings.literal_text_bug, 'verl learns from the tokens that were sampled.'),
})
