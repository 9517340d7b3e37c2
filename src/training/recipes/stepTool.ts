/**
 * StepTool_ppo.json as a recipe. Its script hands `peft_kwargs` to peft's LoraConfig and `ppo_kwargs` to TRL's PPOConfig, so what the file
 * does not name has their defaults: those of trl 0.10.1 and peft 0.5.0, StepTool's pins (the same in trl 0.11.4).
 */
import type { ImportedSettings } from '../../data/formats/format'
import { readSteptoolConfig } from '../../data/formats/steptoolConfig'
import { PROJECTIONS } from '../../models/architectures/decoder'
import type { SteptoolPpoConfig } from '../algorithms/ppo/loop'
import { recipeFromObject, type FieldRemark, type ReadRecipe } from './recipe'

/** Defaults of PPOConfig that are not those of `steptool-ppo`. */
export const trlDefaults = {
  learning_rate: 1.41e-5,
  batch_size: 128,
  mini_batch_size: 128,
  gradient_accumulation_steps: 1,
  init_kl_coef: 0.2,
  gamma: 1,
}
/** Defaults of LoraConfig; `target_modules` of Llama and Qwen models. */
const peftDefaults = { r: 8, lora_alpha: 8, target_modules: ['q_proj', 'v_proj'] }

/** Where Hone's defaults are not what StepTool's released code does, whatever its file says. */
const departures: readonly FieldRemark[] = [
  departure('step_reward_weighting', 'paper', 'released', 'multiplies a step’s reward by the steps after it, the last one’s by 0'),
  departure('gae_mask_mode', 'skip', 'trl_classic', 'lets credit decay over every token of a tool reply'),
  departure('reward_dtype', 'float32', 'float16', 'rounds rewards to 16 bits'),
  departure('value_head_init', 'zero', 'torch', 'begins with a random value head'),
]
function departure(field: keyof SteptoolPpoConfig, value: string, released: string, does: string): FieldRemark {
  return { field, value, reason: `Hone’s default. StepTool’s code ${does}: choose ${released} for its numbers.` }
}

/** Throws one sentence for a file that is not StepTool's or has a value that cannot be meant. */
export function recipeFromSteptool(file: string, text: string): ReadRecipe {
  const { settings, wrong } = readSteptoolConfig(file, text)
  if (settings === null || wrong.length > 0) throw new Error(wrong[0]?.message ?? `${file} holds no settings.`)
  const { peft, ppo } = settings
  const lora: Settings = { ...peftDefaults, ...peft }
  const { seed, max_grad_norm, whiten_rewards, early_stopping, target_kl, ...same }: Settings = { ...trlDefaults, ...ppo }
  const config: Record<string, unknown> = {
    ...same,
    lora_r: lora.r,
    lora_alpha: lora.lora_alpha,
    lora_targets: targets(lora.target_modules),
  }
  // TRL's null is no clipping.
  if (max_grad_norm !== undefined) config.max_grad_norm = max_grad_norm ?? 0
  const { recipe } = recipeFromObject(file, { version: 1, algorithm: 'steptool-ppo', seed, config })
  return {
    recipe,
    ignored: [
      ...settings.ignored,
      ...present('peft_kwargs', { lora_dropout: lora.lora_dropout }),
      // The format lists target_kl itself where early_stopping is off.
      ...present('ppo_kwargs', { whiten_rewards, early_stopping, target_kl: early_stopping === true ? target_kl : undefined }),
    ],
    assumed: [
      ...missing('peft_kwargs', peftDefaults, peft, 'peft’s default where the file names none.'),
      ...missing('ppo_kwargs', trlDefaults, ppo, 'TRL’s default where the file names none.'),
      ...departures,
    ],
  }
}

type Settings = Readonly<Record<string, unknown>>

function targets(modules: unknown): unknown {
  if (modules === 'all-linear') return [...PROJECTIONS]
  return typeof modules === 'string' ? [modules] : modules
}

const withoutEffect: Readonly<Record<string, string>> = {
  lora_dropout: 'Dropout is never active in StepTool’s PPO.',
  whiten_rewards: 'Advantages are whitened, rewards are not.',
  early_stopping: 'A batch is always gone over ppo_epochs times.',
  target_kl: 'It belongs to early_stopping.',
}
const present = (section: string, values: Settings): FieldRemark[] =>
  Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ({ field: `${section}.${name}`, value, reason: withoutEffect[name] ?? '' }))

const missing = (section: string, defaults: Settings, given: ImportedSettings['ppo'], reason: string): FieldRemark[] =>
  Object.entries(defaults)
    .filter(([name]) => !(name in given))
    .map(([name, value]) => ({ field: `${section}.${name}`, value, reason }))
