/** Log-probs of one text under a policy and under its reference: before the first update they agree. */
import type { EngineDevice } from '../../engine/device/engineDevice'
import type { Gate } from '../../engine/plan/executable'
import type { ModelConfig } from '../../models/architectures/config'
import type { WeightReader } from '../../models/languageModel'
import type { InitialAdapter } from './adapterTensors'
import { setReferenceToInitial } from './initialAdapter'
import { initialLora } from './initialWeights'
import { packSequences, uploadBatch } from '../batches/packing'
import { PolicyModel } from './policyModel'
import type { TrainableSet } from './policyModel'
import type { Finding } from '../preflight/settingsChecks'
import { checkReference } from '../preflight/adapterChecks'

/** log π of each token after the first, at temperature 1; of the `reference`: the base with the adapter off, or the frozen copy that is kept. */
export async function logProbsOf(policy: PolicyModel, ids: readonly number[], reference: boolean, gate: Gate): Promise<readonly number[]> {
  if (ids.length < 2) return []
  const targets = ids.slice(1).map((_, index) => index + 1)
  const batch = packSequences([{ ids, targets }], policy.model.config.vocab_size)
  const score = await policy.score(batch.tokenBucket, batch.targetBucket, reference)
  uploadBatch(score, batch)
  await score.run(gate)
  return [...(await score.readOutput('logp', batch.targetCount))]
}

/** Loads the model as training would, measures, and frees it. `initial`: the adapter the run begins from. */
export async function measureReference(
  { engine, model, reader }: { readonly engine: EngineDevice; readonly model: ModelConfig; readonly reader: WeightReader },
  trainable: TrainableSet,
  {
    ids,
    seed,
    gate,
    initial = null,
  }: { readonly ids: readonly number[]; readonly seed: number; readonly gate: Gate; readonly initial?: InitialAdapter | null },
): Promise<Finding> {
  const policy = await PolicyModel.create(engine, model, reader, trainable)
  try {
    for (const { name, shape } of policy.packed.ranges.values())
      policy.packed.writeWeights(name, initial?.tensors.get(name)?.values ?? initialLora(name, shape, seed))
    if (initial) setReferenceToInitial(policy, initial.tensors)
    const reference = initial ? (trainable.keepsReference ? 'initial' : 'base') : 'new'
    return checkReference(await logProbsOf(policy, ids, false, gate), await logProbsOf(policy, ids, true, gate), reference)
  } finally {
    await policy.destroy()
  }
}
