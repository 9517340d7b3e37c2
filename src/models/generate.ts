/**
 * Batched, KV-cached generation on the GPU: token ids in, token ids out. One extend path appends ragged text to some slots; a
 * decode step advances every active slot by one token, several steps to a submit, with sampling, stops and positions on the GPU.
 */
import type { EngineDevice } from '../engine/device/engineDevice'
import { gatherRows } from '../engine/ops/gatherRows'
import { BLOCK_TOKENS, cachedAttention, kvWrite, NO_SLOT } from '../engine/ops/kvCache'
import { linear } from '../engine/ops/matmul'
import { sample, SLOT, SLOT_WORDS } from '../engine/ops/sample'
import { Executable } from '../engine/plan/executable'
import type { Gate, StateLookup } from '../engine/plan/executable'
import { planGraph } from '../engine/plan/planGraph'
import { bytesOf, Graph } from '../engine/tensor'
import type { Tensor } from '../engine/tensor'
import { batchTensors, headWeight } from './architectures/decoder'
import type { LoraShape } from './architectures/decoder'
import type { GenerationRequest, GenerationResult } from './generationRequest'
import type { LanguageModel } from './languageModel'

export interface GeneratorOptions {
  readonly model: LanguageModel
  /** Where weights and adapter live: `model.lookup(packed)`. */
  readonly lookup: StateLookup
  readonly lora: LoraShape | null
  /** Sequences generated at once. Results do not depend on it. */
  readonly slots: number
  readonly maxContext: number
  /** Most new tokens one extend may ask for. */
  readonly maxNewTokens: number
  readonly seed: number
  readonly gate?: Gate
  /** Decode steps between two looks at the stop flags. */
  readonly stepsPerLook?: number
}

interface Session {
  readonly slot: number
  readonly key: { readonly query: number; readonly sample: number }
  /** Tokens whose keys and values are in the cache. */
  cached: number
  /** Sampled last, not yet in the cache. */
  pending: number | null
  open: boolean
}

interface Waiting {
  readonly session: Session
  /** Ids still to be appended. */
  readonly ids: readonly number[]
  at: number
  readonly request: GenerationRequest
  readonly resolve: (result: GenerationResult) => void
  readonly reject: (error: Error) => void
}

/** Tokens of one extend batch; longer appends go in several. Fixed edges, so that plans are few. */
const EXTEND_BUCKETS = [32, 128, 512, 2048] as const

export interface GeneratorSession {
  extend(ids: readonly number[], request: GenerationRequest): Promise<GenerationResult>
  readonly length: number
  close(): void
}

export class Generator {
  readonly maxContext: number
  /** Optimizer steps the policy has taken; part of the sampling key. */
  version = 0
  generatedTokens = 0
  prefilledTokens = 0
  readonly #options: GeneratorOptions
  readonly #engine: EngineDevice
  readonly #buffers: Map<string, GPUBuffer>
  readonly #executables = new Map<string, Promise<Executable>>()
  readonly #freeSlots: number[]
  readonly #waitingForSlot: ((slot: number) => void)[] = []
  readonly #waiting: Waiting[] = []
  /** Whose text is complete in the extend batch that is being computed. */
  #extending: readonly Waiting[] = []
  readonly #decoding = new Map<number, Waiting>()
  readonly #blocksPerSlot: number
  #loop: Promise<void> | null = null
  #failure: Error | null = null

