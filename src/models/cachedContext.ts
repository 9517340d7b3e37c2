/** A growing context, the blocks that contain its keys and values, and the number of tokens that are cached. */
import { BLOCK_TOKENS } from '../engine/ops/kvCache'
import type { KvBlocks, Prefix } from './kvBlocks'

/** Copies what one block contains to another. */
export type CopyBlock = (from: number, to: number) => void

export class CachedContext {
  /** The whole context. The token sampled last is not in the cache yet. */
  readonly ids: number[] = []
  /** Leading tokens whose keys and values are in the cache. */
  cached = 0
  /** Leading tokens whose keys and values were in the cache at some time. */
  computed = 0
  readonly #pool: KvBlocks
  /** The empty prefix under the weights that the first block was computed with. */
  #root: Prefix
  #blocks: number[] = []
  /** The prefixes that end with each full block whose tokens are final. */
  #prefixes: Prefix[] = []

  constructor(pool: KvBlocks) {
    this.#pool = pool
    this.#root = pool.root
  }

  get blocks(): readonly number[] {
    return this.#blocks
  }

  /** A second context with the same tokens, which refers to the same full blocks. */
  fork(): CachedContext {
    const twin = new CachedContext(this.#pool)
    for (const id of this.ids) twin.ids.push(id)
    twin.computed = this.computed
    if (!this.#pool.shares) return twin
    twin.#root = this.#root
    twin.#prefixes = [...this.#prefixes]
    twin.#blocks = this.#blocks.slice(0, this.#prefixes.length)
    for (const block of twin.#blocks) this.#pool.hold(block)
    twin.cached = twin.#blocks.length * BLOCK_TOKENS
    return twin
  }

  /**
   * Makes room for `tokens` tokens in all, and takes over what other contexts computed of these tokens: full blocks as they are, and the
   * start of a block as a copy. At least one token is left to compute: it says what comes next. False when the pool has not enough blocks:
   * then nothing changed.
   */
  reserve(tokens: number, copy: CopyBlock): boolean {
    const wanted = Math.ceil(tokens / BLOCK_TOKENS)
    if (this.#blocks.length === 0) this.#root = this.#pool.root
    const isSettled = this.#blocks.length <= Math.ceil(this.cached / BLOCK_TOKENS)
    const found = isSettled ? this.#find(wanted) : null
    if (found && found.tokens > this.cached) this.#adopt(found, copy)
    else if (found) this.#release(found)
    if (this.#pool.available < wanted - this.#blocks.length) return false
    while (this.#blocks.length < wanted) this.#blocks.push(this.#pool.take())
    return true
  }

  /** What others computed of this context beyond its full blocks, as far as the pool has blocks for the rest. What it names is held. */
  #find(wanted: number): Found | null {
    const whole = this.#prefixes.length
    const most = this.ids.length - 1
    const prefix = this.#prefixes[whole - 1] ?? this.#root
    const more = this.#pool.match(this.ids, Math.floor(most / BLOCK_TOKENS), { prefix, blocks: whole })
    const kept = whole + more.blocks.length
    const start = kept * BLOCK_TOKENS
    // This context's own block after the full ones can be written to.
    const fits = (): boolean => this.#pool.available + (this.#blocks.length > whole ? 1 : 0) >= wanted - kept
    const tail = this.#pool.matchStart(more.prefixes.at(-1) ?? prefix, this.ids, start, Math.min(BLOCK_TOKENS - 1, most - start))
    if (tail) {
      this.#pool.hold(tail.block)
      if (fits()) return { ...more, tail: tail.block, tokens: start + tail.tokens }
      this.#pool.release(tail.block)
    }
    const plain = { ...more, tail: null, tokens: start }
    if (fits()) return plain
    this.#release(plain)
    return null
  }

  #release({ blocks, tail }: Found): void {
    if (tail !== null) this.#pool.release(tail)
    for (const block of blocks.toReversed()) this.#pool.release(block)
  }

  /** Takes over what was found, which is more than this context has. */
  #adopt({ blocks, prefixes, tail, tokens }: Found, copy: CopyBlock): void {
    const whole = this.#prefixes.length
    const own = this.#blocks.slice(whole)
    this.#blocks = [...this.#blocks.slice(0, whole), ...blocks, ...own]
    this.#prefixes.push(...prefixes)
    if (tail !== null) {
      const target = own[0] ?? this.#pool.take()
      if (own.length === 0) this.#blocks.push(target)
      copy(tail, target)
      this.#pool.release(tail)
    }
    this.cached = tokens
    this.computed = Math.max(this.computed, tokens)
  }

  /** `cached` tokens are in the cache, or will be before anything is read that is computed later. */
  advance(cached: number): void {
    this.cached = cached
    this.computed = Math.max(this.computed, cached)
    while ((this.#prefixes.length + 1) * BLOCK_TOKENS <= cached) {
      const index = this.#prefixes.length
      const block = this.#blocks[index]
      if (block === undefined) throw new Error(`generation wrote past block ${index}`)
      this.#prefixes.push(this.#pool.fill(block, this.#prefixes[index - 1] ?? this.#root, this.ids, index))
    }
    this.#noteLast()
  }

  /** Others may copy the tokens of the last block, which is not full. */
  #noteLast(): void {
    const whole = this.#prefixes.length
    const block = this.#blocks[whole]
    if (block === undefined) return
    this.#pool.note(block, this.#prefixes[whole - 1] ?? this.#root, this.ids.slice(whole * BLOCK_TOKENS, this.cached))
  }

  /** Releases the blocks that are not in use. */
  trim(): void {
    this.#keep(Math.ceil(this.cached / BLOCK_TOKENS))
  }

  /** Cuts the context to its first `length` tokens. Full blocks that hold more stay cached for contexts that may share them. */
  cut(length: number): void {
    this.ids.length = length
    const cached = Math.min(this.cached, Math.max(0, length - 1))
    const whole = Math.floor(cached / BLOCK_TOKENS)
    const isShared = this.#prefixes.length > whole
    this.#prefixes.length = Math.min(this.#prefixes.length, whole)
    this.cached = isShared ? whole * BLOCK_TOKENS : cached
    this.trim()
    this.#noteLast()
  }

  /** Nothing is in the cache any more; the tokens are computed again when they are needed. */
  drop(): void {
    this.#keep(0)
    this.#prefixes = []
    this.cached = 0
  }

  /** Releases the last blocks first, so that the start of a context stays cached longest. */
  #keep(count: number): void {
    while (this.#blocks.length > count) {
      const block = this.#blocks.pop()
      if (block !== undefined) this.#pool.release(block)
    }
  }
}

/** Blocks of other contexts that contain tokens of this one. */
interface Found {
  /** Full blocks after those that this context has. */
  readonly blocks: readonly number[]
  readonly prefixes: readonly Prefix[]
  /** The block that contains the tokens after these; null: none does. */
  readonly tail: number | null
  /** Leading tokens of the context that would be cached. */
  readonly tokens: number
}
