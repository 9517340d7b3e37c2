/** What evaluate says, from records: no model needed. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openExam } from '../../src/cli/benchmark'
import { comparisonOf, summaryOf } from '../../src/cli/commands/evaluate'
import { readEvaluation } from '../../src/cli/resultDirectory'
import { shuffledRewards } from '../../src/studio/runs/shuffledRewards'
import type { EvaluationRecord, EvaluationRow } from '../../src/records/evaluation'
import type { LabelledTrajectory } from '../../src/training/batches/labelledTrajectory'
import { temporaryDirectory } from './commandContext'

const row = (query: number, status: EvaluationRow['status'], changes: Partial<EvaluationRow> = {}): EvaluationRow => ({
  query_id: `q${query}`,
  group: query % 2 === 0 ? 'I1-tool' : 'I3',
  repeat: 0,
  status,
  calls: 2,
  recall: 0.5,
  tokens: 10,
  copied_calls: 1,
  copy_calls: 2,
  trajectory_id: `t${query}`,
  ...changes,
})
const record = (rows: EvaluationRow[], changes: Partial<EvaluationRecord> = {}): EvaluationRecord => ({
  ...{
    version: 1,
    evaluation_id: 'e',
    title: 't',
    benchmark: 'starter',
    split: 'exam',
    strategy: 'cot',
    call_budget: 6,
    temperature: 0,
    judge: 'world',
    prompt_hash: null,
  },
  ...{ world_hash: 'w', model: { id: 'm', adapter_sha256: null }, seed: 1, created_at: '2026-01-01T00:00:00.000Z', rows },
  ...changes,
})

test('the numbers of an exam', () => {
  const summary = summaryOf(
    record([
      row(0, 'solved', { calls: 0, recall: 1 }),
      row(1, 'solved', { calls: 3 }),
      row(2, 'unsure'),
      row(3, 'unsolved', { copy_calls: 0, copied_calls: 0 }),
    ]),
  )
  expect(summary).toMatchObject({
    benchmark: 'starter',
    split: 'exam',
    strategy: 'cot',
    judge: 'world',
    n: 4,
    passRate: 0.5,
    recall: 0.625,
    copyExact: 0.5,
    unsure: 1,
    meanCalls: 1.75,
  })
  expect(summary.callHistogram).toEqual({ '0': 1, '1': 0, '2': 2, '3': 1 })
  // statsmodels proportion_confint(2, 4, method='wilson')
  expect(summary.interval).toEqual([expect.closeTo(0.150036, 5), expect.closeTo(0.849964, 5)])
  expect(summary.groups).toMatchObject([
    { group: 'I1-tool', n: 2, passRate: 0.5 },
    { group: 'I3', n: 2, passRate: 0.5 },
  ])
  expect(summaryOf(record([row(0, 'solved', { copy_calls: 0, copied_calls: 0 })])).copyExact).toBeNull()
})

test('two results are compared query by query', () => {
  const before = record([row(0, 'unsolved'), row(1, 'solved'), row(2, 'unsure'), row(3, 'unsolved')])
  const after = record([row(3, 'unsolved'), row(2, 'solved'), row(1, 'solved'), row(0, 'unsure'), row(9, 'solved')])
  expect(comparisonOf(after, before, false)).toMatchObject({
    wins: 2,
    ties: 2,
    losses: 0,
    winRate: 0.75,
    pairs: 4,
    difference: { difference: 0.25, gained: 1, lost: 0, distinguishable: false },
  })
})

test('results under other rules are not compared unless one insists', () => {
  const [a, b] = [record([row(0, 'solved')]), record([row(0, 'unsolved')], { call_budget: 8 })]
  expect(() => comparisonOf(a, b, false)).toThrow(
    'The two results are not compared: their call_budget differs: 6 and 8. --force compares them all the same.',
  )
  expect(comparisonOf(a, b, true)).toMatchObject({ wins: 1, warning: 'Compared although their call_budget differs: 6 and 8.' })
  expect(() => comparisonOf(a, record([row(5, 'solved')]), false)).toThrow('no query in common')
})

test('a result is read back; what is none is said', () => {
  const directory = temporaryDirectory()
  expect(() => readEvaluation(directory)).toThrow('holds no evaluation (evaluation.json is missing)')
  const written = record([row(0, 'solved')])
  writeFileSync(join(directory, 'evaluation.json'), JSON.stringify(written))
  expect(readEvaluation(directory)).toEqual(written)
  writeFileSync(join(directory, 'evaluation.json'), JSON.stringify({ ...written, seed: 'one' }))
  expect(() => readEvaluation(directory)).toThrow(/evaluation\.json: seed: /)
})

test('an exam’s subset has every group in its share, always the same', () => {
  const whole = openExam('starter', 'exam', null)
  expect(whole.queries.length).toBeGreaterThanOrEqual(200)
  const part = openExam('starter', 'exam', 30)
  expect(part.queries).toHaveLength(30)
  expect(openExam('starter', 'exam', 30).queries).toEqual(part.queries)
  const share = (queries: typeof whole.queries, group: string): number =>
    queries.filter((query) => query.group === group).length / queries.length
  for (const group of new Set(whole.queries.map((query) => query.group)))
    expect(Math.abs(share(part.queries, group) - share(whole.queries, group))).toBeLessThan(0.04)
  expect(openExam('starter', 'I1-tool', null).queries.every((query) => query.group === 'I1-tool')).toBe(true)
  expect(() => openExam('starter', 'I9', null)).toThrow(
    /^The starter benchmark has no split I9; it has exam, dev, practice, train, .*I1-tool/,
  )
})

test('shuffled rewards are the same rewards on other steps', () => {
  const trajectory = { steps: [] } as unknown as LabelledTrajectory['trajectory']
  const batch: LabelledTrajectory[] = [0, 1, 2].map((i) => ({ trajectory, rewards: [i + 0.1, null, i + 0.2, i + 0.3] }))
  const shuffled = shuffledRewards(batch, 5, 0)
  const values = (of: readonly LabelledTrajectory[]): (number | null)[] => of.flatMap(({ rewards }) => rewards)
  expect(values(shuffled)).not.toEqual(values(batch))
  expect(
    values(shuffled)
      .filter((value) => value !== null)
      .sort(),
  ).toEqual(
    values(batch)
      .filter((value) => value !== null)
      .sort(),
  )
  expect(shuffled.map(({ rewards }) => rewards[1])).toEqual([null, null, null])
  expect(shuffledRewards(batch, 5, 0)).toEqual(shuffled)
  expect(values(shuffledRewards(batch, 5, 1))).not.toEqual(values(shuffled))
})