  constructor(options: GeneratorOptions) {
    const { model, slots } = options
    const { config } = model
    this.#options = options
    this.#engine = model.engine
    this.maxContext = Math.min(options.maxContext, config.max_position_embeddings)
    this.#blocksPerSlot = Math.ceil(this.maxContext / BLOCK_TOKENS)
    this.#freeSlots = Array.from({ length: slots }, (_, index) => slots - 1 - index)
    this.#buffers = new Map()
    const make = (name: string, words: number): GPUBuffer => {
      const buffer = this.#engine.createBuffer(name, words * 4)
      this.#buffers.set(name, buffer)
      return buffer
    }
    const width = config.num_key_value_heads * config.head_dim
    const rows = slots * this.#blocksPerSlot * BLOCK_TOKENS
    for (let layer = 0; layer < config.num_hidden_layers; layer++) {
      const words = bytesOf({ shape: [rows, width], dtype: config.kv_dtype }) / 4
      make(`cache.${layer}.keys`, words)
      make(`cache.${layer}.values`, words)
    }
    make('gen.state', slots * SLOT_WORDS)
    make('gen.ids', slots)
    make('gen.positions', slots)
    this.#engine.write(make('gen.slots', slots), new Uint32Array(slots).fill(NO_SLOT))
    make('gen.record', slots * options.maxNewTokens * 2)
    this.#engine.write(
      make('gen.all', slots),
      Uint32Array.from({ length: slots }, (_, index) => index),
    )
    this.#engine.write(make('gen.counts', 4), Uint32Array.of(slots, slots, slots, 0))
    // Every slot owns a fixed run of blocks for now; the table is what kernels read, so sharing needs no kernel change.
    this.#engine.write(
      make('gen.table', slots * this.#blocksPerSlot),
      Uint32Array.from({ length: slots * this.#blocksPerSlot }, (_, index) => index),
    )
  }

  /** Waits for a free slot. */
  async open(key: { readonly query: number; readonly sample: number }): Promise<GeneratorSession> {
    const slot = this.#freeSlots.pop() ?? (await new Promise<number>((resolve) => this.#waitingForSlot.push(resolve)))
    const session: Session = { slot, key, cached: 0, pending: null, open: true }
    return {
      extend: (ids, request) => this.#extend(session, ids, request),
      get length() {
        return session.cached + (session.pending === null ? 0 : 1)
      },
      close: () => {
        if (!session.open) return
        session.open = false
        const next = this.#waitingForSlot.shift()
        if (next) next(slot)
        else this.#freeSlots.push(slot)
      },
    }
  }

  #extend(session: Session, ids: readonly number[], request: GenerationRequest): Promise<GenerationResult> {
    const append = session.pending === null ? [...ids] : [session.pending, ...ids]
    if (append.length === 0) return Promise.reject(new Error('generation needs at least one token of context'))
    if (request.maxNewTokens > this.#options.maxNewTokens)
      return Promise.reject(new Error(`at most ${this.#options.maxNewTokens} new tokens at once, asked for ${request.maxNewTokens}`))
    if (request.stopIds.length > 4) return Promise.reject(new Error(`at most 4 stop ids, found ${request.stopIds.length}`))
    if (session.cached + append.length + request.maxNewTokens > this.maxContext) {
      return Promise.reject(
        new Error(
          `the context would grow to ${session.cached + append.length + request.maxNewTokens} tokens, more than ${this.maxContext}`,
        ),
      )
    }
    if (this.#failure) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ session, ids: append, at: 0, request, resolve, reject })
      this.#loop ??= this.#run().finally(() => (this.#loop = null))
    })
  }

  async #run(): Promise<void> {
    try {
      // Callers that ask in the same turn of the event loop are batched together.
      await this.#engine.device.queue.onSubmittedWorkDone()
      while (this.#waiting.length > 0 || this.#decoding.size > 0) {
        while (this.#waiting.length > 0) await this.#extendOnce()
        await this.#decodeSome()
      }
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error))
      for (const waiting of [...this.#waiting, ...this.#extending, ...this.#decoding.values()]) waiting.reject(failure)
      this.#waiting.length = 0
      this.#extending = []
      this.#decoding.clear()
    }
  }

