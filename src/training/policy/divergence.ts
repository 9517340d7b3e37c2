/** Measures the difference between two models' predictions on the same texts: KL(p ‖ q) over the whole vocabulary at every token, in f64. */
import type { Gate } from '../../engine/plan/executable'
import { gatherRows } from '../../engine/ops/gatherRows'
import { linear } from '../../engine/ops/linear'
import { batchTensors, headWeight, paddedRows } from '../../models/architectures/decoder'
import { architectureOf } from '../../models/languageModel'
import { packSequences, uploadBatch } from '../batches/packing'
import type { PolicyModel } from './policyModel'

/** Rows of logits that are read back at once: 64 · 150k · 4 bytes are 38 MB. */
const ROWS_AT_ONCE = 64

/** Logits that predict each token after the first, [ids.length − 1][vocabulary]; with the policy's adapter. */
export async function* logitRows(policy: PolicyModel, ids: readonly number[], gate: Gate): AsyncGenerator<Float32Array> {
  const { config } = policy.model
  const lora = policy.trainable.kind === 'lora' ? policy.trainable.lora : null
  for (let first = 1; first < ids.length; first += ROWS_AT_ONCE) {
    const last = Math.min(ids.length, first + ROWS_AT_ONCE)
    const targets = Array.from({ length: last - first }, (_, index) => first + index)
    const batch = packSequences([{ ids: ids.slice(0, last), targets }], config.vocab_size)
    const plan = await policy.executable(`logits ${batch.tokenBucket} ${batch.targetBucket}`, (graph) => {
      const tensors = batchTensors(graph, batch.tokenBucket, config.vocab_size)
      const hidden = architectureOf(config).forward({ graph, config, batch: tensors, lora })
      const targetOf = graph.batch('targetOf', [batch.tokenBucket], 'u32')
      const picked = gatherRows(hidden, graph.batch('rowOf', [batch.targetBucket], 'u32'), tensors.counts, targetOf)
      graph.output('logits', linear(picked, headWeight(graph, config), tensors.counts, { rowCount: 'targets' }))
    })
    uploadBatch(plan, batch)
    await plan.run(gate)
    const columns = paddedRows(config)
    const values = await plan.readOutput('logits', targets.length * columns)
    for (let row = 0; row < targets.length; row++) yield values.slice(row * columns, row * columns + config.vocab_size)
  }
}

export interface Divergence {
  /** Mean over tokens, in nats. */
  readonly mean: number
  readonly max: number
  readonly tokens: number
  /** Share of tokens both find most likely. */
  readonly sameTop: number
}

/** @param p, q logits, row by row, of the same tokens. Each takes tokens · vocabulary · 4 bytes of memory. */
export function divergenceOf(p: readonly Float32Array[], q: readonly Float32Array[]): Divergence {
  const values = p.map((row, at) => klOf(row, q[at] ?? new Float32Array(row.length).fill(Number.NaN)))
  const top = (row: Float32Array): number => row.reduce((best, value, at) => (value > (row[best] ?? -Infinity) ? at : best), 0)
  const same = p.filter((row, at) => top(row) === top(q[at] ?? row)).length
  return {
    mean: values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length),
    max: values.reduce((most, value) => Math.max(most, value), 0),
    tokens: values.length,
    sameTop: same / Math.max(1, values.length),
  }
}

/** Σ p log(p / q) of two rows of logits. */
function klOf(p: Float32Array, q: Float32Array): number {
  const [ofP, ofQ] = [logSumExp(p), logSumExp(q)]
  let kl = 0
  for (let at = 0; at < p.length; at++) {
    const logP = (p[at] ?? 0) - ofP
    kl += Math.exp(logP) * (logP - ((q[at] ?? 0) - ofQ))
  }
  return kl
}

function logSumExp(row: Float32Array): number {
  const most = row.reduce((largest, value) => Math.max(largest, value), -Infinity)
  return most + Math.log(row.reduce((sum, value) => sum + Math.exp(value - most), 0))
}
