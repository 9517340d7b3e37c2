/** Reads small buffers back without making a step wait: values come in order, nothing is dropped. */
import type { EngineDevice } from './device/engineDevice'
import { BufferUsage, MAP_READ } from './device/usage'

export interface RingSource {
  readonly buffer: GPUBuffer
  readonly bytes: number
}

export class MetricRing<Tag> {
  readonly #engine: EngineDevice
  readonly #bytes: number
  readonly #free: GPUBuffer[] = []
  readonly #all: GPUBuffer[] = []
  readonly #deliver: (tag: Tag, values: Float32Array) => void
  #last: Promise<void> = Promise.resolve()
  #waiting: (() => void) | null = null
  #failure: Error | null = null

  /** @param bytes room for one step's values. */
  constructor(engine: EngineDevice, bytes: number, deliver: (tag: Tag, values: Float32Array) => void, slots = 4) {
    this.#engine = engine
    this.#bytes = bytes
    this.#deliver = deliver
    for (let slot = 0; slot < slots; slot++)
      this.#all.push(engine.createBuffer('metric staging', bytes, BufferUsage.COPY_DST | BufferUsage.MAP_READ))
    this.#free.push(...this.#all)
  }

  /** Copies the sources at the queue's current point. Waits only when every staging buffer is in flight. */
  async push(tag: Tag, sources: readonly RingSource[]): Promise<void> {
    while (this.#free.length === 0 && this.#failure === null) await new Promise<void>((resolve) => (this.#waiting = resolve))
    if (this.#failure !== null) throw this.#failure
    const staging = this.#free.pop()
    if (!staging) throw new Error('metric ring: no staging buffer')
    const encoder = this.#engine.device.createCommandEncoder()
    let offset = 0
    for (const source of sources) {
      if (offset + source.bytes > this.#bytes) throw new Error(`metric ring: ${this.#bytes} bytes do not hold this step's metrics`)
      encoder.copyBufferToBuffer(source.buffer, 0, staging, offset, source.bytes)
      offset += source.bytes
    }
    this.#engine.submit(encoder)
    this.#engine.counters.readbacks++
    const mapped = this.#engine.explained(staging.mapAsync(MAP_READ, 0, offset))
    const before = this.#last
    this.#last = (async () => {
      await mapped
      const values = new Float32Array(staging.getMappedRange(0, offset).slice(0))
      staging.unmap()
      await before
      this.#free.push(staging)
      this.#waiting?.()
      this.#waiting = null
      this.#deliver(tag, values)
    })()
    // The next push or drain throws this error. A lost device returns no buffer, so nothing may wait for one.
    this.#last.catch((error: unknown) => {
      this.#failure ??= error instanceof Error ? error : new Error(String(error))
      this.#waiting?.()
      this.#waiting = null
    })
  }

  /** Resolves when everything pushed so far was delivered. */
  async drain(): Promise<void> {
    await this.#last
    this.#engine.check()
  }

  destroy(): void {
    for (const buffer of this.#all) this.#engine.destroyBuffer(buffer)
  }
}
