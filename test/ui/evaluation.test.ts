import { expect, test } from 'vitest'
import type { Query } from '../../src/environments/environment'
import { recall } from '../../src/evaluation/scorers/recall'
import { evaluationRecord, type EvaluationRecord, type EvaluationRow } from '../../src/records/evaluation'
import {
  circumstances,
  comparisonProblems,
  defaultBaseline,
  leaderboard,
  querySets,
  ratesByGroup,
  successVersusBudget,
} from '../../src/ui/evaluation/leaderboardRows'
import { pairedComparison, passRate, queryScores, rateOf } from '../../src/ui/evaluation/rates'
import { trajectoryOf } from '../support/builders'

const row = (query: string, status: EvaluationRow['status'], calls = 2, more: Partial<EvaluationRow> = {}): EvaluationRow => ({
  query_id: query,
  group: query.startsWith('a') ? 'I1' : 'I2',
  repeat: 0,
  status,
  calls,
  recall: 1,
  tokens: 10,
  copied_calls: 1,
  copy_calls: 2,
  trajectory_id: `t-${query}`,
  ...more,
})
const record = (id: string, rows: EvaluationRow[], more: Partial<EvaluationRecord> = {}): EvaluationRecord =>
  evaluationRecord.parse({
    version: 1,
    evaluation_id: id,
    title: id,
    benchmark: 'starter',
    split: 'exam',
    strategy: 'cot',
    call_budget: 5,
    temperature: 0,
    judge: 'world',
    prompt_hash: null,
    world_hash: 'w1',
    model: { id: 'starter', adapter_sha256: null },
    seed: 1,
    created_at: `2026-01-0${id.length}T00:00:00Z`,
    rows,
    ...more,
  })

test('a rate carries its Wilson interval', () => {
  // Newcombe (1998), table I: 81 of 263.
  const { rate, interval } = rateOf(81, 263)
  expect(rate).toBeCloseTo(0.308, 3)
  expect(interval[0]).toBeCloseTo(0.2553, 4)
  expect(interval[1]).toBeCloseTo(0.3662, 4)
  expect(rateOf(0, 0)).toEqual({ n: 0, passed: 0, rate: 0, interval: [0, 1] })
})

test('a smaller budget turns late successes into failures', () => {
  const one = record('x', [row('a1', 'solved', 1), row('a2', 'solved', 4), row('b1', 'unsolved', 5)])
  expect(successVersusBudget(one).map((at) => at.rate.passed)).toEqual([1, 1, 1, 2, 2])
  expect(ratesByGroup(queryScores(one.rows, 5)).map((at) => [at.group, at.rate.passed, at.rate.n])).toEqual([
    ['I1', 2, 2],
    ['I2', 0, 1],
  ])
})

test('repeats are averaged inside a query, so n counts queries', () => {
  const scores = queryScores([row('a1', 'solved'), row('a1', 'unsolved', 2, { repeat: 1 }), row('a2', 'solved')], 5)
  expect(passRate(scores)).toMatchObject({ n: 2, passed: 1.5 })
})

test('the paired difference, its interval and who won', () => {
  const before = queryScores([row('a1', 'unsolved'), row('a2', 'unsure'), row('a3', 'solved'), row('a4', 'solved')], 5)
  const after = queryScores([row('a1', 'solved'), row('a2', 'solved'), row('a3', 'solved'), row('a4', 'unsolved'), row('zz', 'solved')], 5)
  const paired = pairedComparison(before, after)
  expect(paired).toMatchObject({ n: 4, difference: 0.25, wins: 2, ties: 1, losses: 1, distinguishable: false, bothPassed: 1 })
  expect(paired.interval[0]).toBeLessThan(0)
  expect(paired.winRate.rate).toBe(0.625)
  const clear = pairedComparison(
    queryScores(
      Array.from({ length: 48 }, (_, i) => row(`a${i}`, 'unsolved')),
      5,
    ),
    queryScores(
      Array.from({ length: 48 }, (_, i) => row(`a${i}`, i < 20 ? 'solved' : 'unsolved')),
      5,
    ),
  )
  expect(clear.distinguishable).toBe(true)
})

