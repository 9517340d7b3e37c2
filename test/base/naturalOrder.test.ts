import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { createNewId } from '../../src/base/id'
import { byNaturalOrder } from '../../src/base/naturalOrder'

describe('the natural order of ids', () => {
  it('counts as people do', () => {
    const ids = [
      'ds-1/row-10',
      'ds-1/row-2',
      'ds-1/row-2~10',
      'ds-1/row-2~2',
      'ds-1/row-1',
      'ds-1/row-10-chosen',
      'ds-1/row-9-rejected',
      'ds-1/a',
    ]
    const ordered = ['a', 'row-1', 'row-2', 'row-2~2', 'row-2~10', 'row-9-rejected', 'row-10', 'row-10-chosen']
    expect(ids.toSorted(byNaturalOrder)).toEqual(ordered.map((id) => `ds-1/${id}`))
  })

  it('keeps ids with a time in the order they were made', () => {
    let now = 1_700_000_000_000
    const newId = createNewId({ now: () => (now += 977_777), random: () => 0.5 })
    const made = Array.from({ length: 500 }, () => newId('run'))
    expect(made.toReversed().sort(byNaturalOrder)).toEqual(made)
  })

  it('is an order: of three, none is before itself', () => {
    const id = fc.stringMatching(/^[a1-]{0,3}[09b~]{0,3}$/)
    fc.assert(
      fc.property(id, id, id, (a, b, c) => {
        expect(Math.sign(byNaturalOrder(a, b))).toBe(-Math.sign(byNaturalOrder(b, a)) + 0)
        if (byNaturalOrder(a, b) <= 0 && byNaturalOrder(b, c) <= 0) expect(byNaturalOrder(a, c)).toBeLessThanOrEqual(0)
      }),
      { seed: 4, numRuns: 3000 },
    )
  })
})
