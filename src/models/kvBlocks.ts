/**
 * Manages the blocks of the key and value caches. A full block is known by the tokens in it and before it, so that contexts that begin
 * alike share blocks (RadixAttention, Zheng 2024; paging after vLLM, Kwon 2023). Shared blocks are full and never written again. Where two
 * contexts part inside a block, the later one gets a copy of it and writes on from where they part. Blocks without a reference stay until
 * their space is needed; the least recently used goes first.
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

/** What a block contains so far. */
interface Content {
  readonly before: number
  readonly ids: readonly number[]
}

export class KvBlocks {
  readonly count: number
  /** Whether contexts that begin alike share blocks. */
  readonly shares: boolean
  readonly #references: Uint32Array
  readonly #free: number[]
  /** Blocks by their prefix and their own tokens. */
  readonly #known = new Map<string, Known>()
  readonly #keyOf = new Map<number, string>()
  readonly #contents = new Map<number, Content>()
  /** The blocks with contents that follow each prefix. */
  readonly #after = new Map<number, Set<number>>()
  /** Blocks whose contents the batch in preparation computes. */
  readonly #pending = new Set<number>()
  /** Blocks with contents and without a reference, in the order in which they were released. */
  readonly #idle = new Set<number>()
  #nextId = 1
  #epoch = 0

  constructor(count: number, share: boolean) {
    this.count = count
    this.shares = share
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

  /**
   * The longest known run of full blocks of `ids` after the `blocks` blocks of a prefix; each is referred to from here on.
   * @param most the number of blocks, those of the prefix included, that may be found.
   */
  match(
    ids: readonly number[],
    most: number,
    from: { readonly prefix: Prefix; readonly blocks: number },
  ): { readonly blocks: number[]; readonly prefixes: Prefix[] } {
    const blocks: number[] = []
    const prefixes: Prefix[] = []
    let { prefix } = from
    while (this.shares && from.blocks + blocks.length < most) {
      const found = this.#known.get(keyOf(prefix, ids, from.blocks + blocks.length))
      if (!found) break
      this.hold(found.block)
      blocks.push(found.block)
      prefixes.push(found.prefix)
      prefix = found.prefix
    }
    return { blocks, prefixes }
  }

  /** The block after `before` that begins with most of the tokens of `ids` from `start` on, and how many these are; null: none does. */
  matchStart(
    before: Prefix,
    ids: readonly number[],
    start: number,
    most: number,
  ): { readonly block: number; readonly tokens: number } | null {
    let best: { readonly block: number; readonly tokens: number } | null = null
    for (const block of this.#after.get(before.id) ?? []) {
      const content = this.#contents.get(block)
      if (!content || this.#pending.has(block)) continue
      let tokens = 0
      while (tokens < most && tokens < content.ids.length && content.ids[tokens] === ids[start + tokens]) tokens++
      if (tokens > (best?.tokens ?? 0)) best = { block, tokens }
    }
    return best
  }

  /** Adds a reference to a block, which stays until it is released. */
  hold(block: number): void {
    this.#references[block] = (this.#references[block] ?? 0) + 1
    this.#idle.delete(block)
  }

  /** Allocates a block with undefined content. */
  take(): number {
    const block = this.#free.pop() ?? this.#evict()
    this.#references[block] = 1
    return block
  }

  /** Tokens `ids` are in a block after `before`, or will be when the batch in preparation is computed: others may copy them. */
  note(block: number, before: Prefix, ids: readonly number[]): void {
    this.#unnote(block)
    if (!this.shares || before.epoch !== this.#epoch || ids.length === 0) return
    this.#contents.set(block, { before: before.id, ids })
    const beside = this.#after.get(before.id) ?? new Set()
    this.#after.set(before.id, beside.add(block))
    this.#pending.add(block)
  }

  /** Everything noted so far is computed before whatever is submitted next. */
  settle(): void {
    this.#pending.clear()
  }

  #unnote(block: number): void {
    const content = this.#contents.get(block)
    if (!content) return
    this.#contents.delete(block)
    const beside = this.#after.get(content.before)
    beside?.delete(block)
    if (beside?.size === 0) this.#after.delete(content.before)
  }

  /** Block `index` of `ids` is full and final: others may find it after `before`. */
  fill(block: number, before: Prefix, ids: readonly number[], index: number): Prefix {
    const prefix = { id: this.#nextId++, epoch: before.epoch }
    this.note(block, before, ids.slice(index * BLOCK_TOKENS, (index + 1) * BLOCK_TOKENS))
    if (!this.shares || before.epoch !== this.#epoch) return prefix
    const key = keyOf(before, ids, index)
    const known = this.#known.get(key)
    // Two that wrote the same at the same time keep a block each; only the first is found.
    if (known) {
      this.#unnote(block)
      return known.prefix
    }
    this.#known.set(key, { block, prefix })
    this.#keyOf.set(block, key)
    return prefix
  }

  release(block: number): void {
    const left = (this.#references[block] ?? 0) - 1
    this.#references[block] = left
    if (left > 0) return
    if (this.#contents.has(block)) this.#idle.add(block)
    else this.#free.push(block)
  }

  /** Forgets all known blocks, because the weights have changed. */
  forget(): void {
    this.#epoch++
    this.#known.clear()
    this.#keyOf.clear()
    this.#contents.clear()
    this.#after.clear()
    this.#pending.clear()
    this.#free.push(...this.#idle)
    this.#idle.clear()
  }

  #evict(): number {
    const [block] = this.#idle
    if (block === undefined) throw new Error('generation has no block left')
    this.#idle.delete(block)
    this.#known.delete(this.#keyOf.get(block) ?? '')
    this.#keyOf.delete(block)
    this.#unnote(block)
    return block
  }
}

const keyOf = (before: Prefix, ids: readonly number[], index: number): string =>
  `${before.id}:${ids.slice(index * BLOCK_TOKENS, (index + 1) * BLOCK_TOKENS).join()}`
