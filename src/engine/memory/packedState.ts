/** Trainable tensors packed into one buffer each for weights, gradients and both moments, with an offset table. */
import type { EngineDevice } from '../device/engineDevice'
import { hyperWords, HYPER_WORDS, OPTIMIZER_STATE_WORDS } from '../ops/adamW'
import type { AdamWHyper } from '../ops/adamW'
import type { StateRange } from '../plan/executable'
import { sizeOf } from '../tensor'
import type { Shape } from '../tensor'

export interface PackedEntry {
  readonly name: string
  readonly shape: Shape
  /** Whether weight decay applies (matrices do; gains and biases do not). */
  readonly decay: boolean
}

export interface PackedRange {
  readonly name: string
  readonly shape: Shape
  /** First element; a multiple of 64, so that byte offsets are multiples of 256. */
  readonly offset: number
  readonly size: number
}

const ALIGN = 64

export interface PackedLayout {
  readonly ranges: ReadonlyMap<string, PackedRange>
  readonly count: number
  /** Elements before this index decay. */
  readonly decayEnd: number
}

/** The place of each parameter; parameters with weight decay come first. */
export function packedLayout(entries: readonly PackedEntry[]): PackedLayout {
  const ranges = new Map<string, PackedRange>()
  let offset = 0
  let decayEnd = 0
  for (const entry of [...entries.filter((e) => e.decay), ...entries.filter((e) => !e.decay)]) {
    if (ranges.has(entry.name)) throw new Error(`parameter ${entry.name} is packed twice`)
    const size = sizeOf(entry.shape)
    ranges.set(entry.name, { name: entry.name, shape: entry.shape, offset, size })
    offset += Math.ceil(size / ALIGN) * ALIGN
    if (entry.decay) decayEnd = offset
  }
  return { ranges, count: Math.max(ALIGN, offset), decayEnd }
}

/** Bytes of the buffers that hold so many packed elements. */
export const packedBytes = (count: number): number => count * 16 + (HYPER_WORDS + OPTIMIZER_STATE_WORDS) * 4

export class PackedState {
  readonly ranges: ReadonlyMap<string, PackedRange>
  readonly count: number
  readonly decayEnd: number
  readonly #engine: EngineDevice
  readonly #buffers: {
    readonly weights: GPUBuffer
    readonly grads: GPUBuffer
    readonly first: GPUBuffer
    readonly second: GPUBuffer
    readonly hyper: GPUBuffer
    readonly state: GPUBuffer
  }

  constructor(engine: EngineDevice, entries: readonly PackedEntry[]) {
    const { ranges, count, decayEnd } = packedLayout(entries)
    this.ranges = ranges
    this.count = count
    this.decayEnd = decayEnd
    const bytes = this.count * 4
    this.#engine = engine
    this.#buffers = {
      weights: engine.createBuffer('trainable weights', bytes),
      grads: engine.createBuffer('gradients', bytes),
      first: engine.createBuffer('first moments', bytes),
      second: engine.createBuffer('second moments', bytes),
      hyper: engine.createBuffer('hyper-parameters', HYPER_WORDS * 4),
      state: engine.createBuffer('optimizer state', OPTIMIZER_STATE_WORDS * 4),
    }
  }

  get bytes(): number {
    return packedBytes(this.count)
  }

  /** Range of a leaf: a parameter's name, `grad:<name>`, or one of the packed buffers. */
  lookup(leaf: string): StateRange | null {
    switch (leaf) {
      case 'packed/weights':
        return { buffer: this.#buffers.weights, offset: 0 }
      case 'packed/grads':
        return { buffer: this.#buffers.grads, offset: 0 }
      case 'packed/first':
        return { buffer: this.#buffers.first, offset: 0 }
      case 'packed/second':
        return { buffer: this.#buffers.second, offset: 0 }
      case 'packed/hyper':
        return { buffer: this.#buffers.hyper, offset: 0 }
      case 'packed/state':
        return { buffer: this.#buffers.state, offset: 0 }
    }
    const isGrad = leaf.startsWith('grad:')
    const range = this.ranges.get(isGrad ? leaf.slice(5) : leaf)
    if (!range) return null
    return { buffer: isGrad ? this.#buffers.grads : this.#buffers.weights, offset: range.offset * 4 }
  }

  setHyper(hyper: AdamWHyper): void {
    this.#engine.write(this.#buffers.hyper, hyperWords(hyper))
  }

  /** Zeroes the gradients before the next submit. */
  zeroGradients(): void {
    this.#engine.zero(this.#buffers.grads)
  }

  writeWeights(name: string, data: Float32Array): void {
    const range = this.ranges.get(name)
    if (!range) throw new Error(`no trainable parameter ${name}`)
    if (range.size !== data.length)
      throw new Error(`parameter ${name}: expected ${range.size} values [${range.shape.join(', ')}], found ${data.length}`)
    this.#engine.write(this.#buffers.weights, data, range.offset * 4)
  }

  /** All weights in packed order, padding included. */
  readWeights(): Promise<Float32Array> {
    return this.#engine.readF32(this.#buffers.weights, 0, this.count)
  }

  readGradients(): Promise<Float32Array> {
    return this.#engine.readF32(this.#buffers.grads, 0, this.count)
  }

  unpack(packed: Float32Array): Map<string, Float32Array> {
    return new Map([...this.ranges.values()].map((range) => [range.name, packed.slice(range.offset, range.offset + range.size)]))
  }

  /** Everything an optimizer needs to continue: weights, moments and counters. */
  async snapshot(): Promise<{ weights: Float32Array; first: Float32Array; second: Float32Array; state: Float32Array }> {
    const { weights, first, second, state } = this.#buffers
    return {
      weights: await this.#engine.readF32(weights, 0, this.count),
      first: await this.#engine.readF32(first, 0, this.count),
      second: await this.#engine.readF32(second, 0, this.count),
      state: await this.#engine.readF32(state, 0, OPTIMIZER_STATE_WORDS),
    }
  }

  restore(snapshot: { weights: Float32Array; first: Float32Array; second: Float32Array; state: Float32Array }): void {
    if (snapshot.weights.length !== this.count)
      throw new Error(`the checkpoint holds ${snapshot.weights.length} packed values, this model has ${this.count}`)
    this.#engine.write(this.#buffers.weights, snapshot.weights)
    this.#engine.write(this.#buffers.first, snapshot.first)
    this.#engine.write(this.#buffers.second, snapshot.second)
    this.#engine.write(this.#buffers.state, snapshot.state)
  }

  readOptimizerState(): Promise<Float32Array> {
    return this.#engine.readF32(this.#buffers.state, 0, OPTIMIZER_STATE_WORDS)
  }

  get optimizerStateBuffer(): GPUBuffer {
    return this.#buffers.state
  }

  destroy(): void {
    for (const buffer of Object.values(this.#buffers)) this.#engine.destroyBuffer(buffer)
  }
}
