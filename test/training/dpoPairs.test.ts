/** How trajectories become preference pairs. */
import { describe, expect, it } from 'vitest'
import {
  findPairs,
  makePairs,
  pairsOfStep,
  pairsOfSteps,
  pairsSentence,
  type DpoAttempt,
  type DpoPair,
} from '../../src/training/algorithms/dpo/pairs'
import { attemptOutcome } from '../../src/training/batches/outcome'
import type { Trajectory } from '../../src/records/trajectory'
import { trajectoryOf } from '../support/builders'

const settings = { max_pairs_per_query: 4, overlong_pairs: 'keep' } as const

/** Prompt 1 2, then steps of own tokens with the observation 9 between them. */
function attempt(query: string, outcome: number | null, ...steps: readonly (readonly number[])[]): DpoAttempt {
  const parts = steps.flatMap((ids, step) => [
    { ids: step === 0 ? [1, 2] : [9], step: -1 },
    { ids, step },
  ])
  return {
    query,
    outcome,
    sequence: {
      trajectoryId: `${query}/${steps.join('/')}`,
      ids: parts.flatMap(({ ids }) => ids),
      stepOf: parts.flatMap(({ ids, step }) => ids.map(() => step)),
      rewards: steps.map(() => null),
      stepIndex: steps.map((_, index) => index),
      ...{ truncatedTokens: 0, truncatedSteps: [], notTrainedSteps: [] },
    },
  }
}

/** First own tokens of a pair's sides, after the prompt's two. */
const nameOf = ({ chosen, rejected }: DpoPair): string => [chosen, rejected].map(({ sequence }) => sequence.ids[2]).join('>')

describe('pairs', () => {
  it('are a success and a failure on the same query; shared steps and observations are not trained', () => {
    const found = findPairs(
      [attempt('a', 1, [3, 4], [5, 6]), attempt('a', 0, [3, 4], [5, 7, 8]), attempt('b', 1, [3]), attempt('c', 0, [3])],
      settings,
      1,
    )
    expect(found).toMatchObject({ queries: 3, pairedQueries: 1, successes: 2, failures: 2, undecided: 0 })
    expect(found.pairs).toHaveLength(1)
    const [{ chosen, rejected } = {} as never] = found.pairs
    // 1 2 | 3 4 | 9 | 5 6 against … 5 7 8: what differs is from position 6 on; 3 own tokens come before it.
    expect(chosen.sequence).toEqual({ ids: [1, 2, 3, 4, 9, 5, 6], targets: [6] })
    expect(rejected.sequence).toEqual({ ids: [1, 2, 3, 4, 9, 5, 7, 8], targets: [6, 7] })
    expect([chosen.skipped, rejected.skipped]).toEqual([3, 3])
    expect(pairsSentence(found)).toBe('1 pair from 1 of 3 queries: 2 successes, 2 failures, 0 undecided or without an outcome.')
  })

  it('mask every observation after the fork', () => {
    const { pairs } = findPairs([attempt('a', 1, [3], [5], [6]), attempt('a', 0, [4], [5])], settings, 1)
    expect(pairs[0]?.chosen.sequence).toEqual({ ids: [1, 2, 3, 9, 5, 9, 6], targets: [2, 4, 6] })
    expect(pairs[0]?.rejected.sequence).toEqual({ ids: [1, 2, 4, 9, 5], targets: [2, 4] })
  })

  it('given as pairs are these, all of them, and no others of their query', () => {
    const given = [3, 4, 5].flatMap((id) => [
      { ...attempt('a', 1, [id]), pair: `p${id}` },
      { ...attempt('a', 0, [id + 10]), pair: `p${id}` },
    ])
    const found = findPairs([...given, attempt('a', 1, [6]), attempt('a', 0, [16])], { ...settings, max_pairs_per_query: 1 }, 1)
    expect(found.pairs.map(nameOf)).toEqual(['3>13', '4>14', '5>15', '6>16'])
    expect(found).toMatchObject({ queries: 1, pairedQueries: 1, successes: 4, failures: 4 })
  })

  it('are capped per query and use its attempts evenly, each combination once', () => {
    const wins = [3, 4, 5].map((id) => attempt('a', 1, [id]))
    const losses = [6, 7].map((id) => attempt('a', 0, [id]))
    const names = (cap: number): string[] => findPairs([...wins, ...losses], { ...settings, max_pairs_per_query: cap }, 1).pairs.map(nameOf)
    expect(new Set(names(100)).size).toBe(6)
    expect(new Set(names(3).map((name) => name[0])).size).toBe(3)
    expect(names(3)).toEqual(names(100).slice(0, 3))
  })

  it('take every combination of four and two', () => {
    const all = [...[3, 4, 5, 6].map((id) => attempt('a', 1, [id])), ...[7, 8].map((id) => attempt('a', 0, [id]))]
    const { pairs } = findPairs(all, { ...settings, max_pairs_per_query: 100 }, 2)
    expect(new Set(pairs.map(nameOf)).size).toBe(8)
  })

  it('count attempts with the same tokens once, and leave out what has nothing to tell apart', () => {
    const twice = [attempt('a', 1, [3]), attempt('a', 1, [3]), attempt('a', 0, [4])]
    expect(findPairs(twice, settings, 1)).toMatchObject({ successes: 2, pairs: { length: 1 } })
    expect(() => makePairs([attempt('a', 1, [3]), attempt('a', 0, [3])], settings, 1)).toThrow(
      'DPO found no token to train on after what the attempts at a query share: 2 trajectories of 1 query (1 success, 1 failure, 0 undecided',
    )
  })

  it('end in one sentence with the counts when no query has both', () => {
    const lonely = [attempt('a', 1, [3]), attempt('b', 0, [3]), attempt('b', 0.5, [4]), attempt('c', null, [3])]
    expect(() => makePairs(lonely, settings, 1)).toThrow(
      'DPO needs a success and a failure on the same query, and no query has both: 4 trajectories of 3 queries (1 success, 1 failure, 2 undecided or without an outcome).',
    )
  })

  it('released: a pair of more than 512 tokens loses its answers, one that fits is whole', () => {
    const long = Array.from({ length: 520 }, (_, index) => 10 + index)
    const all = [attempt('a', 1, long), attempt('a', 0, [3]), attempt('b', 1, [3]), attempt('b', 0, [4])]
    const { pairs } = findPairs(all, { ...settings, overlong_pairs: 'released' }, 1)
    expect(pairs.map(({ chosen, rejected }) => [chosen.sequence.targets.length, rejected.sequence.targets.length])).toEqual([
      [0, 0],
      [1, 1],
    ])
    expect(pairs[0]?.chosen.sequence.ids).toEqual([1])
    expect(findPairs(all, settings, 1).pairs[0]?.chosen.sequence.targets).toHaveLength(520)
    // Of an answer of more than 6488 tokens the rest is kept.
    const huge = Array.from({ length: 6490 }, (_, index) => 10 + index)
    const [first] = findPairs([attempt('a', 1, huge), attempt('a', 0, [3])], { ...settings, overlong_pairs: 'released' }, 1).pairs
    expect([first?.chosen.sequence.targets, first?.rejected.sequence.targets]).toEqual([[2, 3], []])
  })
})

