/** What the page calls things: names people can tell apart, counts in good English, the best match first. */
import { describe, expect, it } from 'vitest'
import { runRecord } from '../../src/records/run'
import { distinctNames } from '../../src/ui/distinctNames'
import { counted } from '../../src/ui/format'
import { findOptions } from '../../src/ui/layout/paletteOptions'
import { jobHref } from '../../src/ui/navigation/jobHref'
import { isListedRun, runHref } from '../../src/ui/navigation/runHref'
import { recipeRows } from '../../src/ui/pages/compare-runs/comparedRuns'
import { unitOf } from '../../src/ui/train/metricGroups'
import type { JobSnapshot, RunDetail } from '../../src/worker/protocol'
import { aRun } from '../support/builders'

describe('names', () => {
  it('are told apart by time, and by number where the time is the same', () => {
    const at = (name: string, when: string) => ({ name, when })
    const names = distinctNames([
      at('a.csv', '2020-03-04T10:00:00'),
      at('b.csv', '2020-03-04T10:00:00'),
      at('a.csv', '2020-03-05T11:30:00'),
      at('a.csv', '2020-03-05T11:30:20'),
    ])
    expect(names).toEqual(['a.csv · 4 Mar 2020 10:00', 'b.csv', 'a.csv · 5 Mar 2020 11:30 (1)', 'a.csv · 5 Mar 2020 11:30 (2)'])
  })
  it('are counted in the singular and the plural', () => {
    expect([
      counted(1, 'step'),
      counted(0, 'step'),
      counted(1200, 'step'),
      counted(1, 'query', 'queries'),
      counted(2, 'query', 'queries'),
    ]).toEqual(['1 step', '0 steps', '1,200 steps', '1 query', '2 queries'])
  })
  it('of metrics have a unit where they are counted in one', () => {
    const metrics = ['objective/kl', 'ppo/policy/entropy', 'completions/mean_length', 'perf/throughput', 'clip_ratio/region_mean', 'reward']
    expect(metrics.map(unitOf)).toEqual(['nats', 'nats', 'tokens', 'tokens/s', 'share', ''])
  })
})

it('the best match of the palette is first', () => {
  const option = (label: string, kind = 'Trajectory') => ({ id: label, label, kind, run: () => undefined })
  const options = [
    option('Which settings does the train use?'),
    option('New training run', 'Action'),
    option('A run that will train'),
    option('Train', 'Page'),
    option('Retrained model', 'Run'),
  ]
  expect(findOptions(options, 'train').map(({ label }) => label)).toEqual([
    'Train',
    'Which settings does the train use?',
    'New training run',
    'A run that will train',
    'Retrained model',
  ])
  expect(findOptions(options, 'tra NEW').map(({ label }) => label)).toEqual(['New training run'])
  expect(findOptions(options, 'page').map(({ label }) => label)).toEqual(['Train'])
})

describe('an evaluation', () => {
  const evaluation = runRecord.parse({ ...aRun('e1'), kind: 'evaluate', algorithm: null })
  it('is no training run: it is listed with the results and opens there', () => {
    expect([evaluation, aRun('r1')].map(isListedRun)).toEqual([false, true])
    expect(runHref(evaluation)).toBe('/evaluate?run=e1')
    expect(jobHref({ kind: 'evaluate', run_id: 'e1' } as JobSnapshot)).toBe('/evaluate?run=e1')
  })
})

describe('recipes beside each other', () => {
  const detail = (id: string, algorithm: string, config: Record<string, unknown>): RunDetail =>
    ({ run: { ...aRun(id), algorithm, config, world_hash: 'a'.repeat(64), data: [{ id: 'd1', sha256: 'x' }] } }) as unknown as RunDetail
  const settings: Readonly<Record<string, readonly string[]>> = {
    sft: ['learning_rate', 'tokens_per_batch'],
    ppo: ['learning_rate', 'vf_coef'],
  }
  const rows = recipeRows(
    [
      detail('1', 'sft', { learning_rate: 1, tokens_per_batch: 512 }),
      detail('2', 'ppo', { learning_rate: 2, vf_coef: 0.1 }),
      detail('3', 'ppo', { learning_rate: 2, vf_coef: 0.1, init_adapter: '1', init_adapter_sha256: 'b'.repeat(64) }),
    ],
    (name) => settings[name ?? ''] ?? [],
    (id) => ({ d1: 'sample.csv', '1': 'First run' })[id] ?? id,
  )
  const named = (name: string) => rows.find((row) => row.name === name)
  it('differ in what both methods have; what only one has is no difference', () => {
    expect(rows.filter((row) => !row.same).map((row) => row.name)).toEqual([
      'algorithm',
      'learning_rate',
      'init_adapter',
      'init_adapter_sha256',
    ])
    expect(rows.filter((row) => row.isOfSome).map((row) => row.name)).toEqual(['tokens_per_batch', 'vf_coef'])
  })
  it('show names and short hashes, so that a third run stays on the page', () => {
    expect(named('data')?.values).toEqual(['sample.csv', 'sample.csv', 'sample.csv'])
    expect(named('init_adapter')?.values).toEqual(['–', '–', 'First run'])
    for (const row of rows) for (const value of row.values) expect(value.length).toBeLessThan(40)
  })
})
