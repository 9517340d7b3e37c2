/**
 * Generates batched text on the GPU with a KV cache: it takes token ids and returns token ids. One extend path appends ragged text to some slots; a
 * decode step advances every active slot by one token, several steps to a submit, with sampling, stops and positions on the GPU.
 */
import type { EngineDevice } from '../engine/device/engineDevice'
import { NO_SLOT } from '../engine/ops/kvCache'
import { Executable } from '../engine/plan/executable'
import type { Gate, StateLookup } from '../engine/plan/executable'
import type { Plan } from '../engine/plan/planGraph'
import type { LoraShape } from './architectures/decoder'
import { CachedContext } from './cachedContext'
import { decodePlan, EXTEND_BUCKETS, extendPlan, generationBuffers, generationShape, LARGEST_EXTEND } from './generationPlans'
import type { GenerationShape } from './generationPlans'
import { checkDrawn, NonFiniteError, refusalOf, stopLength } from './generationRequest'
import type { GenerationRequest, GenerationResult } from './generationRequest'
import { GenerationSlots } from './generationSlots'
import { KvBlocks } from './kvBlocks'
import type { LanguageModel } from './languageModel'

export interface GeneratorOptions {
  readonly model: LanguageModel
  /** Where weights and adapter live: `model.lookup(packed)`. */
  readonly lookup: StateLookup
  readonly lora: LoraShape | null
  /** The number of sequences generated at once. Results do not depend on it. */
  readonly slots: number
  readonly maxContext: number
  /** The maximum number of new tokens of one extend. */
  readonly maxNewTokens: number
  readonly seed: number
  readonly gate?: Gate
  /** The number of decode steps between two reads of the stop flags. */
  readonly stepsPerLook?: number
  /** Blocks of 16 tokens for all sequences; else as many as fill every slot. With fewer, some wait or are computed again. */
  readonly blocks?: number
  /** Whether contexts with the same start share their cached blocks; true when absent. Results do not depend on it. */
  readonly sharePrefixes?: boolean
}

/** Which draws a session makes: the same key gives the same tokens. */
interface DrawKey {
  readonly query: number
  readonly sample: number
}

interface Session {
  readonly key: DrawKey
  readonly context: CachedContext
  /** Shared by a session and its forks. */
  readonly family: { open: number }
  isBusy: boolean
}

interface Task {
  readonly session: Session
  /** Tokens of the context before this extend. */
  readonly before: number
  readonly request: GenerationRequest
  /** The number of new tokens that were already reported. */
  reported: number
  /** The slot it is computed in; null while it waits for one. */
  slot: number | null
  readonly resolve: (result: GenerationResult) => void
  readonly reject: (error: Error) => void
}

/** The number of prompt tokens that are computed between two reads while other slots decode, so that a long prompt does not delay them for long. */
const EXTEND_WHILE_DECODING = 512

export interface GeneratorSession {
  extend(ids: readonly number[], request: GenerationRequest): Promise<GenerationResult>
  /** A second session with the same context, whose keys and values both share. It takes no place: see `open`. */
  fork(key: DrawKey): Promise<GeneratorSession>
  readonly length: number
  close(): void
}

export class Generator {
  readonly maxContext: number
  generatedTokens = 0
  /** The number of prompt tokens that were computed, without those that were cached already. */
  prefilledTokens = 0
  /** Prompt tokens that were computed again, because their blocks were needed for other contexts. */
  recomputedTokens = 0
  /** Tokens that went through the model: those of prompts, and each sampled one that was followed by another. */
  computedTokens = 0
  /** Tokens sampled so far, those of completions that are not finished among them; about, where sequences end between two looks. */
  #lookedAt = 0
  readonly #options: GeneratorOptions
  readonly #engine: EngineDevice
  readonly #shape: GenerationShape
  readonly #buffers: ReadonlyMap<string, GPUBuffer>
  readonly #blocks: KvBlocks
  readonly #slots: GenerationSlots
  readonly #executables = new Map<string, Promise<Executable>>()
  /** The one that was extended last is the last. */
  readonly #sessions = new Set<Session>()
  readonly #freeSlots: number[]
  /** Sessions that may be opened besides their forks: as many as there are slots, so that each has room in the cache. */
  #freePlaces: number
  readonly #waitingForPlace: (() => void)[] = []
  /** The tasks whose prompts are not completely computed, in the order in which they arrived. */
  #waiting: Task[] = []
  readonly #decoding = new Set<Task>()
  #version = 0
  #loop: Promise<void> | null = null
  #failure: Error | null = null