describe('the outcome of a trajectory', () => {
  const step = { parent: null, prompt: 'p', completion: 'c', is_final: true }
  const of = (status: Trajectory['status']) => trajectoryOf([step], { query: '', status })
  it('is the label of its final step, else its status', () => {
    expect(attemptOutcome(of('unsolved'), [0.75])).toBe(0.75)
    expect(attemptOutcome(of('solved'), [null])).toBe(1)
    expect(attemptOutcome(of('unsure'), [null])).toBe(0.5)
    expect(attemptOutcome(of('unsolved'), [null])).toBe(0)
    expect(attemptOutcome(of(null), [null])).toBeNull()
  })
})

describe('the pairs of an update', () => {
  const { pairs } = findPairs(
    Array.from({ length: 5 }, (_, query) => [attempt(`q${query}`, 1, [3]), attempt(`q${query}`, 0, [4])]).flat(),
    settings,
    1,
  )
  it('go through the data once a pass, in a new order each time', () => {
    const passOf = (pass: number) => [0, 1, 2].flatMap((step) => pairsOfStep(pairs, 2, 7, 3 * pass + step))
    expect([0, 1, 2].map((step) => pairsOfStep(pairs, 2, 7, step).length)).toEqual([2, 2, 1])
    for (const pass of [0, 1]) expect(new Set(passOf(pass))).toEqual(new Set(pairs))
    expect(passOf(0).map(({ query }) => query)).not.toEqual(passOf(1).map(({ query }) => query))
  })
  it('are known beforehand', () => {
    expect(pairsOfSteps(pairs, 2, 7, 2, 3)).toEqual(pairsOfStep(pairs, 2, 7, 2))
    expect(new Set(pairsOfSteps(pairs, 2, 7, 1, 5))).toEqual(new Set(pairs))
    expect(pairsOfSteps(pairs, 2, 7, 0, 60)).toBe(pairs)
  })
})
