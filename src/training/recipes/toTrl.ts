/**
 * A recipe as TRL's configuration: class → keyword arguments, under TRL's own field names (test/golden/trl_fields.json holds them).
 * Every setting is written out: TRL's defaults are not Hone's.
 */
import { dpo } from '../algorithms/dpo/loop'
import { grpo } from '../algorithms/grpo/loop'
import { ppo } from '../algorithms/ppo/outcome'
import { rft } from '../algorithms/rft/loop'
import { sft } from '../algorithms/sft/loop'
import { steptoolPpo } from '../algorithms/ppo/loop'
import { becomes, handOver, nearly, nowhere, type Handover, type RecipeFates } from './fieldMapping'
import { checkpointOf, type CompleteRecipe } from './recipe'
import { classicPpoAlways, outcomePpoFates, steptoolPpoFates } from './trlClassicPpo'
import { adapterAlways, dpoFates, grpoFates, rftFates, sftAlways, sftFates } from './trlFates'

interface TrlHandover extends Handover {
  /** The release the names belong to, as pip takes it. */
  readonly requires: 'trl==1.16.0' | 'trl==0.11.4'
}

/** Throws one sentence where TRL has no counterpart. */
export function toTrl(recipe: CompleteRecipe): TrlHandover {
  switch (recipe.algorithm) {
    case 'sft': {
      const settings = sft.config.parse(recipe.config)
      return { requires: 'trl==1.16.0', ...handOver(recipe, own(recipe, 'SFTConfig'), sftFates(settings), sftAlways(settings)) }
    }
    case 'grpo': {
      const settings = grpo.config.parse(recipe.config)
      return { requires: 'trl==1.16.0', ...handOver(recipe, own(recipe, 'GRPOConfig'), grpoFates(settings), adapterAlways) }
    }
    case 'dpo': {
      const settings = dpo.config.parse(recipe.config)
      return { requires: 'trl==1.16.0', ...handOver(recipe, own(recipe, 'DPOConfig'), dpoFates(settings), adapterAlways) }
    }
    case 'steptool-ppo': {
      const settings = steptoolPpo.config.parse(recipe.config)
      return { requires: 'trl==0.11.4', ...handOver(recipe, own(recipe, 'PPOConfig'), steptoolPpoFates(settings), classicPpoAlways) }
    }
    case 'ppo': {
      const settings = ppo.config.parse(recipe.config)
      return { requires: 'trl==0.11.4', ...handOver(recipe, own(recipe, 'PPOConfig'), outcomePpoFates(settings), classicPpoAlways) }
    }
    case 'rft': {
      const settings = rft.config.parse(recipe.config)
      return { requires: 'trl==1.16.0', ...handOver(recipe, own(recipe, 'SFTConfig'), rftFates(settings), sftAlways(settings)) }
    }
    default:
      throw new Error(`No TRL configuration is written for ${recipe.algorithm}.`)
  }
}

function own({ seed, model, init_adapter, config: settings }: CompleteRecipe, config: string): RecipeFates {
  const checkpoint = checkpointOf(model)
  const isClassic = config === 'PPOConfig'
  const name = isClassic ? 'AutoModelForCausalLMWithValueHead.pretrained_model_name_or_path' : 'ModelConfig.model_name_or_path'
  const loaded = checkpoint && becomes({ [name]: checkpoint.name })
  return {
    seed: nearly({ [`${config}.seed`]: seed }, 'Another generator: the same seed gives other numbers.'),
    steps: nowhere('The algorithm has no max_steps.'),
    model:
      checkpoint?.revision && !isClassic
        ? becomes({ ...loaded?.to, 'ModelConfig.model_revision': checkpoint.revision })
        : checkpoint?.revision
          ? nearly({ ...loaded?.to }, 'Hand the revision to from_pretrained beside it.')
          : (loaded ?? nowhere('It is no checkpoint folder or name that transformers could load.')),
    data: nowhere('TRL’s trainers take a dataset object, not files.'),
    init_adapter: isClassic
      ? nearly(
          { [name]: init_adapter },
          `Hand from_pretrained is_trainable=True beside it, and no peft_config.${settings.ref_adapter === 'none' ? '' : ' TRL 0.11 holds the policy to the base with the adapter off (ref_adapter none), not to a copy of the adapter.'}`,
        )
      : nearly(
          { 'ModelConfig.use_peft': false },
          `Hand the trainer PeftModel.from_pretrained(base, adapter, is_trainable=True) as its model, and no peft_config: that would add a new adapter.`,
        ),
  }
}
