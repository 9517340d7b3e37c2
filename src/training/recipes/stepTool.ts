/**
 * StepTool_ppo.json as a recipe of the algorithm whose interop reads it. Its script hands `peft_kwargs` to peft's LoraConfig and `ppo_kwargs` to TRL's PPOConfig, so what the file
 * does not name has their defaults: those of trl 0.10.1 and peft 0.5.0, StepTool's pins (the same in trl 0.11.4).
 */
import { readSteptoolConfig } from '../../data/formats/steptoolConfig'
import { PROJECTIONS } from '../../models/architectures/decoder'
import type { FieldRemark } from '../../records/fieldRemark'
import type { Algorithm } from '../algorithm'
import { algorithms } from '../algorithms'
import type { SteptoolImport } from './interop'
import { recipeFromObject, type ReadRecipe } from './recipe'

/** Defaults of LoraConfig; `target_modules` of Llama and Qwen models. */
const peftDefaults = { r: 8, lora_alpha: 8, target_modules: ['q_proj', 'v_proj'] }

const readable: readonly (readonly [string, SteptoolImport])[] = Object.entries<Algorithm>(algorithms).flatMap(
  ([name, { interop }]): [string, SteptoolImport][] => (interop.fromSteptool === undefined ? [] : [[name, interop.fromSteptool]]),
)

/** Throws one sentence for a file that is not StepTool's or has a value that cannot be meant. */
export function recipeFromSteptool(file: string, text: string): ReadRecipe {
  const { settings, wrong } = readSteptoolConfig(file, text)
  const [found] = readable
  if (settings === null || wrong.length > 0 || found === undefined) throw new Error(wrong[0]?.message ?? `${file} holds no settings.`)
  const [algorithm, { defaults, departures }] = found
  const { peft, ppo } = settings
  const lora: Settings = { ...peftDefaults, ...peft }
  const { seed, max_grad_norm, whiten_rewards, early_stopping, target_kl, ...same }: Settings = { ...defaults, ...ppo }
  const config: Record<string, unknown> = {
    ...same,
    lora_r: lora.r,
    lora_alpha: lora.lora_alpha,
    lora_targets: targets(lora.target_modules),
  }
  // TRL's null is no clipping.
  if (max_grad_norm !== undefined) config.max_grad_norm = max_grad_norm ?? 0
  const { recipe } = recipeFromObject(file, { version: 1, algorithm, seed, config })
  return {
    recipe,
    ignored: [
      ...settings.ignored,
      ...present('peft_kwargs', { lora_dropout: lora.lora_dropout }),
      // The format lists target_kl itself where early_stopping is off.
      ...present('ppo_kwargs', { whiten_rewards, early_stopping, target_kl: early_stopping === true ? target_kl : undefined }),
    ],
    assumed: [
      ...missing('peft_kwargs', peftDefaults, peft, 'This is peft’s default, because the file does not set the field.'),
      ...missing('ppo_kwargs', defaults, ppo, 'This is TRL’s default, because the file does not set the field.'),
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
  whiten_rewards: 'Hone whitens advantages and never rewards.',
  early_stopping: 'Hone always makes ppo_epochs passes over a batch.',
  target_kl: 'It only matters with early_stopping.',
}
const present = (section: string, values: Settings): FieldRemark[] =>
  Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ({ field: `${section}.${name}`, value, reason: withoutEffect[name] ?? '' }))

const missing = (section: string, defaults: Settings, given: Settings, reason: string): FieldRemark[] =>
  Object.entries(defaults)
    .filter(([name]) => !(name in given))
    .map(([name, value]) => ({ field: `${section}.${name}`, value, reason }))
