/** A growing context, the blocks that contain its keys and values, and the number of tokens that are cached. */
import { BLOCK_TOKENS } from '../engine/ops/kvCache'
import type { KvBlocks, Prefix } from './kvBlocks'

export class CachedContext {
  /** The whole context. The token sampled last is not in the cache yet. */
  readonly ids: number[] = []
  /** Leading tokens whose keys and values are in the cache. */
  cached = 0
  readonly #pool: KvBlocks
  #blocks: number[] = []
  /** The prefixes that end with each full block whose tokens are final. */
  #prefixes: Prefix[] = []

  constructor(pool: KvBlocks) {
    this.#pool = pool
  }

  get blocks(): readonly number[] {
    return this.#blocks
  }

  /**
   * Makes room for `tokens` tokens in all; a context that has nothing in the cache takes over what others computed of it. At least one token
   * is left to compute: it says what comes next. False when the pool has not enough: then nothing changed.
   */
  reserve(tokens: number): boolean {
    const wanted = Math.ceil(tokens / BLOCK_TOKENS)
    const isEmpty = this.#blocks.length === 0
    if (isEmpty) {
      const { blocks, prefixes } = this.#pool.match(this.ids, Math.floor((this.ids.length - 1) / BLOCK_TOKENS))
      this.#blocks = blocks
      this.#prefixes = prefixes
      this.cached = blocks.length * BLOCK_TOKENS
    }
    if (this.#pool.available < wanted - this.#blocks.length) {
      if (isEmpty) this.drop()
      return false
    }
    while (this.#blocks.length < wanted) this.#blocks.push(this.#pool.take())
    return true
  }

  /** `cached` tokens are in the cache, or will be before anything is read that is computed later. */
  advance(cached: number): void {
    this.cached = cached
    while ((this.#prefixes.length + 1) * BLOCK_TOKENS <= cached) {
      const index = this.#prefixes.length
      const block = this.#blocks[index]
      if (block === undefined) throw new Error(`generation wrote past block ${index}`)
      this.#prefixes.push(this.#pool.fill(block, this.#prefixes[index - 1] ?? this.#pool.root, this.ids, index))
    }
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
