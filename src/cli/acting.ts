/** A model that acts in an environment: generation in slots, episodes run against it. */
import { requireCallFormat } from '../agents/callFormats/callFormatFor'
import type { StrategyName } from '../agents/strategies'
import type { EngineDevice } from '../engine/device/engineDevice'
import type { Gate, StateLookup } from '../engine/plan/executable'
import type { Environment, Query } from '../environments/environment'
import type { LoraShape } from '../models/architectures/decoder'
import { Generator } from '../models/generate'
import { compileGenerationAhead } from '../models/generationPlans'
import { LanguageModel } from '../models/languageModel'
import type { SamplingFilters } from '../records/samplingFilters'
import type { Trajectory } from '../records/trajectory'
import { slotsOf } from '../studio/runs/gpuPolicyBackend'
import type { GenerationLimits } from '../studio/runs/policyBackend'
import type { LoadedModel, ModelText } from '../studio/models/models'
import { rolloutEpisodes } from '../agents/rollout'
import type { TrainedAdapter } from './trainedFiles'

export interface ActingParts {
  readonly model: LanguageModel
  readonly lookup: StateLookup
  readonly lora: LoraShape | null
  /** What the call format is recognised by. */
  readonly text: Pick<ModelText, 'title' | 'tokenizer' | 'chatTemplate'>
  /** null: what suits the adapter. */
  readonly slots: number | null
  readonly limits: GenerationLimits
  readonly seed: number
  readonly gate: Gate
  readonly now: () => number
  readonly onDestroy?: () => void
}

export interface ActRequest {
  readonly environment: Environment
  readonly queries: readonly Query[]
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
  const { model, lookup, lora, text, seed, gate, now } = parts
  const { maxContext, maxNewTokens } = parts.limits
  const generator = new Generator({
    model,
    lookup,
    lora,
    slots: parts.slots ?? slotsOf(model.engine.isSoftware),
    maxContext,
    maxNewTokens,
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
    act: ({ callBudget, ...request }) =>
      rolloutEpisodes({
        policy: generator,
        codec: text.tokenizer,
        format: requireCallFormat(text),
        budget: { toolCalls: callBudget, modelCalls: null },
        maxNewTokens,
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
  { config, reader, ...text }: Pick<LoadedModel, 'config' | 'reader' | 'title' | 'tokenizer' | 'chatTemplate'>,
  adapter: TrainedAdapter | null,
  options: Pick<ActingParts, 'slots' | 'limits' | 'seed' | 'gate' | 'now'>,
): Promise<Actor> {
  const size = { lora: adapter?.lora ?? null, slots: options.slots ?? slotsOf(engine.isSoftware) }
  const { maxContext, maxNewTokens } = options.limits
  compileGenerationAhead(engine, { ...size, config, maxContext, maxNewTokens })
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
    text,
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
