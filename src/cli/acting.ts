/** A model that acts in the starter world: generation in slots, episodes run against it. */
import { starterPrompt } from '../agents/prompts/starterPrompt'
import type { StrategyName } from '../agents/strategies'
import type { EngineDevice } from '../engine/device/engineDevice'
import type { Gate, StateLookup } from '../engine/plan/executable'
import type { ToolWorld, WorldQuery } from '../environments/toolWorld'
import type { LoraShape } from '../models/architectures/decoder'
import { Generator } from '../models/generate'
import { compileGenerationAhead } from '../models/generationPlans'
import { LanguageModel } from '../models/languageModel'
import type { HfTokenizer } from '../models/tokenizer/hfTokenizer'
import type { SamplingFilters } from '../records/samplingFilters'
import type { Trajectory } from '../records/trajectory'
import { MAX_NEW_TOKENS, slotsOf } from '../studio/runs/gpuPolicyBackend'
import type { LoadedModel } from '../studio/models/models'
import { rolloutEpisodes } from '../agents/rollout'
import type { TrainedAdapter } from './trainedFiles'

export interface ActingParts {
  readonly model: LanguageModel
  readonly lookup: StateLookup
  readonly lora: LoraShape | null
  readonly tokenizer: HfTokenizer
  /** null: what suits the adapter. */
  readonly slots: number | null
  readonly maxContext: number
  readonly seed: number
  readonly gate: Gate
  readonly now: () => number
  readonly onDestroy?: () => void
}

export interface ActRequest {
  readonly world: ToolWorld
  readonly queries: readonly WorldQuery[]
  readonly samples: number
  readonly strategy: StrategyName
  readonly callBudget: number
  /** 0 is greedy. */
  readonly temperature: number
  readonly sampling?: SamplingFilters
  readonly source: string
  readonly signal: AbortSignal
  onTrajectory?(trajectory: Trajectory): void
}

export interface Actor {
  /** Optimizer steps the weights have behind them. */
  version: number
  readonly generatedTokens: number
  /** In the order of queries, then samples. */
  act(request: ActRequest): Promise<Trajectory[]>
  destroy(): Promise<void>
}

export function createActor(parts: ActingParts): Actor {
  const { model, lookup, lora, tokenizer, seed, gate, now } = parts
  const generator = new Generator({
    model,
    lookup,
    lora,
    slots: parts.slots ?? slotsOf(model.engine.isSoftware),
    maxContext: parts.maxContext,
    maxNewTokens: MAX_NEW_TOKENS,
    seed,
    gate,
  })
  return {
    get version() {
      return generator.version
    },
    set version(version) {
      generator.version = version
    },
    get generatedTokens() {
      return generator.generatedTokens
    },
    act: (request) =>
      rolloutEpisodes({
        policy: generator,
        codec: tokenizer,
        prompt: starterPrompt,
        maxNewTokens: MAX_NEW_TOKENS,
        maxContext: generator.maxContext,
        now,
        ...request,
      }),
    async destroy() {
      await generator.destroy()
      parts.onDestroy?.()
    },
  }
}

/** A model that only acts, with an adapter on top or without. */
export async function openActor(
  engine: EngineDevice,
  { config, reader, tokenizer }: Pick<LoadedModel, 'config' | 'reader' | 'tokenizer'>,
  adapter: TrainedAdapter | null,
  options: Pick<ActingParts, 'slots' | 'maxContext' | 'seed' | 'gate' | 'now'>,
): Promise<Actor> {
  const size = { lora: adapter?.lora ?? null, slots: options.slots ?? slotsOf(engine.isSoftware), maxContext: options.maxContext }
  compileGenerationAhead(engine, { ...size, config, maxNewTokens: MAX_NEW_TOKENS })
  const model = await LanguageModel.load(engine, config, reader)
  const own = new Map<string, GPUBuffer>()
  for (const [name, { values }] of adapter?.tensors ?? []) {
    const buffer = engine.createBuffer(name, values.byteLength)
    engine.write(buffer, values)
    own.set(name, buffer)
  }
  const frozen = model.lookup()
  return createActor({
    ...options,
    ...size,
    model,
    tokenizer,
    lookup: (name) => {
      const buffer = own.get(name)
      return buffer ? { buffer, offset: 0 } : frozen(name)
    },
    onDestroy: () => {
      for (const buffer of own.values()) engine.destroyBuffer(buffer)
      model.destroy()
    },
  })
}
