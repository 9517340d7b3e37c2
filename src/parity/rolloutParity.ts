/**
 * Rollout against training: the log-probs of sampled tokens as generation gave them, beside the training plan's for the same ids, through
 * several turns and refilled slots; and whether the number of slots changes anything.
 */
import type { Benchmark } from '../environments/benchmark'
import type { Query } from '../environments/environment'
import { chosenPath, type Trajectory } from '../records/trajectory'
import type { EngineDevice } from '../engine/device/engineDevice'
import type { LoadedModel } from '../studio/models/models'
import { actingPolicy } from '../studio/runs/actingPolicy'
import { measureOf, type Quantity } from '../base/quantity'
import { adaptedPolicy, scored, type SampledSequence } from './sampledLogProbs'

/** Queries whose rollouts are compared bit for bit between numbers of slots. */
const SLOT_QUERIES = 8

export interface RolloutParityParts {
  readonly engine: EngineDevice
  readonly model: LoadedModel
  readonly benchmark: Benchmark
  readonly queries: readonly Query[]
  /** Sampled tokens to compare. */
  readonly tokens: number
  readonly adapter: string
  readonly signal: AbortSignal
  progress(line: string): void
}

export async function rolloutQuantities(parts: RolloutParityParts): Promise<Quantity[]> {
  const { engine, model, queries } = parts
  const { environment, limits } = parts.benchmark
  const kvDtype = model.config.kv_dtype
  const policy = await adaptedPolicy(engine, model.config, model.reader)
  const act = async (own: readonly Query[], slots: number, seed: number): Promise<Trajectory[]> => {
    const actor = actingPolicy({
      ...{ policy, model, limits, slots, seed, gate: () => parts.signal.throwIfAborted(), now: () => performance.now() },
      onTokens: () => undefined,
    })
    try {
      const trajectories = await actor.rollout({
        ...{ environment, queries: own, samples: 1, strategy: 'cot', callBudget: limits.toolCalls, temperature: 1 },
        ...{ signal: parts.signal, onText: () => undefined, onTrajectory: () => undefined },
      })
      return [...trajectories]
    } finally {
      await actor.release()
    }
  }
  try {
    const sampledSequences: SampledSequence[] = []
    let count = 0
    for (let seed = 11; count < parts.tokens; seed++) {
      for (const trajectory of await act(queries, 32, seed)) {
        const one = sampledSequenceOf(trajectory)
        sampledSequences.push(one)
        count += one.targets.length
      }
      parts.progress(`rollout against training, ${kvDtype} cache: ${count} tokens sampled`)
    }
    const [sampled, trained] = [
      sampledSequences.flatMap(({ logprobs }) => logprobs),
      await scored(policy, sampledSequences, model.config.vocab_size),
    ]
    const measure = measureOf('our own training plan', parts.adapter)
    const few = queries.slice(0, SLOT_QUERIES)
    const alone = (await act(few, 1, 11)).flatMap((trajectory) => numbersOf(trajectory))
    const together = (await act(few.toReversed(), 32, 11)).toReversed().flatMap((trajectory) => numbersOf(trajectory))
    return [
      measure(`rollout, ${kvDtype} cache: log-probs of ${sampled.length} sampled tokens`, sampled, trained, {
        bound: 'maxAbs',
        tolerance: kvDtype === 'f32' ? 2e-5 : 1e-3,
      }),
      measure(`rollout, ${kvDtype} cache: ids and log-probs with one slot and with 32, in the other order`, alone, together, {
        bound: 'maxAbs',
        tolerance: 0,
      }),
    ]
  } finally {
    await policy.destroy()
  }
}

/** Ids of a whole trajectory, where its sampled tokens are, and what generation said of them. */
function sampledSequenceOf(trajectory: Trajectory): SampledSequence {
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
  const { ids, logprobs } = sampledSequenceOf(trajectory)
  return [...ids, ...logprobs]
}
