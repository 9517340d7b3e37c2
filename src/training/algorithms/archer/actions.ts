/** Samples fresh actions a ~ π(· | observation) from the current policy, for many observations at once. */
import type { Gate } from '../../../engine/plan/executable'
import type { ModelConfig } from '../../../models/architectures/config'
import { Generator } from '../../../models/generate'
import type { PolicyModel } from '../../policy/policyModel'
import { powerOfTwo } from '../../batches/batchLayout'

export interface ActionRequest {
  readonly observation: readonly number[]
  /** Names the draw: the same key, version and observation give the same action. */
  readonly key: { readonly query: number; readonly sample: number }
}

export interface SampledAction {
  /** The tokens that the policy read: the observation, without its oldest tokens if the model cannot read all. */
  readonly observation: readonly number[]
  readonly ids: readonly number[]
  /** Whether the limit ended the action instead of a stop token. */
  readonly isClipped: boolean
}

interface SamplerOptions {
  readonly maxNewTokens: number
  readonly temperature: number
  readonly seed: number
  readonly gate: Gate
}

/** The tokens of all caches together; observations are processed at the same time as long as they fit. */
const CACHED_TOKENS = { software: 8192, gpu: 49_152 } as const
const SMALLEST_CONTEXT = 256
const MOST_STOPS = 4

type Reach = Pick<ModelConfig, 'max_position_embeddings'>

/** The maximum number of new tokens of an action; half of the model's context is reserved for the observation. */
const actionLimit = (config: Reach, maxNewTokens: number): number => Math.min(maxNewTokens, config.max_position_embeddings >> 1)

/** Slots and context of a generator for observations of up to `longest` tokens. */
export function samplerSize(
  config: Reach,
  longest: number,
  maxNewTokens: number,
  isSoftware: boolean,
): { slots: number; maxContext: number } {
  const contextNeeded = powerOfTwo(longest + actionLimit(config, maxNewTokens), SMALLEST_CONTEXT)
  const maxContext = Math.min(config.max_position_embeddings, contextNeeded)
  return { slots: Math.max(1, Math.floor(CACHED_TOKENS[isSoftware ? 'software' : 'gpu'] / maxContext)), maxContext }
}

export class ActionSampler {
  generatedTokens = 0
  readonly #policy: PolicyModel
  readonly #options: SamplerOptions
  #generator: Generator | null = null

  constructor(policy: PolicyModel, options: SamplerOptions) {
    this.#policy = policy
    this.#options = options
  }

  /** Returns actions in the order of the requests. If an observation leaves no room for an action, its oldest tokens are cut. */
  async sample(requests: readonly ActionRequest[], version: number): Promise<SampledAction[]> {
    const { config } = this.#policy.model
    const { temperature } = this.#options
    const longest = requests.reduce((most, { observation }) => Math.max(most, observation.length), 1)
    const generator = await this.#generatorFor(longest)
    generator.version = version
    // It depends only on the model and the settings, so that a resumed run with a smaller generator samples the same.
    const maxNewTokens = actionLimit(config, this.#options.maxNewTokens)
    // Encoding takes one token more than it reads.
    const seen = config.max_position_embeddings - maxNewTokens - 1
    const stopIds = config.eos_token_ids.slice(0, MOST_STOPS)
    return Promise.all(
      requests.map(async (request) => {
        const session = await generator.open(request.key)
        try {
          const observation = request.observation.slice(-seen)
          const result = await session.extend(observation, { maxNewTokens, temperature, stopIds })
          this.generatedTokens += result.ids.length
          return { observation, ids: result.ids, isClipped: result.finish === 'length' }
        } finally {
          session.close()
        }
      }),
    )
  }

  /** A longer observation than there is room for needs a larger generator; what it draws does not depend on its size. */
  async #generatorFor(longest: number): Promise<Generator> {
    const { model, packed, trainable, engine } = this.#policy
    const { maxNewTokens, seed, gate } = this.#options
    const size = samplerSize(model.config, longest, maxNewTokens, engine.isSoftware)
    if (this.#generator && this.#generator.maxContext >= size.maxContext) return this.#generator
    await this.destroy()
    this.#generator = new Generator({
      ...{ model, lookup: model.lookup(packed), lora: trainable.kind === 'lora' ? trainable.lora : null },
      ...{ ...size, maxNewTokens, seed, gate },
    })
    return this.#generator
  }

  async destroy(): Promise<void> {
    await this.#generator?.destroy()
    this.#generator = null
  }
}
