/**
 * Rollout against training on a published model's shape with random weights: conversations of two turns whose "prompts" and "observations"
 * are random ids, more of them than there are slots, so that slots are refilled while others decode.
 */
import { createRng } from '../base/random'
import { sha256 } from '../base/sha256'
import type { EngineDevice } from '../engine/device/engineDevice'
import { sizeOf } from '../engine/tensor'
import { parseModelConfig, type ModelConfig } from '../models/architectures/config'
import { Generator } from '../models/generate'
import type { WeightReader } from '../models/languageModel'
import type { PolicyModel } from '../training/policy/policyModel'
import { distance, measureOf, type Quantity } from '../base/quantity'
import { adaptedPolicy, parityLora, scored, type SampledSequence } from './sampledLogProbs'

/** As in the models' published config.json. */
export const rolloutShapes: Readonly<Record<'qwen2.5-0.5b-shape', ModelConfig>> = {
  'qwen2.5-0.5b-shape': parseModelConfig({
    ...{ model_type: 'qwen2', vocab_size: 151_936, hidden_size: 896, intermediate_size: 4864, num_hidden_layers: 24 },
    ...{ num_attention_heads: 14, num_key_value_heads: 2, tie_word_embeddings: true, rms_norm_eps: 1e-6, rope_theta: 1_000_000 },
    max_position_embeddings: 32_768,
  }),
}

/** Conversations come in waves of twice as many. */
const SLOTS = 16
/** For the comparison bit for bit. */
const OTHER_SLOTS = 32
const CONTEXT = 256
const TURNS: readonly number[] = [0, 1]
/** New tokens of a turn differ, so that slots end and are refilled at different times. Their mean is 80. */
const newTokensOf = (query: number, turn: number): number => 64 + ((7 * query + 13 * turn) % 33)
/** How many first tokens are drawn again with all sessions in other slots; twice as many by some that are alone. */
const REPEATED_TOKENS = 8
const ALONE = 3
const STREAM = 90
const SEED = 11

export interface ShapeRolloutParts {
  readonly engine: EngineDevice
  readonly name: string
  readonly config: ModelConfig
  /** At least so many sampled tokens. */
  readonly tokens: number
  readonly adapter: string
  readonly signal: AbortSignal
  progress(line: string): void
}

export async function shapeRolloutQuantities(parts: ShapeRolloutParts): Promise<Quantity[]> {
  const { config, name } = parts
  const kvDtype = config.kv_dtype
  const title = `rollout of ${name}, ${kvDtype} cache`
  parts.progress(`${title}: random weights`)
  const policy = await adaptedPolicy(parts.engine, config, hashedWeights(config))
  try {
    const sequences: SampledSequence[] = []
    const sampled: number[] = []
    const trained: number[] = []
    const started = performance.now()
    const minutes = (): string => `${((performance.now() - started) / 60_000).toFixed(1)} min`
    while (sampled.length < parts.tokens) {
      let count = sampled.length
      const sessions = Array.from({ length: 2 * SLOTS }, (_, index) => sequences.length + index)
      const wave = await converse(policy, parts, { sessions, slots: SLOTS, turns: TURNS }, (tokens) => {
        count += tokens
        parts.progress(`${title}: ${count} tokens sampled, ${minutes()}`)
      })
      sequences.push(...wave)
      sampled.push(...wave.flatMap(({ logprobs }) => logprobs))
      trained.push(...(await scored(policy, wave, config.vocab_size)))
      const far = distance(sampled, trained).maxAbs
      parts.progress(`${title}: ${trained.length} tokens compared with training, largest difference ${far.toExponential(1)}, ${minutes()}`)
    }
    const measure = measureOf('our own training plan', parts.adapter)
    const first = sequences.slice(0, OTHER_SLOTS)
    const again = await converse(policy, parts, {
      ...{ sessions: [...first.keys()].toReversed(), slots: OTHER_SLOTS, turns: [0], most: REPEATED_TOKENS },
    })
    const alone = await converse(policy, parts, {
      sessions: [...first.keys()].slice(0, ALONE),
      slots: 1,
      turns: [0],
      most: 2 * REPEATED_TOKENS,
    })
    const beginningOf = (count: number, of: number): number[] => first.slice(0, of).flatMap((one) => numbersOf(startOf(one, count)))
    const exact = { bound: 'maxAbs', tolerance: 0 } as const
    return [
      measure(`${title}: log-probs of ${sampled.length} sampled tokens`, sampled, trained, {
        bound: 'maxAbs',
        tolerance: kvDtype === 'f32' ? 1e-4 : 1e-3,
      }),
      measure(
        `${title}: ids and log-probs with one slot and with ${SLOTS}`,
        alone.flatMap(numbersOf),
        beginningOf(2 * REPEATED_TOKENS, ALONE),
        exact,
      ),
      measure(
        `${title}: ids and log-probs with ${OTHER_SLOTS} slots in the other order and with ${SLOTS}`,
        again.toReversed().flatMap(numbersOf),
        beginningOf(REPEATED_TOKENS, OTHER_SLOTS),
        exact,
      ),
    ]
  } finally {
    await policy.destroy()
  }
}

