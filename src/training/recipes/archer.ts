/**
 * ArCHer's flat YAML (arXiv:2402.19446; archer_config.yaml of StepTool's baseline) as a recipe for the algorithm `archer`. Names TRL has
 * are TRL's; the rest keep ArCHer's.
 */
import { parseFlatYaml, type FlatValue } from './flatYaml'
import { recipeFromObject, type FieldRemark, type ReadRecipe } from './recipe'

/** What becomes of each field of the file: a setting's name, or why it changes nothing. `archer/trainer.py` reads the first group. */
const settingNames: Readonly<Record<string, string>> = {
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
}
const modelFields = ['policy_lm']
const dataFields = ['env_load_path']

const NO_EFFECT: Readonly<Record<string, string>> = {
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
}

/** What `archer/trainer.py` does and Hone does only when told. */
const RELEASED: Readonly<Record<string, FlatValue>> = { fresh_actions: 'every_draw', accumulation_reduction: 'sum' }

const isArcherConfig = (values: Readonly<Record<string, unknown>>): boolean => 'lm_lr' in values || 'critic_lr' in values

/** Throws one sentence that names the line for what is not flat YAML, or says that it is no configuration of ArCHer's. */
export function recipeFromArcher(file: string, text: string): ReadRecipe {
  const values = parseFlatYaml(file, text)
  if (!isArcherConfig(values))
    throw new Error(
      `${file}: expected ArCHer’s settings (lm_lr, critic_lr, …), found ${Object.keys(values).slice(0, 3).join(', ') || 'nothing'}.`,
    )
  const config: Record<string, FlatValue> = {}
  const ignored: FieldRemark[] = []
  let model: FlatValue = null
  const data: FlatValue[] = []
  for (const [field, value] of Object.entries(values)) {
    const setting = Object.hasOwn(settingNames, field) ? settingNames[field] : undefined
    if (modelFields.includes(field)) model = value
    else if (dataFields.includes(field)) data.push(value)
    else if (setting !== undefined) config[setting] = value
    else
      ignored.push({
        field,
        value,
        reason: (Object.hasOwn(NO_EFFECT, field) ? NO_EFFECT[field] : undefined) ?? 'Hone does not know this field.',
      })
  }
  const { recipe } = recipeFromObject(file, { version: 1, algorithm: 'archer', model, data, config: { ...config, ...RELEASED } })
  const assumed = Object.entries(RELEASED).map(([field, value]) => ({
    field,
    value,
    reason: 'What ArCHer’s code does; it has no such setting.',
  }))
  return { recipe, ignored, assumed }
}
