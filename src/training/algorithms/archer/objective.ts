/** The actor's objective and trainable set, and the shape of the critics. */
import type { ModelConfig } from '../../../models/architectures/config'
import { accumulateInto } from '../../../engine/ops/accumulateInto'
import { archerLoss, ARCHER_SUM_WORDS } from '../../../engine/ops/archerLoss'
import { adapterTrainable } from '../../policy/adapterSettings'
import { METRICS_LEAF } from '../../policy/policyPlans'
import type { Objective, TrainableSet } from '../../policy/policyPlans'
import type { ArcherConfig } from './config'
import type { CriticShape } from './criticPlans'

export const archerTrainable = (settings: ArcherConfig): TrainableSet => adapterTrainable(settings, { valueHead: settings.use_baseline })

export const criticShape = (settings: Pick<ArcherConfig, 'critic_hidden_size'>, model: Pick<ModelConfig, 'hidden_size'>): CriticShape => ({
  features: model.hidden_size,
  hidden: settings.critic_hidden_size ?? model.hidden_size,
})

/** State leaf of the advantages of a batch, one per utterance. */
export const advantageLeaf = (utterances: number): string => `archer/advantage ${utterances}`

/** REINFORCE on whole utterances; each token finds its utterance's advantage in the batch's table. */
export function archerObjective(utterances: number): Objective {
  return ({ graph, batch, rows, logp, entropy, value }) => {
    const { dlogp, dvalue, sums } = archerLoss({
      ...{ logp, entropy, value, counts: batch.counts },
      utterance: graph.batch('utterance', [rows], 'u32'),
      advantage: graph.state(advantageLeaf(utterances), [utterances]),
      weight: graph.batch('weight', [4]),
    })
    accumulateInto(graph.state(METRICS_LEAF, [ARCHER_SUM_WORDS]), sums)
    return value ? { dlogp, dvalue } : { dlogp }
  }
}
