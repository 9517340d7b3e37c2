/** Maps both PPOs' settings to TRL's classic PPOTrainer, StepTool's file and verl. */
import type { FieldRemark } from '../../../records/fieldRemark'
import type { RecipeInterop, SteptoolImport, TrlImport } from '../../recipes/interop'
import { VERL_RELEASE, verlRunFields } from '../../recipes/verlFields'
import type { SteptoolPpoConfig } from './config'
import type { PpoConfig } from './config'
import { CLASSIC_TRL_RELEASE, outcomePpoTrlMappings, ppoTrlAlways, ppoTrlRunFields, steptoolPpoTrlMappings } from './trlMapping'
import { outcomePpoVerlMappings, ppoVerlAlways, steptoolPpoVerlMappings } from './verlMapping'

/** Defaults of PPOConfig that are not Hone's: those of trl 0.10.1, StepTool's pin (the same in trl 0.11.4). */
const trlDefaults = {
  learning_rate: 1.41e-5,
  batch_size: 128,
  mini_batch_size: 128,
  gradient_accumulation_steps: 1,
  init_kl_coef: 0.2,
  gamma: 1,
}

const fromTrl: TrlImport = {
  configClass: 'PPOConfig',
  claims: (fields) => 'ppo_epochs' in fields || 'init_kl_coef' in fields,
  defaults: trlDefaults,
  settle: ({ config }) => {
    // TRL's steps count trajectories.
    const trajectories = config.max_steps
    const batch = typeof config.batch_size === 'number' ? config.batch_size : trlDefaults.batch_size
    if (typeof trajectories === 'number') config.max_steps = Math.max(1, Math.round(trajectories / batch))
  },
}

function departure(field: keyof SteptoolPpoConfig, value: string, released: string, does: string): FieldRemark {
  return { field, value, reason: `This is Hone’s default. StepTool’s code ${does}; choose ${released} to get its numbers.` }
}

const fromSteptool: SteptoolImport = {
  defaults: trlDefaults,
  departures: [
    departure('step_reward_weighting', 'paper', 'released', 'multiplies a step’s reward by the steps after it, the last one’s by 0'),
    departure('gae_mask_mode', 'skip', 'trl_classic', 'lets credit decay over every token of a tool reply'),
    departure('reward_dtype', 'float32', 'float16', 'rounds rewards to 16 bits'),
    departure('value_head_init', 'zero', 'torch', 'begins with a random value head'),
  ],
}

const verlWorkers = ['actor_rollout_ref', 'critic']
const classic = { requires: CLASSIC_TRL_RELEASE, always: ppoTrlAlways }
const verl = { requires: VERL_RELEASE, always: ppoVerlAlways }

export const outcomePpoInterop: RecipeInterop<PpoConfig> = {
  toTrl: (settings, run) => ({ ...classic, run: ppoTrlRunFields(run, settings), settings: outcomePpoTrlMappings(settings) }),
  toVerl: (settings, run) => ({ ...verl, run: verlRunFields(verlWorkers, run, settings), settings: outcomePpoVerlMappings(settings) }),
  fromTrl,
}

export const steptoolPpoInterop: RecipeInterop<SteptoolPpoConfig> = {
  toTrl: (settings, run) => ({ ...classic, run: ppoTrlRunFields(run, settings), settings: steptoolPpoTrlMappings(settings) }),
  toVerl: (settings, run) => ({ ...verl, run: verlRunFields(verlWorkers, run, settings), settings: steptoolPpoVerlMappings(settings) }),
  // A file without a class's name cannot say that rewards are of steps.
  fromTrl: { ...fromTrl, ownSetting: 'step_reward_weighting', claims: () => false },
  fromSteptool,
}
