/** RFT's settings in TRL: its SFTTrainer on samples that were selected beforehand. */
import { approximate, fixedValue, unmapped, type FieldMappings } from '../../recipes/fieldMapping'
import type { RecipeInterop } from '../../recipes/interop'
import { TRL_RELEASE, trlRunFields } from '../../recipes/trlFields'
import { sftTrlAlways, sftTrlMappings } from '../sft/interop'
import type { RftConfig } from './config'

export const rftInterop: RecipeInterop<RftConfig> = {
  toTrl: (settings, run) => ({
    requires: TRL_RELEASE,
    run: trlRunFields('SFTConfig', run),
    settings: rftTrlMappings(settings),
    always: sftTrlAlways(settings),
  }),
}

const ONE_LENGTH = unmapped('TRL has one length for a whole sample: SFTConfig.max_length.')
const SELECTED = unmapped('SFTTrainer takes its data as it is: sample and select beforehand.')

const rftTrlMappings = (settings: RftConfig): FieldMappings<RftConfig> => ({
  ...sftTrlMappings(settings),
  num_train_epochs: approximate(
    { 'SFTConfig.num_train_epochs': settings.num_train_epochs },
    'In TRL max_steps overrides it; in Hone a run ends at whichever limit comes first.',
  ),
  generation_batch_size: SELECTED,
  num_generations: SELECTED,
  sampling_rounds: SELECTED,
  reward: SELECTED,
  reward_threshold: SELECTED,
  max_samples_per_query: SELECTED,
  step_filtered: fixedValue(!settings.step_filtered, 'TRL masks by role: take the steps labelled 0 out of the assistant’s mask yourself.'),
  max_context_len: ONE_LENGTH,
  max_response_len: ONE_LENGTH,
  encoding: unmapped('SFTTrainer encodes text itself.'),
})
