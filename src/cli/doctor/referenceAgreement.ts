/**
 * A checkpoint's numbers on this adapter beside those a reference implementation wrote down. The file is JSON:
 *
 *   source    who made it, such as "transformers 5.23" (optional)
 *   ids       [S][T] token ids, each sequence alone and without padding
 *   logprobs  [S][T-1]: entry t-1 is log p(ids[t] | ids[<t]), in nats
 *   logits    [S][K][V]: those after the last K tokens of each sequence, K ≥ 1
 *
 * One of `logprobs` and `logits` may be left out. test/golden/checkpoint_reference.py writes such a file with transformers.
 */
import { z } from 'zod'
import type { EngineDevice } from '../../engine/device/engineDevice'
import { gatherRows } from '../../engine/ops/gatherRows'
import { linear } from '../../engine/ops/linear'
import type { WeightFormat } from '../../engine/weightFormat'
import type { ModelConfig } from '../../models/architectures/config'
import { batchTensors, headWeight, paddedRows } from '../../models/architectures/decoder'
import { architectureOf } from '../../models/languageModel'
import { CheckpointError } from '../../models/weights/byteSource'
import { readerOf, type TensorSource } from '../../models/weights/safetensors'
import { plainTrainable } from '../../studio/runs/policyBackend'
import { packSequences, uploadBatch, type PackedBatch } from '../../training/batches/packing'
import { PolicyModel } from '../../training/policy/policyModel'
import { measureOf, type Quantity } from '../../base/quantity'

const ids = z.array(z.int().nonnegative())
const referenceSchema = z
  .object({
    source: z.string().default('the reference'),
    ids: z.array(ids.min(1)).min(1),
    logprobs: z.array(z.array(z.number())).optional(),
    logits: z.array(z.array(z.array(z.number())).min(1)).optional(),
  })
  .refine(({ logprobs, logits }) => logprobs !== undefined || logits !== undefined, { message: 'expected logprobs, logits, or both' })
export type Reference = z.output<typeof referenceSchema>

/** As in `hone parity`. */
const TOLERANCE = 1e-4

/** Throws CheckpointError that names the field, what was expected and what was found. */
export function parseReference(
  json: unknown,
  file: string,
  { vocab_size: vocabulary, max_position_embeddings: most }: ModelConfig,
): Reference {
  const parsed = referenceSchema.safeParse(json)
  const fail = (where: string, message: string): never => {
    throw new CheckpointError(`${file}: ${where}: ${message}`)
  }
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    return fail(issue?.path.join('.') || 'the file', issue?.message ?? 'expected {ids, logprobs, logits}')
  }
  const { ids: sequences, logprobs, logits } = parsed.data
  const expectLength = (where: string, found: number | undefined, expected: number): void => {
    if (found !== expected) fail(where, `expected ${expected} entries, found ${found ?? 'none'}`)
  }
  if (logprobs) expectLength('logprobs', logprobs.length, sequences.length)
  if (logits) expectLength('logits', logits.length, sequences.length)
  for (const [s, sequence] of sequences.entries()) {
    if (sequence.length > most) fail(`ids.${s}`, `expected at most ${most} tokens, found ${sequence.length}`)
    const strange = sequence.find((id) => id >= vocabulary)
    if (strange !== undefined) fail(`ids.${s}`, `expected ids below the vocabulary of ${vocabulary}, found ${strange}`)
    if (logprobs) expectLength(`logprobs.${s}`, logprobs[s]?.length, sequence.length - 1)
    const rows = logits?.[s] ?? []
    if (rows.length > sequence.length) fail(`logits.${s}`, `expected at most ${sequence.length} rows, found ${rows.length}`)
    for (const [row, values] of rows.entries()) expectLength(`logits.${s}.${row}`, values.length, vocabulary)
  }
  return parsed.data
}

