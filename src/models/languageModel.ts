/** A checkpoint on the GPU: frozen weights in their own buffers, or all of them packed for training. */
import type { EngineDevice } from '../engine/device/engineDevice'
import type { PackedState } from '../engine/memory/packedState'
import type { StateLookup, StateRange } from '../engine/plan/executable'
import { ScratchPool } from '../engine/plan/scratchPool'
import { bytesOf, sizeOf } from '../engine/tensor'
import { architectures } from './architectures'
import type { Architecture } from './architectures/architecture'
import type { ModelConfig } from './architectures/config'
import { storedSpec } from './architectures/decoder'
import { ropeTables } from './architectures/ropeFrequencies'
import { FrozenWeights, readFinite, type WeightReader } from './frozenWeights'

export type { WeightReader } from './frozenWeights'

export class LanguageModel {
  readonly config: ModelConfig
  readonly architecture: Architecture
  readonly engine: EngineDevice
  readonly pool: ScratchPool
  readonly #frozen: FrozenWeights

  private constructor(engine: EngineDevice, config: ModelConfig) {
    this.engine = engine
    this.config = config
    this.architecture = architectureOf(config)
    this.pool = new ScratchPool(engine)
    this.#frozen = new FrozenWeights(engine)
  }

  /** A model whose buffers are all zeros, to run plans without a checkpoint. */
  static async allocate(engine: EngineDevice, config: ModelConfig, packed: PackedState): Promise<LanguageModel> {
    const model = new LanguageModel(engine, config)
    for (const [name, shape] of model.#frozenParameters(packed)) model.#frozen.create(name, bytesOf(storedSpec(config, name, shape)))
    await model.#uploadTables()
    await engine.settled()
    return model
  }

  /**
   * Uploads the weights `packed` does not hold; those it does are written into it. What was allocated is given back when it fails.
   */
  static async load(
    engine: EngineDevice,
    config: ModelConfig,
    reader: WeightReader,
    options: { packed?: PackedState } = {},
  ): Promise<LanguageModel> {
    const model = new LanguageModel(engine, config)
    try {
      for (const { name, shape } of options.packed?.ranges.values() ?? [])
        if (name in model.architecture.parameters(config)) options.packed?.writeWeights(name, await readFinite(reader, name, shape))
      await model.#frozen.load(config, reader, model.#frozenParameters(options.packed))
      await model.#uploadTables()
      return model
    } catch (error) {
      model.destroy()
      throw error
    }
  }

  #frozenParameters(packed: PackedState | undefined): [string, readonly number[]][] {
    return Object.entries(this.architecture.parameters(this.config)).filter(([name]) => packed?.ranges.has(name) !== true)
  }

  async #uploadTables(): Promise<void> {
    const tables = ropeTables(this.config)
    await this.#frozen.upload('rope.cos', tables.cos)
    await this.#frozen.upload('rope.sin', tables.sin)
  }

  get frozenBytes(): number {
    return this.#frozen.bytes
  }

  /** Leaf → buffer: packed state first (an adapter, or the weights in training), then this model's own buffers. */
  lookup(...packed: readonly (PackedState | null)[]): StateLookup {
    return (name): StateRange => {
      for (const state of packed) {
        const range = state?.lookup(name)
        if (range) return range
      }
      const buffer = this.#frozen.get(name)
      if (!buffer) throw new Error(`nothing holds ${name}`)
      return { buffer, offset: 0 }
    }
  }

  destroy(): void {
    this.#frozen.destroy()
    this.pool.destroy()
  }
}

export function architectureOf(config: ModelConfig): Architecture {
  const architecture = architectures[config.model_type]
  if (!architecture)
    throw new Error(`config.json: expected model_type to be one of ${Object.keys(architectures).join(', ')}, found ${config.model_type}`)
  return architecture
}

/** Whether a model is so large that kernels are compiled while its weights are read; smaller ones are loaded before one kernel is compiled. */
export const isStreamed = (config: ModelConfig): boolean => parameterCount(config) >= 2e7

export function parameterCount(config: ModelConfig): number {
  return Object.values(architectureOf(config).parameters(config)).reduce((sum, shape) => sum + sizeOf(shape), 0)
}
