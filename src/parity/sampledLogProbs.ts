/** Compares the log-probs that generation stored with its sampled tokens and the training plan's log-probs of the same ids. */
import type { EngineDevice } from '../engine/device/engineDevice'
import type { ModelConfig } from '../models/architectures/config'
import { PROJECTIONS } from '../models/architectures/decoder'
import type { WeightReader } from '../models/languageModel'
import { initialLora } from '../training/policy/initialWeights'
import { packSequences, uploadBatch, type Sequence } from '../training/batches/packing'
import { PolicyModel } from '../training/policy/policyModel'

const MICRO_BATCH_TOKENS = 2048

export const parityLora = { rank: 4, alpha: 8, targets: PROJECTIONS } as const

/** Ids of a whole context, where its sampled tokens are, and what generation said of them. */
export interface SampledSequence extends Sequence {
  readonly logprobs: readonly number[]
}

/** A policy with an adapter that does something: B of a fresh one is zero. */
export async function adaptedPolicy(engine: EngineDevice, config: ModelConfig, reader: WeightReader): Promise<PolicyModel> {
  const policy = await PolicyModel.create(engine, config, reader, { kind: 'lora', lora: parityLora, valueHead: false })
  for (const range of policy.packed.ranges.values()) {
    const values = initialLora(range.name, range.shape, 3)
    policy.packed.writeWeights(range.name, range.name.includes('lora_B') ? values.map((_, i) => 0.02 * Math.sin(i)) : values)
  }
  return policy
}

/** log p of every target by the training plan, in order. */
export async function scored(policy: PolicyModel, sequences: readonly SampledSequence[], vocabulary: number): Promise<number[]> {
  const result: number[] = []
  let batch: SampledSequence[] = []
  const flush = async (): Promise<void> => {
    if (batch.length === 0) return
    const packed = packSequences(batch, vocabulary)
    const score = await policy.score(packed.tokenBucket, packed.targetBucket)
    uploadBatch(score, packed)
    await score.run()
    result.push(...(await score.readOutput('logp', packed.targetCount)))
    batch = []
  }
  for (const sequence of sequences) {
    const tokens = batch.reduce((sum, { ids }) => sum + ids.length, 0)
    if (tokens + sequence.ids.length > MICRO_BATCH_TOKENS) await flush()
    batch.push(sequence)
  }
  await flush()
  return result
}
