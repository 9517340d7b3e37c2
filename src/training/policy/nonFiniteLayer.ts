/** Finds the first layer whose numbers are not finite, by a binary search over the number of layers that are run. */
import { firstNonFinite } from '../../base/nonFinite'
import type { Gate } from '../../engine/plan/executable'
import { gatherRows } from '../../engine/ops/gatherRows'
import { batchTensors } from '../../models/architectures/decoder'
import { architectureOf } from '../../models/languageModel'
import { packSequences, uploadBatch } from '../batches/packing'
import type { PolicyModel } from './policyModel'

/** Describes the layer for the end of a sentence, with advice. */
export async function nonFiniteAdvice(policy: PolicyModel, ids: readonly number[], gate: Gate): Promise<string> {
  const { num_hidden_layers: layers } = policy.model.config
  const first = await firstNonFiniteLayer(policy, ids, gate)
  const place = first === null ? 'in the output head' : first === 0 ? 'in the embedding' : `in layer ${first - 1} (of 0 to ${layers - 1})`
  return `the model's values stop being finite ${place}, though its weights are finite. Use f32 for weights and cache (dtype, kv_dtype). If it was trained here, it diverged: train it again with a lower learning rate.`
}

/** The smallest number of layers after which a hidden state is not finite; null if all are finite. */
async function firstNonFiniteLayer(policy: PolicyModel, ids: readonly number[], gate: Gate): Promise<number | null> {
  const { num_hidden_layers: layers } = policy.model.config
  if (await isFinite(policy, ids, layers, gate)) return null
  let [low, high] = [0, layers]
  while (low < high) {
    const middle = (low + high) >> 1
    if (await isFinite(policy, ids, middle, gate)) low = middle + 1
    else high = middle
  }
  return low
}

async function isFinite(policy: PolicyModel, ids: readonly number[], layers: number, gate: Gate): Promise<boolean> {
  const config = { ...policy.model.config, num_hidden_layers: layers }
  const lora = policy.trainable.kind === 'lora' ? policy.trainable.lora : null
  const last = Math.min(ids.length, config.max_position_embeddings)
  const batch = packSequences(
    [{ ids: [...ids.slice(0, last), 0], targets: Array.from({ length: last }, (_, at) => at + 1) }],
    config.vocab_size,
  )
  const plan = await policy.executable(`finite ${layers} ${batch.tokenBucket} ${batch.targetBucket}`, (graph) => {
    const tensors = batchTensors(graph, batch.tokenBucket, config.vocab_size)
    const hidden = architectureOf(config).forward({ graph, config, batch: tensors, lora, trained: policy.trainable.kind === 'all' })
    const targetOf = graph.batch('targetOf', [batch.tokenBucket], 'u32')
    graph.output('hidden', gatherRows(hidden, graph.batch('rowOf', [batch.targetBucket], 'u32'), tensors.counts, targetOf))
  })
  uploadBatch(plan, batch)
  await plan.run(gate)
  return firstNonFinite(await plan.readOutput('hidden', last * config.hidden_size)) === null
}