  /** One extend batch: as many waiting tokens as fit; slots whose text is complete get their first token. */
  async #extendOnce(): Promise<void> {
    const largest = EXTEND_BUCKETS[EXTEND_BUCKETS.length - 1] ?? 0
    const wanted = this.#waiting.reduce((sum, waiting) => sum + waiting.ids.length - waiting.at, 0)
    const tokens = EXTEND_BUCKETS.find((bucket) => bucket >= wanted) ?? largest
    const { slots: slotCount } = this.#options
    const ids = new Uint32Array(tokens)
    const positions = new Uint32Array(tokens)
    const slots = new Uint32Array(tokens).fill(NO_SLOT)
    const rowOf = new Uint32Array(slotCount)
    const rowSlots = new Uint32Array(slotCount).fill(NO_SLOT)
    let used = 0
    let rows = 0
    const complete: Waiting[] = []
    for (const waiting of this.#waiting) {
      const { session } = waiting
      while (waiting.at < waiting.ids.length && used < tokens) {
        ids[used] = waiting.ids[waiting.at] ?? 0
        positions[used] = session.cached
        slots[used] = session.slot
        session.cached++
        waiting.at++
        used++
      }
      if (waiting.at < waiting.ids.length) break
      rowOf[rows] = used - 1
      rowSlots[rows] = session.slot
      rows++
      complete.push(waiting)
    }
    this.#waiting.splice(0, complete.length)
    this.#extending = complete
    for (const waiting of complete) this.#writeSlot(waiting)
    const executable = await this.#extendPlan(tokens)
    executable.write('ids', ids)
    executable.write('positions', positions)
    executable.write('slots', slots)
    executable.write('counts', Uint32Array.of(used, rows, rows, 0))
    executable.write('rowOf', rowOf)
    executable.write('rowSlots', rowSlots)
    await executable.run(this.#options.gate)
    this.prefilledTokens += used
    for (const waiting of complete) this.#decoding.set(waiting.session.slot, waiting)
    this.#extending = []
  }

  #writeSlot({ session, request }: Waiting): void {
    const words = new Uint32Array(SLOT_WORDS)
    words[SLOT.position] = session.cached - 1
    words[SLOT.active] = 1
    words[SLOT.maxNew] = request.maxNewTokens
    words[SLOT.seedLow] = this.#options.seed >>> 0
    words[SLOT.seedHigh] = Math.floor(this.#options.seed / 2 ** 32) >>> 0
    words[SLOT.query] = session.key.query
    words[SLOT.sample] = session.key.sample
    words[SLOT.version] = this.version
    words[SLOT.temperature] = bitsOf(request.temperature)
    words[SLOT.topK] = request.topK ?? 0
    words[SLOT.topP] = bitsOf(request.topP ?? 1)
    words[SLOT.minP] = bitsOf(request.minP ?? 0)
    for (let index = 0; index < 4; index++) words[SLOT.stop + index] = request.stopIds[index] ?? NO_SLOT
    this.#engine.write(this.#buffer('gen.state'), words, session.slot * SLOT_WORDS * 4)
  }

