/**
 * ArCHer's settings in the flat YAML of its released code (arXiv:2402.19446; archer_config.yaml of StepTool's baseline). Names TRL has are
 * TRL's; the rest keep ArCHer's.
 */
import type { RecipeInterop } from '../../recipes/interop'
import type { ArcherConfig } from './config'

export const archerInterop: RecipeInterop<ArcherConfig> = {
  fromReleased: {
    title: 'ArCHer’s settings (lm_lr, critic_lr, …)',
    claims: (fields) => 'lm_lr' in fields || 'critic_lr' in fields,
    settings: {
      lm_lr: 'learning_rate',
      critic_lr: 'critic_lr',
      iterations: 'max_steps',
      batch_size: 'batch_size',
      grad_accum_steps: 'gradient_accumulation_steps',
      epochs: 'epochs',
      actor_epochs: 'actor_epochs',
      warmup_iter: 'warmup_iter',
      rollout_size: 'rollout_size',
      capacity: 'capacity',
      gamma: 'gamma',
      tau: 'tau',
      max_grad_norm: 'max_grad_norm',
      max_new_tokens: 'max_response_len',
      temperature: 'temperature',
      use_baseline: 'use_baseline',
    },
    modelField: 'policy_lm',
    dataField: 'env_load_path',
    withoutEffect: {
      defaults: 'The files that it includes are not read. Settings that only they contain get the algorithm’s defaults.',
      critic_lm: 'The critics read hidden states of the policy’s base model, without the adapter.',
      use_lora: 'The policy is always trained through an adapter.',
      agent_type: 'The chat template comes with the model.',
      basemodel: 'It names a folder; policy_lm names the model.',
      checkpoint_path: 'A run is resumed from its folder.',
      save_path: 'The folder of a run is chosen when it starts.',
      save_freq: 'The interval of checkpoints is set when the run starts (--checkpoint-every).',
      eval_freq: 'The released training loop never reads it.',
      eval_size: 'The released training loop never reads it.',
      env_idx: 'The released training loop runs no environment.',
      eos_str: 'The model’s tokenizer determines the end-of-sequence token.',
      do_sample: 'Responses are always sampled, at the given temperature.',
      use_bfloat16: 'The precision of weights is chosen with dtype.',
      cache_dir: 'The studio stores models itself.',
      huggingface_token: 'Keys are never read from files.',
      wandb_key: 'Keys are never read from files. Set WANDB_API_KEY in the environment of the gateway.',
      use_wandb: 'Hone stores metrics itself. A run’s page and hone export --to wandb can send them to Weights & Biases.',
      project_name: 'Hone stores metrics itself.',
      run_name: 'Hone stores metrics itself.',
    },
    // What archer/trainer.py does.
    fixed: { fresh_actions: 'every_draw', accumulation_reduction: 'sum' },
    fixedReason: 'ArCHer’s code always does this and has no setting for it.',
  },
}
