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
      defaults: 'Other files it builds on are not read: settings they alone name have the algorithm’s defaults.',
      critic_lm: 'The critics read the policy’s own trunk, adapter off.',
      use_lora: 'The policy is always trained through an adapter.',
      agent_type: 'The chat template comes with the model.',
      basemodel: 'It names a folder; policy_lm names the model.',
      checkpoint_path: 'Runs are resumed by their directory.',
      save_path: 'Where a run is kept is chosen when it starts.',
      save_freq: 'Checkpoints have their own interval (--checkpoint-every).',
      eval_freq: 'The released training loop never reads it.',
      eval_size: 'The released training loop never reads it.',
      env_idx: 'The released training loop runs no environment.',
      eos_str: 'Where a response ends comes with the model’s tokenizer.',
      do_sample: 'Responses are sampled at the temperature given.',
      use_bfloat16: 'Storage types are chosen by what the adapter can do.',
      cache_dir: 'Models are kept by the studio.',
      huggingface_token: 'Keys are never read from files.',
      wandb_key: 'Keys are never read from files: that of wandb is in the environment of the gateway (WANDB_API_KEY).',
      use_wandb: 'Hone keeps metrics itself; a run’s page and hone export --to wandb send them there.',
      project_name: 'Hone keeps metrics itself.',
      run_name: 'Hone keeps metrics itself.',
    },
    // What archer/trainer.py does.
    fixed: { fresh_actions: 'every_draw', accumulation_reduction: 'sum' },
    fixedReason: 'What ArCHer’s code does; it has no such setting.',
  },
}
