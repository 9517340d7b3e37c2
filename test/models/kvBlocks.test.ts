import { describe, expect, it } from 'vitest'
import { CachedContext } from '../../src/models/cachedContext'
import { stopLength } from '../../src/models/generationRequest'
import { KvBlocks } from '../../src/models/kvBlocks'

const text = (length: number, from = 0): number[] => Array.from({ length }, (_, index) => from + index)

const noCopy = (): void => {
  throw new Error('no block should be copied')
}

/** A context whose `ids` were all computed, with room for `more` tokens. */
function computed(pool: KvBlocks, ids: readonly number[], more = 0): CachedContext {
  const context = new CachedContext(pool)
  context.ids.push(...ids)
  expect(context.reserve(ids.length + more, noCopy)).toBe(true)
  context.advance(ids.length)
  return context
}

describe('blocks of the key and value caches', () => {
  it('are shared by contexts that begin alike, whole blocks only, and one token is always left to compute', () => {
    const pool = new KvBlocks(8, true)
    const first = computed(pool, text(40))
    const second = new CachedContext(pool)
    second.ids.push(...text(40))
    expect(second.reserve(40, noCopy)).toBe(true)
    expect(second.cached).toBe(32)
    expect(second.blocks.slice(0, 2)).toEqual(first.blocks.slice(0, 2))
    expect(second.blocks[2]).not.toBe(first.blocks[2])
    const same = new CachedContext(pool)
    same.ids.push(...text(32))
    same.reserve(32, noCopy)
    expect(same.cached).toBe(16)
    const other = new CachedContext(pool)
    other.ids.push(...text(16), ...text(24, 100))
    other.reserve(40, noCopy)
    expect(other.cached).toBe(16)
    expect(pool.available).toBe(8 - 3 - 1 - 1 - 2)
  })

  it('outlive their context until their room is needed, the end of a context before its beginning', () => {
    const pool = new KvBlocks(4, true)
    computed(pool, text(48)).drop()
    expect(pool.available).toBe(4)
    const long = computed(pool, text(32, 200))
    // One block was free, one was taken from the end of what is known.
    const again = new CachedContext(pool)
    again.ids.push(...text(48))
    expect(again.reserve(33, noCopy)).toBe(false)
    expect(again.blocks).toEqual([])
    long.drop()
    expect(again.reserve(48, noCopy)).toBe(true)
    expect(again.cached).toBe(32)
  })

  it('are not found after the weights changed, and without sharing never', () => {
    const pool = new KvBlocks(8, true)
    const before = computed(pool, text(20), 20)
    pool.forget()
    before.ids.push(...text(20, 20))
    before.advance(40)
    const after = new CachedContext(pool)
    after.ids.push(...text(40))
    after.reserve(40, noCopy)
    expect(after.cached).toBe(0)
    const alone = new KvBlocks(8, false)
    computed(alone, text(40))
    const other = new CachedContext(alone)
    other.ids.push(...text(40))
    other.reserve(40, noCopy)
    expect(other.cached).toBe(0)
  })

  it('that others may share are not written again by a context that goes back', () => {
    const pool = new KvBlocks(8, true)
    const context = computed(pool, text(40))
    const [first, second] = context.blocks
    context.cut(30)
    expect({ cached: context.cached, blocks: context.blocks, length: context.ids.length }).toEqual({
      cached: 16,
      blocks: [first],
      length: 30,
    })
    context.ids.push(...text(10, 900))
    context.reserve(40, noCopy)
    expect(context.blocks[1]).not.toBe(second)
    // Not shared yet: a context may go back inside its last block.
    const short = computed(pool, text(20, 300))
    short.cut(19)
    expect(short.cached).toBe(18)
  })
})

describe('a context that parts from another inside a block', () => {
  /** A pool, and a context of 40 tokens in it whose keys and values are there. */
  function begun(blocks: number): { readonly pool: KvBlocks; readonly first: CachedContext; readonly copied: [number, number][] } {
    const pool = new KvBlocks(blocks, true)
    const first = computed(pool, text(40))
    pool.settle()
    return { pool, first, copied: [] }
  }

  it('takes a copy of what the block contains before they part, once that is computed', () => {
    const { pool, first, copied } = begun(8)
    const other = new CachedContext(pool)
    other.ids.push(...text(37), ...text(9, 500))
    expect(other.reserve(46, (from, to) => copied.push([from, to]))).toBe(true)
    expect(other.cached).toBe(37)
    expect(copied).toEqual([[first.blocks[2], other.blocks[2]]])
    expect(other.blocks[2]).not.toBe(first.blocks[2])
    // What the batch in preparation computes cannot be copied yet.
    const late = computed(pool, text(30, 700))
    const later = new CachedContext(pool)
    later.ids.push(...text(30, 700))
    later.reserve(30, noCopy)
    expect(later.cached).toBe(16)
    expect(late.cached).toBe(30)
  })

  it('as a fork holds the full blocks of the other, which may go on or be closed', () => {
    const { pool, first, copied } = begun(8)
    const twin = first.fork()
    expect(twin.blocks).toEqual(first.blocks.slice(0, 2))
    first.ids.push(...text(4, 600))
    first.reserve(60, noCopy)
    first.advance(44)
    pool.settle()
    twin.ids.push(...text(3, 600), 9)
    twin.reserve(60, (from, to) => copied.push([from, to]))
    // The other has computed three of its four new tokens.
    expect(twin.cached).toBe(43)
    first.drop()
    expect(pool.available).toBe(8 - twin.blocks.length)
    twin.drop()
    expect(pool.available).toBe(8)
  })

  it('does without the copy where the pool has room only for one of the two blocks', () => {
    const { pool, first } = begun(3)
    first.drop()
    const other = new CachedContext(pool)
    other.ids.push(...text(37), 500)
    expect(other.reserve(48, noCopy)).toBe(true)
    expect(other.cached).toBe(32)
  })

  it('replaces its own last block by a copy that contains more', () => {
    const pool = new KvBlocks(8, true)
    const copied: [number, number][] = []
    const other = computed(pool, text(34))
    const first = computed(pool, text(40))
    pool.settle()
    expect(other.blocks[2]).not.toBe(first.blocks[2])
    const own = other.blocks[2]
    other.ids.push(...text(20, 34))
    other.reserve(54, (from, to) => copied.push([from, to]))
    expect(copied).toEqual([[first.blocks[2], own]])
    expect(other.cached).toBe(40)
  })
})

describe('a stop string', () => {
  const decode = (ids: readonly number[]): string => ids.map((id) => String.fromCodePoint(id)).join('')
  const ids = Array.from('say END now', (one) => one.codePointAt(0) ?? 0)

  it('ends at the token that completes the first of them', () => {
    expect(stopLength(ids, { strings: ['now', 'END'], decode })).toBe(7)
    expect(stopLength(ids, { strings: ['nothing', ''], decode })).toBeNull()
    expect(stopLength([], { strings: ['x'], decode })).toBeNull()
  })
})
