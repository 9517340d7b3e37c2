/** Log-probs of one text under a policy and under its reference, which must agree before the first update. */
import type { Gate } from '../../engine/plan/executable'
import { packSequences, uploadBatch } from '../batches/packing'
import type { PolicyModel } from './policyModel'

/** log π of each token after the first, at temperature 1. `reference` scores with the base model without an adapter, or with the frozen copy of the initial adapter. */
export async function logProbsOf(policy: PolicyModel, ids: readonly number[], reference: boolean, gate: Gate): Promise<readonly number[]> {
  if (ids.length < 2) return []
  const targets = ids.slice(1).map((_, index) => index + 1)
  const batch = packSequences([{ ids, targets }], policy.model.config.vocab_size)
  policy.engine.activity.announce({ kind: 'score', done: 0, total: 1 })
  const score = await policy.score(batch.tokenBucket, batch.targetBucket, reference)
  uploadBatch(score, batch)
  await score.run(gate)
  return [...(await score.readOutput('logp', batch.targetCount))]
}
