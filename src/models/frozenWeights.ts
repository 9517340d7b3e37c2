/** The frozen tensors of a model, each in its own buffer in its storage format. They are read block by block, or from a packed copy. */
import type { EngineDevice } from '../engine/device/engineDevice'
import { firstNonFinite } from '../base/nonFinite'
import { at } from '../engine/op'
import { rowBlocks, WeightPacker } from '../engine/memory/weightPacker'
import { bytesOf } from '../engine/tensor'
import { isInteger, isPacked } from '../engine/weightFormat'
import type { WeightFormat } from '../engine/weightFormat'
import type { ModelConfig } from './architectures/config'
import { storedSpec } from './architectures/decoder'
import { CheckpointError } from './weights/byteSource'
import type { PackedCache } from './weights/packedCache'

export interface WeightReader {
  /** Values of a tensor by Hugging Face name, decoded to f32. */
  read(name: string, shape: readonly number[]): Promise<Float32Array>
  /** Rows first … first + count of a matrix. Without it, matrices are read whole. */
  readRows?(name: string, shape: readonly [number, number], first: number, count: number): Promise<Float32Array>
  /** The cache of tensors packed in 8 or 4 bits. */
  readonly packed?: PackedCache
}

/** Throws CheckpointError where a tensor of the model is not finite: whatever is computed with it would be NaN. `first`: its first value here. */
function checkFinite(name: string, values: Float32Array, first = 0): void {
  const at = firstNonFinite(values)
  if (at === null) return
  const found = String(values[at])
  throw new CheckpointError(
    `the model's weights: tensor "${name}" holds ${found} at value ${first + at}; expected finite numbers. The file is damaged or its training diverged: take another copy or an earlier checkpoint.`,
  )
}

/** How many bytes are given to the queue before its copies are awaited: they take memory of the process until they are done. */
const MOST_IN_FLIGHT = 32 << 20

export class FrozenWeights {
  readonly #engine: EngineDevice
  readonly #buffers = new Map<string, GPUBuffer>()
  #inFlight = 0
  #bytesToLoad = 0

  constructor(engine: EngineDevice) {
    this.#engine = engine
  }

  get(name: string): GPUBuffer | undefined {
    return this.#buffers.get(name)
  }

  get bytes(): number {
    return [...this.#buffers.values()].reduce((sum, { size }) => sum + size, 0)
  }

  /** A buffer of zeros. */
  create(name: string, bytes: number): GPUBuffer {
    const buffer = this.#engine.createBuffer(name, bytes)
    this.#buffers.set(name, buffer)
    return buffer
  }

  async upload(name: string, data: Float32Array): Promise<void> {
    await this.#put(this.create(name, data.byteLength), data, 0)
  }

  /**
   * Rows go to the GPU in blocks and are packed there: neither a tensor nor its f32 form is ever in memory whole.
   * @param parameters names and shapes of those to load.
   */
  async load(config: ModelConfig, reader: WeightReader, parameters: readonly (readonly [string, readonly number[]])[]): Promise<void> {
    const packer = new WeightPacker(this.#engine)
    // If nothing is packed, a copy would not be faster than the checkpoint's own files.
    let cache = isInteger(config.weight_format) ? (reader.packed ?? null) : null
    this.#bytesToLoad = parameters.reduce((sum, [name, shape]) => sum + bytesOf(storedSpec(config, name, shape)), 0)
    try {
      let before = 0
      for (const [name, shape] of parameters) {
        const stored = storedSpec(config, name, shape)
        this.#announceLoaded(before)
        before += bytesOf(stored)
        const tensor = { name, format: stored.dtype, bytes: bytesOf(stored) }
        const buffer = this.create(name, tensor.bytes)
        await this.#engine.settled()
        if (await cache?.load(tensor, (bytes, offset) => this.#put(buffer, wordsOf(bytes), offset))) continue
        if (isMatrix(shape))
          await this.#stream(packer, reader, {
            name,
            shape,
            stored: [at(stored.shape, 0), at(stored.shape, 1)],
            format: stored.dtype,
            buffer,
            before: before - tensor.bytes,
          })
        else await this.#put(buffer, await readFinite(reader, name, shape), 0)
        // If the storage is full, the model works too; it is packed again the next time.
        const isKept = await cache
          ?.keep(tensor, async (offset, length) => new Uint8Array(await this.#engine.read(buffer, offset, length)))
          .then(() => true)
          .catch(() => false)
        if (isKept === false) cache = null
      }
    } finally {
      await packer.destroy()
    }
  }

  async #stream(packer: WeightPacker, reader: WeightReader, { name, shape, stored, format, buffer, before }: Streamed): Promise<void> {
    const [rows, width] = shape
    const whole = reader.readRows ? null : await reader.read(name, shape)
    for (const { first, count } of rowBlocks(rows, width)) {
      const values = whole ? whole.subarray(first * width, (first + count) * width) : await reader.readRows?.(name, shape, first, count)
      if (!values) continue
      checkFinite(name, values, first * width)
      if (isPacked(format)) await packer.write(buffer, values, { format, shape: stored, first, count })
      else await this.#put(buffer, values, first * width * 4)
      this.#announceLoaded(before + ((first + count) / rows) * buffer.size)
    }
  }

  #announceLoaded(bytes: number): void {
    this.#engine.activity.announce({ kind: 'load', done: bytes, total: this.#bytesToLoad })
  }

  async #put(buffer: GPUBuffer, data: Float32Array | Uint32Array, offset: number): Promise<void> {
    this.#engine.write(buffer, data, offset)
    this.#inFlight += data.byteLength
    if (this.#inFlight < MOST_IN_FLIGHT) return
    this.#inFlight = 0
    await this.#engine.flush()
  }

  destroy(): void {
    for (const buffer of this.#buffers.values()) this.#engine.destroyBuffer(buffer)
    this.#buffers.clear()
  }
}

/** Throws CheckpointError where a value is not finite. */
export async function readFinite(reader: WeightReader, name: string, shape: readonly number[]): Promise<Float32Array> {
  const values = await reader.read(name, shape)
  checkFinite(name, values)
  return values
}

interface Streamed {
  readonly name: string
  readonly shape: readonly [number, number]
  /** Of the buffer: there may be rows of zeros at the end. */
  readonly stored: readonly [number, number]
  readonly format: WeightFormat
  readonly buffer: GPUBuffer
  /** Bytes of the tensors loaded before it. */
  readonly before: number
}

const isMatrix = (shape: readonly number[]): shape is readonly [number, number] => shape.length === 2
const wordsOf = (bytes: Uint8Array<ArrayBuffer>): Uint32Array<ArrayBuffer> =>
  bytes.byteOffset % 4 === 0 ? new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4) : new Uint32Array(bytes.slice().buffer)
