/**
 * Rollout against training: the log-probs of sampled tokens as generation gave them, beside the training plan's for the same ids, through
 * several turns and refilled slots; and whether the number of slots changes anything.
 */
import type { ToolWorld, WorldQuery } from '../../environments/toolWorld'
import { PROJECTIONS } from '../../models/architectures/decoder'
import { chosenPath, type Trajectory } from '../../records/trajectory'
import type { EngineDevice } from '../../engine/device/engineDevice'
import type { LoadedModel } from '../../studio/models'
import { initialLora } from '../../training/initialize'
import { packSequences, uploadBatch, type Sequence } from '../../training/packing'
import { PolicyModel } from '../../training/policyModel'
import { createActor } from '../acting'
import { measureOf, type Quantity } from './quantity'

const CONTEXT = 512
const CALLS = 6
const MICRO_BATCH_TOKENS = 2048
/** Queries whose rollouts are compared bit for bit between numbers of slots. */
const SLOT_QUERIES = 8

export interface RolloutParityParts {
  readonly engine: EngineDevice
  readonly model: LoadedModel
  readonly world: ToolWorld
  readonly queries: readonly WorldQuery[]
  /** Sampled tokens to compare. */
  readonly tokens: number
  readonly adapter: string
  readonly signal: AbortSignal
  progress(line: string): void
}

interface Told extends Sequence {
  readonly logprobs: readonly number[]
}

export async function rolloutQuantities(parts: RolloutParityParts): Promise<Quantity[]> {
  const { engine, model, queries } = parts
  const lora = { rank: 4, alpha: 8, targets: PROJECTIONS } as const
  const policy = await PolicyModel.create(engine, model.config, model.reader, { kind: 'lora', lora, valueHead: false })
  // An adapter that does something: B of a fresh one is zero.
  for (const range of policy.packed.ranges.values()) {
    const values = initialLora(range.name, range.shape, 3)
    policy.packed.writeWeights(range.name, range.name.includes('lora_B') ? values.map((_, i) => 0.02 * Math.sin(i)) : values)
  }
  const act = async (own: readonly WorldQuery[], slots: number, seed: number): Promise<Trajectory[]> => {
    const actor = createActor({
      ...{ model: policy.model, lookup: policy.model.lookup(policy.packed), lora, tokenizer: model.tokenizer, slots },
      ...{ maxContext: CONTEXT, seed, gate: () => parts.signal.throwIfAborted(), now: () => performance.now() },
    })
    try {
      const request = { world: parts.world, queries: own, samples: 1, strategy: 'cot' as const, callBudget: CALLS, temperature: 1 }
      return await actor.act({ ...request, source: 'parity', signal: parts.signal })
    } finally {
      await actor.destroy()
    }
  }
  try {
    const told: Told[] = []
    let count = 0
    for (let seed = 11; count < parts.tokens; seed++) {
      for (const trajectory of await act(queries, 32, seed)) {
        const one = toldBy(trajectory)
        told.push(one)
        count += one.targets.length
      }
      parts.progress(`rollout against training: ${count} tokens sampled`)
    }
    const [sampled, trained] = [told.flatMap(({ logprobs }) => logprobs), await scored(policy, told, model.config.vocab_size)]
    const measure = measureOf('our own training plan', parts.adapter)
    const few = queries.slice(0, SLOT_QUERIES)
    const alone = (await act(few, 1, 11)).flatMap((trajectory) => numbersOf(trajectory))
    const together = (await act(few.toReversed(), 32, 11)).toReversed().flatMap((trajectory) => numbersOf(trajectory))
    return [
      measure(`rollout: log-probs of ${sampled.length} sampled tokens, f32`, sampled, trained, { bound: 'maxAbs', tolerance: 2e-5 }),
      measure(`rollout: ids and log-probs with one slot and with 32, in the other order`, alone, together, {
        bound: 'maxAbs',
        tolerance: 0,
      }),
    ]
  } finally {
    await policy.destroy()
  }
}

/** Ids of a whole trajectory, where its sampled tokens are, and what generation said of them. */
function toldBy(trajectory: Trajectory): Told {
  const ids: number[] = []
  const targets: number[] = []
  const logprobs: number[] = []
  for (const {
    step: { tokens },
  } of chosenPath(trajectory)) {
    if (!tokens) throw new Error(`${trajectory.trajectory_id} has a step without tokens`)
    ids.push(...tokens.prompt_ids)
    tokens.completion_ids.forEach((id, index) => {
      targets.push(ids.length)
      logprobs.push(tokens.completion_logprobs[index] ?? Number.NaN)
      ids.push(id)
    })
  }
  return { ids, targets, logprobs }
}

const numbersOf = (trajectory: Trajectory): number[] => {
  const { ids, logprobs } = toldBy(trajectory)
  return [...ids, ...logprobs]
}

/** log p of every target by the training plan, in order. */
async function scored(policy: PolicyModel, sequences: readonly Told[], vocabulary: number): Promise<number[]> {
  const result: number[] = []
  let batch: Told[] = []
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
