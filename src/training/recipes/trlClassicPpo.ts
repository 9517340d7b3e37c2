/**
 * `steptool-ppo` and `ppo` as keyword arguments of the classic PPOConfig and of AutoModelForCausalLMWithValueHead.from_pretrained of trl 0.11.4, the
 * last release with a PPOTrainer that StepTool's StepPPOTrainer can subclass, and of LoraConfig of peft 0.21.2 (the same in 0.5.0).
 */
import type { PpoConfig } from '../algorithms/ppo/outcome'
import type { SteptoolPpoConfig } from '../algorithms/ppo/loop'
import type { PpoSettings } from '../algorithms/ppo/config'
import { becomes, fixedAt, implied, nearly, nowhere, type Fate, type Fates } from './fieldMapping'

// A constant rate, Adam without decay and no dropout are what PPOTrainer and StepTool's forward pass do.
export const classicPpoAlways = {
  'LoraConfig.bias': 'none',
  'LoraConfig.task_type': 'CAUSAL_LM',
  'LoraConfig.lora_dropout': 0,
  'AutoModelForCausalLMWithValueHead.summary_dropout_prob': 0,
}

function sharedFates(settings: PpoSettings): Fates<PpoSettings> {
  const same = (name: keyof PpoSettings): Fate => becomes({ [`PPOConfig.${name}`]: settings[name] })
  const adam = (isDefault: boolean): Fate =>
    fixedAt(isDefault, 'PPOTrainer makes its own Adam with torch’s defaults; hand it another as its argument optimizer.')
  const { batch_size: batch, mini_batch_size: mini, gradient_accumulation_steps: parts } = settings
  const script = (flag: string): Fate => nowhere(`It is an argument of StepTool’s script (--${flag}), not of PPOConfig.`)
  return {
    learning_rate: same('learning_rate'),
    max_steps: nearly(
      { 'PPOConfig.steps': settings.max_steps * batch },
      'TRL counts trajectories, Hone batches; the loop around PPOTrainer.step must stop by itself.',
    ),
    batch_size: same('batch_size'),
    mini_batch_size: same('mini_batch_size'),
    gradient_accumulation_steps:
      batch % (mini * parts) === 0
        ? same('gradient_accumulation_steps')
        : nowhere(
            `TRL refuses a batch_size (${batch}) that is no multiple of mini_batch_size · gradient_accumulation_steps (${mini * parts}).`,
          ),
    ppo_epochs: same('ppo_epochs'),
    init_kl_coef: same('init_kl_coef'),
    adap_kl_ctrl: same('adap_kl_ctrl'),
    target: same('target'),
    horizon: same('horizon'),
    kl_penalty: settings.kl_penalty === 'low_var_kl' ? nowhere('PPOConfig has kl, abs, mse and full.') : same('kl_penalty'),
    gamma: same('gamma'),
    lam: same('lam'),
    cliprange: same('cliprange'),
    cliprange_value: same('cliprange_value'),
    vf_coef: same('vf_coef'),
    ratio_threshold: same('ratio_threshold'),
    whiten_advantages: fixedAt(settings.whiten_advantages, 'PPOTrainer always whitens advantages.'),
    max_grad_norm: becomes({ 'PPOConfig.max_grad_norm': settings.max_grad_norm === 0 ? null : settings.max_grad_norm }),
    gae_mask_mode: fixedAt(settings.gae_mask_mode === 'trl_classic', 'In TRL credit decays over every token of a tool reply.'),
    reward_dtype: fixedAt(
      settings.reward_dtype === 'float32',
      'PPOTrainer keeps rewards as they are; StepTool’s script rounds them to float16.',
    ),
    value_head_init:
      settings.value_head_init === 'zero'
        ? becomes({
            'AutoModelForCausalLMWithValueHead.v_head_init_strategy': 'normal',
            'AutoModelForCausalLMWithValueHead.v_head_initializer_range': 0,
          })
        : implied('The value head starts as torch’s nn.Linear does.'),
    lora_r: becomes({ 'LoraConfig.r': settings.lora_r }),
    lora_alpha: becomes({ 'LoraConfig.lora_alpha': settings.lora_alpha }),
    lora_targets: becomes({ 'LoraConfig.target_modules': settings.lora_targets }),
    use_rslora: settings.use_rslora
      ? nearly({ 'LoraConfig.use_rslora': true }, 'peft 0.5.0, StepTool’s pin, has no rsLoRA.')
      : implied('LoraConfig’s default.'),
    init_lora_weights:
      settings.init_lora_weights === 'kaiming'
        ? implied('LoraConfig’s default.')
        : nearly({ 'LoraConfig.init_lora_weights': 'gaussian' }, 'peft 0.5.0, StepTool’s pin, has its own init alone.'),
    // What becomes of it is said where it counts, at `init_adapter`.
    ref_adapter: implied('It counts where a run begins from an adapter.'),
    max_context_len: script('max_context_len'),
    max_response_len: script('max_response_len'),
    encoding: nowhere('PPOTrainer.step takes token ids; StepTool’s script encodes every segment anew.'),
    max_tokens_per_micro_batch: nowhere('mini_batch_size bounds memory in TRL.'),
    gradient_checkpointing: nowhere('Call gradient_checkpointing_enable() on the model.'),
    adam_beta1: adam(settings.adam_beta1 === 0.9),
    adam_beta2: adam(settings.adam_beta2 === 0.999),
    adam_epsilon: adam(settings.adam_epsilon === 1e-8),
  }
}

export const steptoolPpoFates = (settings: SteptoolPpoConfig): Fates<SteptoolPpoConfig> => ({
  ...sharedFates(settings),
  step_reward_weighting: nowhere(
    settings.step_reward_weighting === 'released'
      ? 'PPOTrainer adds one reward at the last token; rewards of steps need StepTool’s StepPPOTrainer.'
      : 'PPOTrainer adds one reward at the last token; StepTool’s StepPPOTrainer adds each step’s times n − i − 1: take the factor out of its compute_rewards.',
  ),
  center_step_rewards: nowhere('PPOTrainer takes rewards as they are: subtract their mean beforehand.'),
  unlabelled_steps: nowhere('PPOTrainer takes a reward for everything: leave out what has none beforehand.'),
})

export const outcomePpoFates = (settings: PpoConfig): Fates<PpoConfig> => ({
  ...sharedFates(settings),
  reward: nowhere('PPOTrainer.step is handed one reward for each response: the loop around it reads it off.'),
  literal_text_bug: fixedAt(
    !settings.literal_text_bug,
    'PPOTrainer.step takes token ids: StepTool’s script makes them from str() of its lists.',
  ),
})
