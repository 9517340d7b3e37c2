/** Scratch buffers shared by all plans of a device, by size class: the pool has as many of a class as the plan that needs most of them. */
import type { EngineDevice } from '../device/engineDevice'
import { at } from '../op'

export class ScratchPool {
  readonly #engine: EngineDevice
  readonly #classes = new Map<number, GPUBuffer[]>()

  constructor(engine: EngineDevice) {
    this.#engine = engine
  }

  /** One buffer per slot of a plan; slots of one plan never share. */
  buffers(slots: readonly number[]): GPUBuffer[] {
    const used = new Map<number, number>()
    return slots.map((size) => {
      const index = used.get(size) ?? 0
      used.set(size, index + 1)
      const list = this.#classes.get(size) ?? []
      this.#classes.set(size, list)
      while (list.length <= index) list.push(this.#engine.createBuffer(`scratch ${size}`, size))
      return at(list, index)
    })
  }

  /** Bytes the pool would hold after also serving `slots`. */
  bytesWith(slots: readonly number[]): number {
    const need = new Map<number, number>()
    for (const size of slots) need.set(size, (need.get(size) ?? 0) + 1)
    let bytes = 0
    for (const size of new Set([...need.keys(), ...this.#classes.keys()])) {
      bytes += size * Math.max(need.get(size) ?? 0, this.#classes.get(size)?.length ?? 0)
    }
    return bytes
  }

  destroy(): void {
    for (const list of this.#classes.values()) for (const buffer of list) this.#engine.destroyBuffer(buffer)
    this.#classes.clear()
  }
}
