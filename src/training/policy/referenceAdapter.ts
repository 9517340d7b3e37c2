/** A frozen adapter on the GPU that is the reference of the KL. */
import type { EngineDevice } from '../../engine/device/engineDevice'
import { packedLayout } from '../../engine/memory/packedState'
import type { PackedEntry, PackedRange } from '../../engine/memory/packedState'
import type { StateRange } from '../../engine/plan/executable'

export class ReferenceAdapter {
  readonly ranges: ReadonlyMap<string, PackedRange>
  readonly #engine: EngineDevice
  readonly #weights: GPUBuffer

  /** Zeros, which are an adapter that changes nothing. */
  constructor(engine: EngineDevice, entries: readonly PackedEntry[]) {
    const { ranges, count } = packedLayout(entries)
    this.ranges = ranges
    this.#engine = engine
    this.#weights = engine.createBuffer('reference adapter', count * 4)
  }

  write(name: string, data: Float32Array): void {
    const range = this.ranges.get(name)
    if (range?.size !== data.length)
      throw new Error(`the reference adapter takes ${range?.size ?? 'no'} values of ${name}, found ${data.length}`)
    this.#engine.write(this.#weights, data, range.offset * 4)
  }

  /** null for what is not the adapter's: that is the base's. */
  lookup(name: string): StateRange | null {
    const range = this.ranges.get(name)
    return range ? { buffer: this.#weights, offset: range.offset * 4 } : null
  }

  destroy(): void {
    this.#engine.destroyBuffer(this.#weights)
  }
}