  /** Several decode steps, then one look at the slots; finished sequences are handed back. */
  async #decodeSome(): Promise<void> {
    const left = Math.max(0, ...[...this.#decoding.values()].map((waiting) => waiting.request.maxNewTokens)) - 1
    const steps = Math.min(this.#options.stepsPerLook ?? 8, left)
    const executable = await this.#decodePlan()
    for (let step = 0; step < steps; step++) await executable.run(this.#options.gate)
    const { slots, maxNewTokens } = this.#options
    const state = new Uint32Array(await this.#engine.read(this.#buffer('gen.state'), 0, slots * SLOT_WORDS * 4))
    const finished = [...this.#decoding].filter(([slot]) => state[slot * SLOT_WORDS + SLOT.active] === 0)
    if (finished.length === 0) return
    const record = await this.#engine.read(this.#buffer('gen.record'), 0, slots * maxNewTokens * 8)
    const words = new Uint32Array(record)
    const floats = new Float32Array(record)
    for (const [slot, waiting] of finished) {
      this.#decoding.delete(slot)
      const count = state[slot * SLOT_WORDS + SLOT.count] ?? 0
      const base = slot * maxNewTokens * 2
      const ids = Array.from({ length: count }, (_, index) => words[base + index * 2] ?? 0)
      const logprobs = Array.from({ length: count }, (_, index) => floats[base + index * 2 + 1] ?? 0)
      waiting.session.cached += count - 1
      waiting.session.pending = ids[count - 1] ?? null
      this.generatedTokens += count
      waiting.resolve({
        ids,
        logprobs,
        finish: state[slot * SLOT_WORDS + SLOT.reason] === 1 ? 'stop' : 'length',
        policyVersion: state[slot * SLOT_WORDS + SLOT.version] ?? 0,
      })
    }
    // The answers' owners act (call a tool, ask again) before the next batch is made.
    await this.#engine.device.queue.onSubmittedWorkDone()
  }

  #buffer(name: string): GPUBuffer {
    const buffer = this.#buffers.get(name)
    if (!buffer) throw new Error(`generation has no buffer ${name}`)
    return buffer
  }

  #extendPlan(tokens: number): Promise<Executable> {
    return this.#plan(`extend ${tokens}`, (graph) => {
      const { config } = this.#options.model
      const batch = batchTensors(graph, tokens, config.vocab_size)
      const place = {
        slots: graph.batch('slots', [tokens], 'u32'),
        positions: batch.positions,
        blockTable: this.#table(graph),
        counts: batch.counts,
      }
      const hidden = this.#forward(graph, batch, place)
      const rows = this.#options.slots
      const picked = gatherRows(hidden, graph.batch('rowOf', [rows], 'u32'), batch.counts, graph.batch('targetOf', [tokens], 'u32'))
      this.#sampleRows(graph, picked, batch.counts, graph.batch('rowSlots', [rows], 'u32'))
    })
  }

  #decodePlan(): Promise<Executable> {
    return this.#plan('decode', (graph) => {
      const { slots } = this.#options
      const counts = graph.state('gen.counts', [4], 'u32')
      const positions = graph.state('gen.positions', [slots], 'u32')
      const batch = {
        ...batchTensors(graph, slots, this.#options.model.config.vocab_size),
        ids: graph.state('gen.ids', [slots], 'u32'),
        positions,
        counts,
      }
      const hidden = this.#forward(graph, batch, {
        slots: graph.state('gen.slots', [slots], 'u32'),
        positions,
        blockTable: this.#table(graph),
        counts,
      })
      this.#sampleRows(graph, hidden, counts, graph.state('gen.all', [slots], 'u32'))
    })
  }

  #table(graph: Graph): Tensor {
    return graph.state('gen.table', [this.#options.slots, this.#blocksPerSlot], 'u32')
  }

  #forward(
    graph: Graph,
    batch: Parameters<LanguageModel['architecture']['forward']>[0]['batch'],
    place: Parameters<typeof kvWrite>[2],
  ): Tensor {
    const { model, lora, slots } = this.#options
    const { config } = model
    const width = config.num_key_value_heads * config.head_dim
    const rows = slots * this.#blocksPerSlot * BLOCK_TOKENS
    return model.architecture.forward({
      graph,
      config,
      batch,
      lora,
      attend: (layer, q, k, v) => {
        const keys = graph.state(`cache.${layer}.keys`, [rows, width], config.kv_dtype)
        const values = graph.state(`cache.${layer}.values`, [rows, width], config.kv_dtype)
        kvWrite(k, v, place, keys, values)
        return cachedAttention(q, keys, values, place, {
          heads: config.num_attention_heads,
          kvHeads: config.num_key_value_heads,
          headDim: config.head_dim,
        })
      },
    })
  }

  #sampleRows(graph: Graph, hidden: Tensor, counts: Tensor, rowSlots: Tensor): void {
    const { slots, maxNewTokens, model } = this.#options
    const logits = linear(hidden, headWeight(graph, model.config), counts, { live: 1 })
    const state = {
      slotState: graph.state('gen.state', [slots, SLOT_WORDS], 'u32'),
      ids: graph.state('gen.ids', [slots], 'u32'),
      positions: graph.state('gen.positions', [slots], 'u32'),
      slots: graph.state('gen.slots', [slots], 'u32'),
      record: graph.state('gen.record', [slots, maxNewTokens, 2], 'u32'),
    }
    sample(logits, rowSlots, counts, state, { limit: maxNewTokens })
  }

  #plan(key: string, build: (graph: Graph) => void): Promise<Executable> {
    const known = this.#executables.get(key)
    if (known) return known
    const graph = new Graph()
    build(graph)
    const plan = planGraph(graph, this.#engine)
    const made = Executable.create(this.#engine, plan, this.#options.model.pool, (name) => {
      const own = this.#buffers.get(name)
      return own ? { buffer: own, offset: 0 } : this.#options.lookup(name)
    })
    this.#executables.set(key, made)
    return made
  }

  /** Rejects what is under way and frees the caches. */
  async destroy(): Promise<void> {
    this.#failure = new Error('generation was stopped')
    await this.#loop
    for (const executable of this.#executables.values()) (await executable).destroy()
    for (const buffer of this.#buffers.values()) this.#engine.destroyBuffer(buffer)
  }
}

const bitsOf = (value: number): number => new Uint32Array(Float32Array.of(value).buffer)[0] ?? 0