/** The format in which the checkpoint's matrices are stored without a change: 16 bits stay 16 bits. */
export function losslessFormat({ tensors }: TensorSource): WeightFormat {
  const dtypes = new Set([...tensors.values()].filter(({ shape }) => shape.length === 2).map(({ dtype }) => dtype))
  if (dtypes.size !== 1) return 'f32'
  return dtypes.has('BF16') ? 'bf16' : dtypes.has('F16') ? 'f16' : 'f32'
}

export async function referenceAgreement(
  engine: EngineDevice,
  config: ModelConfig,
  tensors: TensorSource,
  reference: Reference,
  adapter: string,
): Promise<Quantity[]> {
  const measure = measureOf(reference.source, adapter)
  const policy = await PolicyModel.create(engine, config, readerOf(tensors), plainTrainable)
  try {
    const found: Quantity[] = []
    if (reference.logprobs) {
      const { ours, theirs } = await logProbs(policy, reference.ids, reference.logprobs)
      found.push(measure('log-probs', ours, theirs, { bound: 'maxAbs', tolerance: TOLERANCE }))
    }
    if (reference.logits) {
      const { ours, theirs } = await logits(policy, reference.ids, reference.logits)
      found.push(measure('logits', ours, theirs, { bound: 'relL2', tolerance: TOLERANCE }))
    }
    return found
  } finally {
    await policy.destroy()
  }
}

interface Compared {
  readonly ours: number[]
  readonly theirs: number[]
}

/** One sequence at a time, as the reference had them. */
async function eachSequence(
  sequences: readonly (readonly number[])[],
  work: (sequence: readonly number[], index: number) => Promise<Compared>,
): Promise<Compared> {
  const all: Compared = { ours: [], theirs: [] }
  for (const [index, sequence] of sequences.entries()) {
    const { ours, theirs } = await work(sequence, index)
    for (const value of ours) all.ours.push(value)
    for (const value of theirs) all.theirs.push(value)
  }
  return all
}

function batchOf(policy: PolicyModel, sequence: readonly number[], first: number): PackedBatch {
  const targets = sequence.flatMap((_, t) => (t >= first ? [t] : []))
  return packSequences([{ ids: sequence, targets }], policy.model.config.vocab_size)
}

const logProbs = (policy: PolicyModel, sequences: Reference['ids'], expected: readonly (readonly number[])[]): Promise<Compared> =>
  eachSequence(sequences, async (sequence, index) => {
    if (sequence.length < 2) return { ours: [], theirs: [] }
    const batch = batchOf(policy, sequence, 1)
    const score = await policy.score(batch.tokenBucket, batch.targetBucket, true)
    uploadBatch(score, batch)
    await score.run()
    return { ours: [...(await score.readOutput('logp', batch.targetCount))], theirs: [...(expected[index] ?? [])] }
  })

const logits = (
  policy: PolicyModel,
  sequences: Reference['ids'],
  expected: readonly (readonly (readonly number[])[])[],
): Promise<Compared> =>
  eachSequence(sequences, async (sequence, index) => {
    const { config } = policy.model
    const rows = expected[index] ?? []
    // The row after the last token needs a token to predict; causal attention keeps it from the others.
    const batch = batchOf(policy, [...sequence, 0], sequence.length + 1 - rows.length)
    const plan = await policy.executable(`logits ${batch.tokenBucket} ${batch.targetBucket}`, (graph) => {
      const tensorsOf = batchTensors(graph, batch.tokenBucket, config.vocab_size)
      const hidden = architectureOf(config).forward({ graph, config, batch: tensorsOf, lora: null })
      const targetOf = graph.batch('targetOf', [batch.tokenBucket], 'u32')
      const picked = gatherRows(hidden, graph.batch('rowOf', [batch.targetBucket], 'u32'), tensorsOf.counts, targetOf)
      graph.output('logits', linear(picked, headWeight(graph, config), tensorsOf.counts, { rowCount: 'targets' }))
    })
    uploadBatch(plan, batch)
    await plan.run()
    const columns = paddedRows(config)
    const values = await plan.readOutput('logits', batch.targetCount * columns)
    return { ours: rows.flatMap((_, row) => [...values.subarray(row * columns, row * columns + config.vocab_size)]), theirs: rows.flat() }
  })
