/** Which attempts rejection sampling keeps, and which of their tokens it imitates. */
import { describe, expect, it } from 'vitest'
import type { Trajectory } from '../../src/records/trajectory'
import { rft } from '../../src/training/algorithms/rft/algorithm'
import type { RftConfig } from '../../src/training/algorithms/rft/config'
import { imitatedPositions } from '../../src/training/batches/lossMask'
import {
  nothingKeptSentence,
  rftAttempts,
  rftSequenceOptions,
  selectionSentence,
  selectPasses,
} from '../../src/training/algorithms/rft/selection'
import { trajectoryOf } from '../support/builders'

const settingsOf = (input: Partial<RftConfig> = {}): RftConfig => rft.config.parse(input)

/** Prompt 1 2, then a step for each list of own tokens, with the observation 9 between them. */
function told(query: string, status: Trajectory['status'], ...steps: readonly (readonly number[])[]): Trajectory {
  return trajectoryOf(
    steps.map((ids, index) => ({
      tokens: { prompt_ids: index === 0 ? [1, 2] : [9], completion_ids: ids, completion_logprobs: ids.map(() => -1) },
    })),
    { trajectory_id: `${query}/${steps.join('/')}`, query_id: query, query: `asked ${query}`, status },
  )
}
const noText = { encode: (): number[] => [] }
const attemptsOf = (rows: readonly (readonly [Trajectory, readonly (number | null)[]])[], input: Partial<RftConfig> = {}) => {
  const labelled = rows.map(([one, rewards]) => ({ trajectory: one, rewards }))
  const configured = rft.configure(input)
  return rftAttempts(labelled, configured.tokenize(labelled, noText), settingsOf(input))
}
const scoresOf = (...given: Parameters<typeof attemptsOf>): (number | null)[] => attemptsOf(...given).map(({ score }) => score)

describe('the score of an attempt', () => {
  const rows = [
    [told('a', 'solved', [3], [4]), [0.25, 0.75]],
    [told('a', 'unsure', [3], [5]), [0, null]],
    [told('a', null, [3], [6]), [null, null]],
    [told('b', 'unsolved', [3], [4], [5]), [0.5, null, 1]],
  ] as const
  it('final_step is its last label, else how it ended; status is how it ended', () => {
    expect(scoresOf(rows)).toEqual([0.75, 0.5, null, 1])
    expect(scoresOf(rows, { reward: 'status' })).toEqual([1, 0.5, null, 0])
  })
  it('step_mean and step_min are of the labelled steps', () => {
    expect(scoresOf(rows, { reward: 'step_mean' })).toEqual([0.5, 0, null, 0.75])
    expect(scoresOf(rows, { reward: 'step_min' })).toEqual([0.25, 0, null, 0.5])
  })
})