test('results with other budgets, worlds, judges or queries are not comparable, and say why', () => {
  const base = record('x', [row('a1', 'solved')])
  expect(comparisonProblems(base, record('y', [row('a1', 'unsolved')]))).toEqual([])
  expect(comparisonProblems(base, record('y', [row('a1', 'solved')], { call_budget: 3, world_hash: 'w2' }))).toEqual([
    'call budget is 3, not 5',
    'the tool world differs (another hash)',
  ])
  expect(comparisonProblems(base, record('y', [row('a9', 'solved')]))).toEqual(['only 0 of 1 query are the same'])
  const rows = leaderboard([record('yy', [row('a1', 'solved')], { call_budget: 3 }), base], base, 5)
  expect(rows.map((one) => [one.record.evaluation_id, one.notComparable.length])).toEqual([
    ['x', 0],
    ['yy', 1],
  ])
  expect(rows[0]?.copyExact).toBe(0.5)
})

test('a rate names the budget, judge, strategy, temperature and seed it was measured under', () => {
  const one = record('x', [row('a1', 'solved'), row('a1', 'unsolved', 1, { repeat: 1 })])
  expect(circumstances(one, 3)).toEqual({
    set: 'starter exam · cot · temperature 0 · seed 1 · 2 tries a question, averaged',
    budget: 3,
    judge: 'world',
  })
  const sampling = { top_p: 0.9, top_k: 0, min_p: 0, repetition_penalty: 1.1 }
  expect(circumstances(record('x', [], { sampling }), 3).set).toContain('temperature 0 · top_p 0.9 · repetition_penalty 1.1 · seed 1')
  expect(querySets([one, record('yy', [row('a1', 'solved')])])).toMatchObject([{ key: 'starter · exam', count: 2 }])
})

test('with repeats the interval comes from resampling queries, the same at every look', () => {
  const tries = (passes: number) => [0, 1].map((repeat) => row('x', repeat < passes ? 'solved' : 'unsolved', 2, { repeat }))
  const many = (passes: (i: number) => number) =>
    queryScores(Array.from({ length: 30 }, (_, i) => tries(passes(i)).map((one) => ({ ...one, query_id: `a${i}` }))).flat(), 5)
  const [before, after] = [many(() => 0), many((i) => i % 3)]
  const paired = pairedComparison(before, after)
  expect(paired.method).toContain('bootstrap')
  expect(paired.difference).toBeCloseTo(0.5, 12)
  expect(paired.distinguishable).toBe(true)
  expect(pairedComparison(before, after).interval).toEqual(paired.interval)
})

test('the baseline is what most results can be compared with, preferably without an adapter', () => {
  const rows = [row('a1', 'solved')]
  const odd = record('odd', rows, { call_budget: 9, created_at: '2027-01-01T00:00:00Z' })
  const trained = record('trained', rows, { model: { id: 'starter', adapter_sha256: 'x' }, created_at: '2026-06-01T00:00:00Z' })
  const plain = record('plain', rows, { created_at: '2026-01-01T00:00:00Z' })
  expect(defaultBaseline([odd, trained, plain])?.evaluation_id).toBe('plain')
  expect(defaultBaseline([])).toBeUndefined()
})

test('every number of a row follows the budget: passes, calls, their histogram and the recall', () => {
  const one = record('x', [
    row('a1', 'solved', 1, { recall: 1, recall_by_calls: [0, 1] }),
    row('a2', 'solved', 4, { recall: 1, recall_by_calls: [0, 0, 0.5, 0.5, 1] }),
  ])
  const at = (budget: number) => leaderboard([one], one, budget)[0]
  expect(at(Infinity)).toMatchObject({ recall: 1, meanCalls: 2.5, callHistogram: [0, 0.5, 0, 0, 0.5] })
  expect(at(2)).toMatchObject({ recall: 0.75, meanCalls: 1.5, callHistogram: [0, 0.5, 0.5] })
  expect(at(2)?.rate.passed).toBe(1)
  // An older result does not say it, and no number is made up.
  const older = record('y', [row('a1', 'solved', 4)])
  expect(leaderboard([older], older, 2)[0]?.recall).toBeNull()
  expect(leaderboard([older], older, 4)[0]?.recall).toBe(1)
})

test('recall by calls is that of the calls made so far', () => {
  const attempt = trajectoryOf([
    { completion: 'a', call: { name: 'find', arguments: {} }, observation: 'x' },
    { completion: 'b', call: { name: 'other', arguments: {} }, observation: 'y' },
    { completion: 'c', call: { name: 'sum', arguments: {} }, observation: 'z' },
    { completion: 'done' },
  ])
  const query = { query_id: 'q', text: 'q', group: 'I1', goldTools: ['find', 'sum'] } as unknown as Query
  expect(recall(attempt, query)).toEqual({ recall: 1, recall_by_calls: [0, 0.5, 0.5, 1] })
})