interface Conversations {
  readonly sessions: readonly number[]
  readonly slots: number
  readonly turns: readonly number[]
  /** New tokens of a turn at most. */
  readonly most?: number
}

async function converse(
  policy: PolicyModel,
  { signal }: Pick<ShapeRolloutParts, 'signal'>,
  { sessions, slots, turns, most = Number.POSITIVE_INFINITY }: Conversations,
  onTokens: (count: number) => void = () => undefined,
): Promise<SampledSequence[]> {
  const { model } = policy
  const generator = new Generator({
    ...{ model, lookup: model.lookup(policy.packed), lora: parityLora, slots, maxContext: CONTEXT, maxNewTokens: 96, seed: SEED },
    gate: () => {
      signal.throwIfAborted()
    },
  })
  try {
    return await Promise.all(
      sessions.map(async (query) => {
        const session = await generator.open({ query, sample: 0 })
        const ids: number[] = []
        const targets: number[] = []
        const logprobs: number[] = []
        for (const turn of turns) {
          const rng = createRng(SEED, STREAM, query * TURNS.length + turn)
          const given = Array.from({ length: (turn === 0 ? 12 : 6) + (query % 5) }, () => rng.int(model.config.vocab_size))
          const maxNewTokens = Math.min(most, newTokensOf(query, turn))
          const made = await session.extend(given, { maxNewTokens, temperature: 1, stopIds: [] })
          ids.push(...given)
          targets.push(...made.ids.map((_, index) => ids.length + index))
          ids.push(...made.ids)
          logprobs.push(...made.logprobs)
          onTokens(made.ids.length)
        }
        session.close()
        return { ids, targets, logprobs }
      }),
    )
  } finally {
    await generator.destroy()
  }
}

const numbersOf = ({ ids, logprobs }: SampledSequence): number[] => [...ids, ...logprobs]

/** The context up to its first `count` sampled tokens. */
function startOf({ ids, targets, logprobs }: SampledSequence, count: number): SampledSequence {
  const end = (targets[count - 1] ?? 0) + 1
  return { ids: ids.slice(0, end), targets: targets.slice(0, count), logprobs: logprobs.slice(0, count) }
}

/**
 * Uniform weights with the spread of `randomWeights`, from a hash of name and index: half a billion of them in seconds.
 * Source of the mixer: Chris Wellons, hash-prospector (lowbias32).
 */
function hashedWeights(config: ModelConfig): WeightReader {
  return {
    read: (name, shape) => {
      const size = sizeOf(shape)
      if (name.endsWith('norm.weight')) return Promise.resolve(new Float32Array(size).fill(1))
      if (name.endsWith('.bias')) return Promise.resolve(new Float32Array(size))
      const residual = name.includes('o_proj') || name.includes('down_proj') ? 1 / Math.sqrt(2 * config.num_hidden_layers) : 1
      const std = name.includes('embed_tokens') ? 0.05 : residual / Math.sqrt(shape[1] ?? 1)
      const bound = Math.sqrt(3) * std
      const salt = Number.parseInt(sha256(name).slice(0, 8), 16)
      const values = new Float32Array(size)
      for (let i = 0; i < size; i++) {
        let x = (i ^ salt) >>> 0
        x = Math.imul(x ^ (x >>> 16), 0x7feb352d)
        x = Math.imul(x ^ (x >>> 15), 0x846ca68b)
        values[i] = bound * (((x ^ (x >>> 16)) >>> 8) / 2 ** 23 - 1)
      }
      return Promise.resolve(values)
    },
  }
}
