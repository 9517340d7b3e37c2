/** Why a method can learn nothing from given trajectories, in a sentence; null when it can. */
import { dpo, dpoSequenceOptions } from '../training/algorithms/dpo/loop'
import { grpo } from '../training/algorithms/grpo/loop'
import { noOutcomeSentence, outcomeSequence, ppo } from '../training/algorithms/ppo/outcome'
import { rft } from '../training/algorithms/rft/loop'
import { dpoAttempts, findPairs, noPairsSentence } from '../training/algorithms/dpo/pairs'
import { nothingKeptSentence, rftAttempts, selectPasses } from '../training/algorithms/rft/selection'
import type { ModelText } from './models/models'
import type { LabelledTrajectory } from '../training/batches/labelledTrajectory'

export function whyUntrainable(
  method: string,
  config: Readonly<Record<string, unknown>>,
  labelled: readonly LabelledTrajectory[],
  { tokenizer }: Pick<ModelText, 'tokenizer'>,
  seed: number,
): string | null {
  switch (method) {
    case grpo.name:
      return 'GRPO compares fresh attempts at the same query: it practises and does not learn from files.'
    case dpo.name: {
      const settings = dpo.config.parse(config)
      const found = findPairs(dpoAttempts(labelled, tokenizer, dpoSequenceOptions(settings)), settings, seed)
      return found.pairs.length === 0 ? noPairsSentence(found) : null
    }
    case rft.name: {
      const settings = rft.config.parse(config)
      const attempts = rftAttempts(labelled, tokenizer, settings)
      const { kept, counts } = selectPasses(attempts, settings, seed, 0)
      return kept.length === 0 ? nothingKeptSentence(attempts, counts, settings) : null
    }
    case ppo.name: {
      const settings = ppo.config.parse(config)
      const sequences = labelled.map(({ trajectory, rewards }) => outcomeSequence(trajectory, rewards, tokenizer, settings))
      return noOutcomeSentence(sequences, settings)
    }
    default:
      return null
  }
}