describe('what is kept', () => {
  const solved = (query: string, ...steps: readonly (readonly number[])[]) => [told(query, 'solved', ...steps), steps.map(() => 1)] as const
  const failed = (query: string, ...steps: readonly (readonly number[])[]) =>
    [told(query, 'unsolved', ...steps), steps.map(() => 0)] as const
  /** Own tokens of each kept sample, in a fixed order. */
  const keptOf = ({ kept }: ReturnType<typeof selectPasses>): string[] =>
    kept.map(({ ids, targets }) => targets.map((position) => ids[position]).join(' ')).sort()

  it('passes alone, each once, and every attempt is accounted for', () => {
    const attempts = attemptsOf([
      solved('a', [3], [4, 5]),
      solved('a', [3], [4, 5]),
      solved('a', [3], [6]),
      solved('b', [3], [4, 5]),
      failed('b', [7]),
      [told('c', null, [8]), [null]],
      solved('d', []),
    ])
    const selection = selectPasses(attempts, settingsOf(), 1, 0)
    // The same tokens at another query are another sample.
    expect(keptOf(selection)).toEqual(['3 4 5', '3 4 5', '3 6'])
    expect(selection.counts).toEqual({
      ...{ sampled: 7, passed: 5, blank: 1, deduped: 1, capped: 0, kept: 3, queries: 2, filteredSteps: 0 },
    })
    expect(selectionSentence(selection.counts)).toBe(
      '3 of 7 attempts are imitated, from 2 queries: 5 passed, minus 1 without a token to train on, 1 duplicate, 0 beyond max_samples_per_query.',
    )
    // Prompt 1 2 and the observation 9 are context.
    expect(selection.kept.find(({ targets }) => targets.length === 2)).toEqual({ ids: [1, 2, 3, 9, 6], targets: [2, 4] })
  })

  it('is the same tokens cut into other steps only where the agent wrote them', () => {
    // 9 is an observation in one and the agent's own token in the other.
    const attempts = attemptsOf([solved('a', [3], [4]), solved('a', [3, 9, 4])])
    expect(selectPasses(attempts, settingsOf(), 1, 0).counts).toMatchObject({ deduped: 0, kept: 2 })
  })

  it('is at most max_samples_per_query of a query, drawn from all its passes by seed and step', () => {
    const attempts = attemptsOf([...[10, 11, 12, 13, 14, 15].map((id) => solved('easy', [id])), solved('hard', [20])])
    const settings = settingsOf({ max_samples_per_query: 2 })
    const selection = selectPasses(attempts, settings, 1, 0)
    expect(selection.counts).toMatchObject({ passed: 7, capped: 4, kept: 3, queries: 2 })
    expect(keptOf(selection)).toContain('20')
    expect(selectPasses(attempts, settings, 1, 0)).toEqual(selection)
    const draws = [0, 1, 2, 3, 4, 5, 6, 7].map((step) => keptOf(selectPasses(attempts, settings, 1, step)).join())
    expect(new Set(draws).size).toBeGreaterThan(2)
    expect(new Set(draws.join().split(',')).size).toBeGreaterThan(4)
  })

  it('follows the threshold', () => {
    const attempts = attemptsOf([
      [told('a', 'unsure', [3]), [0.5]],
      [told('a', 'unsolved', [4]), [0.4]],
    ])
    expect(selectPasses(attempts, settingsOf({ reward_threshold: 0.5 }), 1, 0).counts.kept).toBe(1)
    const { counts } = selectPasses(attempts, settingsOf(), 1, 0)
    expect(counts.kept).toBe(0)
    expect(nothingKeptSentence(attempts, counts, settingsOf())).toBe(
      'RFT imitates attempts whose final step earned at least 1, and none of 2 did: the best has 0.5.',
    )
    const unlabelled = attemptsOf([[told('a', null, [3]), [null]]], { reward: 'step_min' })
    expect(nothingKeptSentence(unlabelled, selectPasses(unlabelled, settingsOf(), 1, 0).counts, settingsOf({ reward: 'step_min' }))).toBe(
      'RFT imitates attempts each of whose steps earned at least 1, and none of 1 did: none has a label that says.',
    )
  })

  it('step_filtered: steps labelled 0 are context, unlabelled ones are imitated', () => {
    const attempts = attemptsOf([
      [told('a', 'solved', [3, 4], [5, 6], [7]), [0, null, 1]],
      [told('b', 'solved', [3], [8]), [0, 0]],
    ])
    const [first] = attempts
    if (!first) throw new Error('no attempt')
    // 1 2 | 3 4 | 9 | 5 6 | 9 | 7
    expect(imitatedPositions(first.sequence, settingsOf())).toEqual([2, 3, 5, 6, 8])
    expect(imitatedPositions(first.sequence, settingsOf({ step_filtered: true }))).toEqual([5, 6, 8])
    const settings = settingsOf({ reward: 'status', step_filtered: true })
    const solvedByStatus = attempts.map((attempt) => ({ ...attempt, score: 1 }))
    const { kept, counts } = selectPasses(solvedByStatus, settings, 1, 0)
    expect(kept).toEqual([{ ids: [1, 2, 3, 4, 9, 5, 6, 9, 7], targets: [5, 6, 8] }])
    expect(counts).toMatchObject({ passed: 2, blank: 1, kept: 1, filteredSteps: 1 })
    expect(selectionSentence(counts)).toContain('1 of their steps are labelled 0 and carry no loss.')
    expect(selectPasses(solvedByStatus, settingsOf(), 1, 0).counts).toMatchObject({ blank: 0, kept: 2, filteredSteps: 0 })
  })

  it('mask_history: the last step alone; with step_filtered, none where that is labelled 0', () => {
    const attempts = attemptsOf([
      [told('a', 'solved', [3, 4], [5, 6], [7]), [0, null, 1]],
      [told('b', 'solved', [3], [8]), [1, 0]],
    ]).map((attempt) => ({ ...attempt, score: 1 }))
    const targetsOf = (input: Partial<RftConfig>) =>
      selectPasses(attempts, settingsOf(input), 1, 0)
        .kept.map(({ targets }) => targets)
        .sort(([a = 0], [b = 0]) => a - b)
    expect(targetsOf({ mask_history: true })).toEqual([[4], [8]])
    expect(targetsOf({ mask_history: true, step_filtered: true })).toEqual([[8]])
    const { counts } = selectPasses(attempts, settingsOf({ mask_history: true, step_filtered: true }), 1, 0)
    expect(counts).toMatchObject({ passed: 2, blank: 1, kept: 1, filteredSteps: 0 })
  })
})

it('a sample always fits a micro-batch', () => {
  expect(rftSequenceOptions(settingsOf({ tokens_per_batch: 400 }))).toMatchObject({ maxContextLen: 300, maxResponseLen: 100 })
  expect(rftSequenceOptions(settingsOf({ max_context_len: 50, max_response_len: 10 }))).toMatchObject({
    ...{ maxContextLen: 50, maxResponseLen: 10 },
  })
})