  constructor(options: GeneratorOptions) {
    const { model, slots } = options
    this.#options = options
    this.#engine = model.engine
    this.maxContext = Math.min(options.maxContext, model.config.max_position_embeddings)
    const { config } = model
    const { lora, maxContext, maxNewTokens, blocks } = options
    this.#shape = generationShape({ config, lora, slots, maxContext, maxNewTokens, blocks })
    this.#blocks = new KvBlocks(this.#shape.blocks, options.sharePrefixes ?? true)
    this.#freeSlots = Array.from({ length: slots }, (_, index) => slots - 1 - index)
    this.#freePlaces = slots
    this.#buffers = new Map([...generationBuffers(this.#shape)].map(([name, bytes]) => [name, this.#engine.createBuffer(name, bytes)]))
    this.#slots = new GenerationSlots(this.#engine, this.#shape, this.#buffers, options.seed)
  }

  /** Optimizer steps the policy has taken; part of the sampling key. What is cached of earlier weights is not shared with new contexts. */
  get version(): number {
    return this.#version
  }
  set version(version: number) {
    if (version !== this.#version) this.#blocks.forget()
    this.#version = version
  }

  /**
   * Waits for a free place, of which there are as many as slots. A session has its place until it and all its forks are closed. A fork needs
   * none: of sessions that are idle, those used least recently lose their blocks when others need them.
   */
  async open(key: DrawKey): Promise<GeneratorSession> {
    if (this.#freePlaces > 0) this.#freePlaces--
    else await new Promise<void>((resolve) => this.#waitingForPlace.push(resolve))
    return this.#sessionOver({ key, context: new CachedContext(this.#blocks), family: { open: 0 }, isBusy: false })
  }

  #sessionOver(session: Session): GeneratorSession {
    const { context, family } = session
    family.open++
    this.#sessions.add(session)
    return {
      extend: (ids, request) => this.#extend(session, ids, request),
      fork: (key) => {
        if (!this.#sessions.has(session)) return Promise.reject(new Error('the session is closed'))
        if (session.isBusy) return Promise.reject(new Error('a session is forked when its extend is done'))
        return Promise.resolve(this.#sessionOver({ key, context: context.fork(), family, isBusy: false }))
      },
      get length() {
        return context.ids.length
      },
      close: () => {
        if (!this.#sessions.delete(session)) return
        this.#dropTasks((task) => (task.session === session ? new Error('the session was closed') : null))
        context.drop()
        if (--family.open > 0) return
        const next = this.#waitingForPlace.shift()
        if (next) next()
        else this.#freePlaces++
      },
    }
  }

  #extend(session: Session, ids: readonly number[], request: GenerationRequest): Promise<GenerationResult> {
    const { context } = session
    const { vocab_size: vocabulary } = this.#options.model.config
    const before = context.ids.length
    const length = before + ids.length
    const refuse = (sentence: string): Promise<never> => Promise.reject(new Error(sentence))
    const refusal = refusalOf(request, this.#options.maxNewTokens)
    if (refusal !== null) return refuse(refusal)
    if (!this.#sessions.has(session)) return refuse('the session is closed')
    if (session.isBusy) return refuse('a session is extended once at a time')
    const strange = ids.find((id) => !(id < vocabulary))
    if (strange !== undefined) return refuse(`token ${strange} is not one of the ${vocabulary} of the vocabulary`)
    if (length === 0) return refuse('generation needs at least one token of context')
    if (length + request.maxNewTokens > this.maxContext)
      return refuse(`the context would grow to ${length + request.maxNewTokens} tokens, more than ${this.maxContext}`)
    if (this.#failure) return Promise.reject(this.#failure)
    if (request.signal?.aborted) return Promise.reject(reasonOf(request.signal))
    return new Promise((resolve, reject) => {
      for (const id of ids) context.ids.push(id)
      session.isBusy = true
      this.#waiting.push({ session, before, request, reported: 0, slot: null, resolve, reject })
      this.#loop ??= this.#run().finally(() => (this.#loop = null))
    })
  }

  async #run(): Promise<void> {
    try {
      // Callers that ask in the same turn of the event loop are batched together.
      await this.#engine.finished()
      while (this.#waiting.length > 0 || this.#decoding.size > 0) {
        if (this.#failure) throw this.#failure
        this.#dropTasks(abortOf)
        if (this.#waiting.length > 0) await this.#extendOnce()
        if (this.#decoding.size > 0) await this.#decodeSome()
      }
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error))
      // The weights do not change, so the next request would fail too.
      if (error instanceof NonFiniteError) this.#failure ??= error
      // The requested tokens may not have been computed.
      this.#blocks.forget()
      const tasks = [...this.#waiting, ...this.#decoding]
      this.#waiting = []
      this.#decoding.clear()
      for (const task of tasks) this.#giveUp(task, failure)
    }
  }

  /** Tasks with a reason to stop reject with it; the others continue. */
  #dropTasks(reasonFor: (task: Task) => Error | null): void {
    for (const task of [...this.#waiting, ...this.#decoding]) {
      const reason = reasonFor(task)
      if (!reason) continue
      if (this.#decoding.delete(task) && task.slot !== null) this.#slots.stop(task.slot)
      this.#waiting = this.#waiting.filter((one) => one !== task)
      this.#giveUp(task, reason)
    }
  }

  #giveUp(task: Task, reason: Error): void {
    task.session.context.cut(task.before)
    this.#rest(task)
    task.reject(reason)
  }

  /** The task is over: its slot is free, and its session idle. */
  #rest(task: Task): void {
    const { session } = task
    if (task.slot !== null) this.#freeSlots.push(task.slot)
    task.slot = null
    session.isBusy = false
    if (this.#sessions.delete(session)) this.#sessions.add(session)
  }

  /** One extend batch: as many waiting tokens as fit; slots whose text is complete get their first token. */
  async #extendOnce(): Promise<void> {
    const most = this.#decoding.size > 0 ? EXTEND_WHILE_DECODING : LARGEST_EXTEND
    const batch: { readonly id: number; readonly position: number; readonly slot: number }[] = []
    const complete: { readonly task: Task; readonly row: number }[] = []
    for (const task of this.#waiting) {
      const { context } = task.session
      if (batch.length >= most) break
      const slot = (task.slot ??= this.#freeSlots.pop() ?? null)
      if (slot === null || !this.#reserve(task, slot, batch.length === 0)) break
      const from = context.cached
      const to = Math.min(context.ids.length, from + most - batch.length)
      for (let position = from; position < to; position++) batch.push({ id: context.ids[position] ?? 0, position, slot })
      this.recomputedTokens += Math.max(0, Math.min(to, context.computed) - from)
      context.advance(to)
      if (to === context.ids.length) complete.push({ task, row: batch.length - 1 })
    }
    // All blocks are in use; tasks that decode will release some.
    if (batch.length === 0) return
    const tokens = EXTEND_BUCKETS.find((bucket) => bucket >= batch.length) ?? batch.length
    for (const { task } of complete)
      if (task.slot !== null) this.#slots.start({ ...task.session, slot: task.slot }, task.request, this.#version)
    const executable = await this.#executable(`extend ${tokens}`, () => extendPlan(this.#shape, tokens, this.#engine))
    const column = (of: (one: (typeof batch)[number]) => number, rest: number): Uint32Array =>
      Uint32Array.from({ length: tokens }, (_, row) => (batch[row] ? of(batch[row]) : rest))
    const rows = (of: (one: (typeof complete)[number]) => number, rest: number): Uint32Array =>
      Uint32Array.from({ length: this.#shape.slots }, (_, row) => (complete[row] ? of(complete[row]) : rest))
    executable.write(
      'ids',
      column(({ id }) => id, 0),
    )
    executable.write(
      'positions',
      column(({ position }) => position, 0),
    )
    executable.write(
      'slots',
      column(({ slot }) => slot, NO_SLOT),
    )
    executable.write('counts', Uint32Array.of(batch.length, complete.length, complete.length, 0))
    executable.write(
      'rowOf',
      rows(({ row }) => row, 0),
    )
    executable.write(
      'rowSlots',
      rows(({ task }) => task.slot ?? NO_SLOT, NO_SLOT),
    )
    await executable.run(this.#options.gate)
    this.#blocks.settle()
    this.prefilledTokens += batch.length
    this.computedTokens += batch.length
    this.#engine.activity.announce({ kind: 'prefill', done: this.prefilledTokens, total: null })
    this.#waiting.splice(0, complete.length)
    for (const { task } of complete) this.#decoding.add(task)
  }

  /**
   * Reserves blocks for the longest text a task may reach. If no running task will free any, other contexts lose theirs, the one idle for
   * longest first, and are computed again when they continue.
   */
  #reserve({ session, request }: Task, slot: number, isFirst: boolean): boolean {
    const { context } = session
    const tokens = context.ids.length + request.maxNewTokens
    const reserve = (): boolean =>
      context.reserve(tokens, (from, to) => {
        this.#slots.copyBlock(from, to)
      })
    let isReserved = reserve()
    if (!isReserved && isFirst && this.#decoding.size === 0) {
      const others = [...this.#sessions].filter((other) => other !== session)
      for (const other of [...others.filter(({ isBusy }) => !isBusy), ...others.filter(({ isBusy }) => isBusy)]) {
        other.context.drop()
        isReserved = reserve()
        if (isReserved) break
      }
      if (!isReserved) throw new Error(`${tokens} tokens do not fit ${this.#blocks.count} blocks`)
    }
    if (isReserved) this.#slots.place(slot, context.blocks)
    return isReserved
  }

  /** Runs several decode steps, then reads the slots once and returns finished sequences. */
  async #decodeSome(): Promise<void> {
    const left = Math.max(...[...this.#decoding].map(({ request }) => request.maxNewTokens)) - 1
    const steps = Math.min(this.#options.stepsPerLook ?? 8, left)
    const executable = await this.#executable('decode', () => decodePlan(this.#shape, this.#engine))
    for (let step = 0; step < steps; step++) await executable.run(this.#options.gate)
    const isWatched = [...this.#decoding].some(({ request }) => request.onTokens ?? request.stopText)
    const seen = await this.#slots.look(isWatched)
    this.#dropTasks(abortOf)
    this.#lookedAt += steps * this.#decoding.size
    this.#engine.activity.announce({ kind: 'decode', done: this.#lookedAt, total: null })
    let isAnyDone = false
    for (const task of [...this.#decoding]) {
      const { session, request, slot } = task
      const found = slot === null ? null : seen(slot)
      if (slot === null || !found) continue
      checkDrawn(session.context.ids, found.ids, found.logprobs)
      const stop = request.stopText ? stopLength(found.ids, request.stopText) : null
      const ids = found.ids.slice(0, stop ?? found.ids.length)
      if (ids.length > task.reported) request.onTokens?.(ids.slice(task.reported))
      task.reported = ids.length
      if (stop === null && !found.isDone) continue
      if (!found.isDone) this.#slots.stop(slot)
      isAnyDone = true
      this.#decoding.delete(task)
      for (const id of ids) session.context.ids.push(id)
      session.context.advance(session.context.ids.length - 1)
      session.context.trim()
      this.#rest(task)
      this.generatedTokens += ids.length
      this.computedTokens += found.ids.length - 1
      const finish = stop === null ? found.finish : 'stop'
      task.resolve({ ids, logprobs: found.logprobs.slice(0, ids.length), finish, policyVersion: found.policyVersion })
    }
    this.#blocks.settle()
    // The answers' owners act (call a tool, ask again) before the next batch is made.
    if (isAnyDone) await this.#engine.finished()
  }

  #executable(key: string, plan: () => Plan): Promise<Executable> {
    const known = this.#executables.get(key)
    if (known) return known
    const { model, lookup } = this.#options
    const made = Executable.create(this.#engine, plan(), model.pool, (name) => {
      const own = this.#buffers.get(name)
      return own ? { buffer: own, offset: 0 } : lookup(name)
    })
    this.#executables.set(key, made)
    return made
  }

  /** Rejects running tasks and frees the caches. */
  async destroy(): Promise<void> {
    this.#failure = new Error('generation was stopped')
    await this.#loop
    for (const executable of this.#executables.values()) (await executable).destroy()
    for (const buffer of this.#buffers.values()) this.#engine.destroyBuffer(buffer)
  }
}

const abortOf = ({ request: { signal } }: Task): Error | null => (signal?.aborted ? reasonOf(signal) : null)
const reasonOf = (signal: AbortSignal): Error =>
  signal.reason instanceof Error ? signal.reason : new DOMException('generation was cancelled', 'AbortError')
