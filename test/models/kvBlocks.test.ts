import { describe, expect, it } from 'vitest'
import { CachedContext } from '../../src/models/cachedContext'
import { stopLength } from '../../src/models/generationRequest'
import { KvBlocks } from '../../src/models/kvBlocks'

const text = (length: number, from = 0): number[] => Array.from({ length }, (_, index) => from + index)

/** A context whose `ids` were all computed, with room for `more` tokens. */
function computed(pool: KvBlocks, ids: readonly number[], more = 0): CachedContext {
  const context = new CachedContext(pool)
  context.ids.push(...ids)
  expect(context.reserve(ids.length + more)).toBe(true)
  context.advance(ids.length)
  return context
}

describe('blocks of the key and value caches', () => {
  it('are shared by contexts that begin alike, whole blocks only, and one token is always left to compute', () => {
    const pool = new KvBlocks(8, true)
    const first = computed(pool, text(40))
    const second = new CachedContext(pool)
    second.ids.push(...text(40))
    expect(second.reserve(40)).toBe(true)
    expect(second.cached).toBe(32)
    expect(second.blocks.slice(0, 2)).toEqual(first.blocks.slice(0, 2))
    expect(second.blocks[2]).not.toBe(first.blocks[2])
    const same = new CachedContext(pool)
    same.ids.push(...text(32))
    same.reserve(32)
    expect(same.cached).toBe(16)
    const other = new CachedContext(pool)
    other.ids.push(...text(16), ...text(24, 100))
    other.reserve(40)
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
    expect(again.reserve(33)).toBe(false)
    expect(again.blocks).toEqual([])
    long.drop()
    expect(again.reserve(48)).toBe(true)
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
    after.reserve(40)
    expect(after.cached).toBe(0)
    const alone = new KvBlocks(8, false)
    computed(alone, text(40))
    const other = new CachedContext(alone)
    other.ids.push(...text(40))
    other.reserve(40)
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
    context.reserve(40)
    expect(context.blocks[1]).not.toBe(second)
    // Not shared yet: a context may go back inside its last block.
    const short = computed(pool, text(20, 300))
    short.cut(19)
    expect(short.cached).toBe(18)
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
