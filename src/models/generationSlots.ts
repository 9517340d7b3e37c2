/** The state of generation slots on the GPU: it writes the task of each slot and reads back its progress. */
import type { EngineDevice } from '../engine/device/engineDevice'
import { NO_SLOT } from '../engine/ops/kvCache'
import { seenWords, SLOT, SLOT_WORDS } from '../engine/ops/sample'
import { blockBytes, type GenerationShape } from './generationPlans'
import type { GenerationRequest } from './generationRequest'

/** The progress of a slot since it started. */
interface SlotProgress {
  readonly ids: readonly number[]
  readonly logprobs: readonly number[]
  readonly isDone: boolean
  readonly finish: 'stop' | 'length'
  readonly policyVersion: number
}

interface SlotOwner {
  readonly slot: number
  readonly key: { readonly query: number; readonly sample: number }
  readonly context: { readonly ids: readonly number[]; readonly cached: number }
}

export class GenerationSlots {
  readonly #engine: EngineDevice
  readonly #shape: GenerationShape
  readonly #buffers: ReadonlyMap<string, GPUBuffer>
  readonly #seed: number

  constructor(engine: EngineDevice, shape: GenerationShape, buffers: ReadonlyMap<string, GPUBuffer>, seed: number) {
    this.#engine = engine
    this.#shape = shape
    this.#buffers = buffers
    this.#seed = seed
    const { slots } = shape
    this.#write('gen.slots', new Uint32Array(slots).fill(NO_SLOT))
    this.#write(
      'gen.all',
      Uint32Array.from({ length: slots }, (_, index) => index),
    )
    this.#write('gen.counts', Uint32Array.of(slots, slots, slots, 0))
  }

  /** The blocks of a slot's context, in order. */
  place(slot: number, blocks: readonly number[]): void {
    this.#write('gen.table', Uint32Array.from(blocks), slot * this.#shape.blocksPerSlot)
  }

  /** Copies the keys and values of a block, after everything submitted so far. A buffer cannot be copied to itself, so they pass through another. */
  copyBlock(from: number, to: number): void {
    const bytes = blockBytes(this.#shape)
    const caches = Array.from({ length: this.#shape.config.num_hidden_layers }, (_, layer) => [
      this.#buffer(`cache.${layer}.keys`),
      this.#buffer(`cache.${layer}.values`),
    ]).flat()
    const between = this.#buffer('gen.copy')
    const encoder = this.#engine.device.createCommandEncoder()
    for (const [index, cache] of caches.entries()) encoder.copyBufferToBuffer(cache, from * bytes, between, index * bytes, bytes)
    for (const [index, cache] of caches.entries()) encoder.copyBufferToBuffer(between, index * bytes, cache, to * bytes, bytes)
    this.#engine.submit(encoder)
  }

  /** Starts sampling in a slot whose prompt is in the next batch. */
  start({ slot, key, context }: SlotOwner, request: GenerationRequest, version: number): void {
    const words = new Uint32Array(SLOT_WORDS)
    words[SLOT.position] = context.cached - 1
    words[SLOT.active] = 1
    words[SLOT.maxNew] = request.maxNewTokens
    words[SLOT.seedLow] = this.#seed >>> 0
    words[SLOT.seedHigh] = Math.floor(this.#seed / 2 ** 32) >>> 0
    words[SLOT.query] = key.query
    words[SLOT.sample] = key.sample
    words[SLOT.version] = version
    words[SLOT.temperature] = bitsOf(request.temperature)
    words[SLOT.topK] = request.topK ?? 0
    words[SLOT.topP] = bitsOf(request.topP ?? 1)
    words[SLOT.minP] = bitsOf(request.minP ?? 0)
    words[SLOT.penalty] = bitsOf(request.repetitionPenalty ?? 1)
    for (let index = 0; index < 4; index++) words[SLOT.stop + index] = request.stopIds[index] ?? NO_SLOT
    this.#write('gen.state', words, slot * SLOT_WORDS)
    if ((request.repetitionPenalty ?? 1) === 1) return
    const seen = new Uint32Array(seenWords(this.#shape.config.vocab_size))
    for (const id of context.ids) seen[id >>> 5] = (seen[id >>> 5] ?? 0) | (1 << (id & 31))
    this.#write('gen.state', seen, this.#shape.slots * SLOT_WORDS + slot * seen.length)
  }

  /** Stops the slot. */
  stop(slot: number): void {
    this.#write('gen.state', Uint32Array.of(0), slot * SLOT_WORDS + SLOT.active)
    this.#write('gen.slots', Uint32Array.of(NO_SLOT), slot)
  }

  /** Waits for submitted work, then returns the progress of slots that are done, or of all slots if `everybody`. */
  async look(everybody: boolean): Promise<(slot: number) => SlotProgress | null> {
    const { slots, maxNewTokens } = this.#shape
    const state = new Uint32Array(await this.#engine.read(this.#buffer('gen.state'), 0, slots * SLOT_WORDS * 4))
    const word = (slot: number, which: number): number => state[slot * SLOT_WORDS + which] ?? 0
    const isDone = (slot: number): boolean => word(slot, SLOT.active) === 0
    const isAnyDone = Array.from({ length: slots }, (_, slot) => slot).some((slot) => isDone(slot) && word(slot, SLOT.count) > 0)
    if (!everybody && !isAnyDone) return () => null
    const record = await this.#engine.read(this.#buffer('gen.record'), 0, slots * maxNewTokens * 8)
    const words = new Uint32Array(record)
    const floats = new Float32Array(record)
    return (slot) => {
      if (!everybody && !isDone(slot)) return null
      const base = slot * maxNewTokens * 2
      const counted = Array.from({ length: word(slot, SLOT.count) }, (_, index) => base + index * 2)
      return {
        ids: counted.map((at) => words[at] ?? 0),
        logprobs: counted.map((at) => floats[at + 1] ?? 0),
        isDone: isDone(slot),
        finish: word(slot, SLOT.reason) === 1 ? 'stop' : 'length',
        policyVersion: word(slot, SLOT.version),
      }
    }
  }

  #write(name: string, words: Uint32Array<ArrayBuffer>, first = 0): void {
    this.#engine.write(this.#buffer(name), words, first * 4)
  }

  #buffer(name: string): GPUBuffer {
    const buffer = this.#buffers.get(name)
    if (!buffer) throw new Error(`generation has no buffer ${name}`)
    return buffer
  }
}

const bitsOf = (value: number): number => new Uint32Array(Float32Array.of(value).buffer)[0] ?? 0
