/**
 * Manages the blocks of the key and value caches. A full block is known by the tokens in it and before it, so that contexts that begin
 * alike share blocks (RadixAttention, Zheng 2024; paging after vLLM, Kwon 2023). Only full blocks are shared and they are never written
 * again: copy-on-write without a copy. Blocks without a reference stay until their space is needed; the least recently used goes first.
 */
import { BLOCK_TOKENS } from '../engine/ops/kvCache'

/** A prefix that ends with a full block. */
export interface Prefix {
  readonly id: number
  /** Prefixes of earlier weights are not continued. */
  readonly epoch: number
}

interface Known {
  readonly block: number
  readonly prefix: Prefix
}

export class KvBlocks {
  readonly count: number
  readonly #share: boolean
  readonly #references: Uint32Array
  readonly #free: number[]
  /** Blocks by their prefix and their own tokens. */
  readonly #known = new Map<string, Known>()
  readonly #keyOf = new Map<number, string>()
  /** Known blocks without a reference, in the order in which they were released. */
  readonly #idle = new Set<number>()
  #nextId = 1
  #epoch = 0

  constructor(count: number, share: boolean) {
    this.count = count
    this.#share = share
    this.#references = new Uint32Array(count)
    this.#free = Array.from({ length: count }, (_, index) => count - 1 - index)
  }

  /** The number of blocks that can be allocated. */
  get available(): number {
    return this.#free.length + this.#idle.size
  }

  /** The empty prefix. */
  get root(): Prefix {
    return { id: 0, epoch: this.#epoch }
  }

  /** The longest known run of full blocks at the start of `ids`, `most` at most; each is referred to from here on. */
  match(ids: readonly number[], most: number): { readonly blocks: number[]; readonly prefixes: Prefix[] } {
    const blocks: number[] = []
    const prefixes: Prefix[] = []
    let prefix = this.root
    while (this.#share && blocks.length < most) {
      const found = this.#known.get(keyOf(prefix, ids, blocks.length))
      if (!found) break
      this.#references[found.block] = (this.#references[found.block] ?? 0) + 1
      this.#idle.delete(found.block)
      blocks.push(found.block)
      prefixes.push(found.prefix)
      prefix = found.prefix
    }
    return { blocks, prefixes }
  }

  /** Allocates a block with undefined content. */
  take(): number {
    const block = this.#free.pop() ?? this.#evict()
    this.#references[block] = 1
    return block
  }

  /** Block `index` of `ids` is full and final: others may find it after `before`. */
  fill(block: number, before: Prefix, ids: readonly number[], index: number): Prefix {
    const prefix = { id: this.#nextId++, epoch: before.epoch }
    if (!this.#share || before.epoch !== this.#epoch) return prefix
    const key = keyOf(before, ids, index)
    const known = this.#known.get(key)
    // Two that wrote the same at the same time keep a block each; only the first is found.
    if (known) return known.prefix
    this.#known.set(key, { block, prefix })
    this.#keyOf.set(block, key)
    return prefix
  }

  release(block: number): void {
    const left = (this.#references[block] ?? 0) - 1
    this.#references[block] = left
    if (left > 0) return
    if (this.#keyOf.has(block)) this.#idle.add(block)
    else this.#free.push(block)
  }

  /** Forgets all known blocks, because the weights have changed. */
  forget(): void {
    this.#epoch++
    this.#known.clear()
    this.#keyOf.clear()
    this.#free.push(...this.#idle)
    this.#idle.clear()
  }

  #evict(): number {
    const [block] = this.#idle
    if (block === undefined) throw new Error('generation has no block left')
    this.#idle.delete(block)
    this.#known.delete(this.#keyOf.get(block) ?? '')
    this.#keyOf.delete(block)
    return block
  }
}

const keyOf = (before: Prefix, ids: readonly number[], index: number): string =>
  `${before.id}:${ids.slice(index * BLOCK_TOKENS, (index + 1) * BLOCK_TOKENS).join()}`
