/** A checkpoint on the GPU: frozen weights in their own buffers, or all of them packed for training. */
import type { EngineDevice } from '../engine/device/engineDevice'
import type { PackedState } from '../engine/memory/packedState'
import type { StateLookup, StateRange } from '../engine/plan/executable'
import { ScratchPool } from '../engine/plan/scratchPool'
import { bytesOf, sizeOf } from '../engine/tensor'
import { rowBlocks, WeightPacker } from '../engine/memory/weightPacker'
import { architectures } from './architectures'
import type { Architecture } from './architectures/architecture'
import type { ModelConfig } from './architectures/config'
import { storedFormat } from './architectures/decoder'
import { ropeTables } from './architectures/ropeFrequencies'

export interface WeightReader {
  /** Values of a tensor by Hugging Face name, decoded to f32. */
  read(name: string, shape: readonly number[]): Promise<Float32Array>
  /** Rows first … first + count of a matrix. Without it, matrices are read whole. */
  readRows?(name: string, shape: readonly [number, number], first: number, count: number): Promise<Float32Array>
}

export class LanguageModel {
  readonly config: ModelConfig
  readonly architecture: Architecture
  readonly engine: EngineDevice
  readonly pool: ScratchPool
  readonly #frozen = new Map<string, GPUBuffer>()
  #bytes = 0

  private constructor(engine: EngineDevice, config: ModelConfig, architecture: Architecture) {
    this.engine = engine
    this.config = config
    this.architecture = architecture
    this.pool = new ScratchPool(engine)
  }

  /**
   * Uploads the weights `packed` does not hold; those it does are written into it.
   */
  static async load(
    engine: EngineDevice,
    config: ModelConfig,
    reader: WeightReader,
    options: { packed?: PackedState } = {},
  ): Promise<LanguageModel> {
    const model = new LanguageModel(engine, config, architectureOf(config))
    const packer = new WeightPacker(engine)
    try {
      for (const [name, shape] of Object.entries(model.architecture.parameters(config))) {
        if (options.packed?.ranges.has(name)) options.packed.writeWeights(name, await reader.read(name, shape))
        else if (isMatrix(shape)) model.#frozen.set(name, await model.#stream(packer, reader, name, shape))
        else model.#upload(name, await reader.read(name, shape))
      }
    } finally {
      await packer.destroy()
    }
    const tables = ropeTables(config)
    model.#upload('rope.cos', tables.cos)
    model.#upload('rope.sin', tables.sin)
    return model
  }

  /** Row blocks go to the GPU one by one and are packed there: neither the tensor nor its f32 form is ever held whole. */
  async #stream(packer: WeightPacker, reader: WeightReader, name: string, shape: readonly [number, number]): Promise<GPUBuffer> {
    const format = storedFormat(this.config, name, shape)
    const buffer = this.engine.createBuffer(name, bytesOf({ shape, dtype: format }))
    this.#bytes += buffer.size
    const [rows, width] = shape
    const whole = reader.readRows ? null : await reader.read(name, shape)
    for (const { first, count } of rowBlocks(rows, width)) {
      const values = whole ? whole.subarray(first * width, (first + count) * width) : await reader.readRows?.(name, shape, first, count)
      if (values) await packer.write(buffer, values, { format, shape, first, count })
    }
    return buffer
  }

  #upload(name: string, data: Float32Array): void {
    const buffer = this.engine.createBuffer(name, data.byteLength)
    this.engine.write(buffer, data)
    this.#frozen.set(name, buffer)
    this.#bytes += buffer.size
  }

  get frozenBytes(): number {
    return this.#bytes
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
    for (const buffer of this.#frozen.values()) this.engine.destroyBuffer(buffer)
    this.#frozen.clear()
    this.pool.destroy()
  }
}

const isMatrix = (shape: readonly number[]): shape is readonly [number, number] => shape.length === 2

export function architectureOf(config: ModelConfig): Architecture {
  const architecture = architectures[config.model_type]
  if (!architecture)
    throw new Error(`config.json: expected model_type to be one of ${Object.keys(architectures).join(', ')}, found ${config.model_type}`)
  return architecture
}

export function parameterCount(config: ModelConfig): number {
  return Object.values(architectureOf(config).parameters(config)).reduce((sum, shape) => sum + sizeOf(shape), 0)
}
