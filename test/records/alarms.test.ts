/** Alarms on metrics as runs leave them, and metrics as files. */
import { describe, expect, it } from 'vitest'
import { alarmsOf, watchMetrics } from '../../src/records/alarms'
import { metricFile } from '../../src/records/metricFiles'

const column = (name: string, values: readonly (number | null)[]) => ({
  step: values.map((_, index) => index),
  columns: { [name]: values },
})
const found = (name: string, values: readonly (number | null)[], off: readonly string[] = []) =>
  alarmsOf(column(name, values), off).map(({ kind, step }) => [kind, step])

describe('an alarm', () => {
  it('needs more than one odd batch', () => {
    expect(found('completions/clipped_ratio', [0, 0, 0.5, 0, 0])).toEqual([])
    expect(found('completions/clipped_ratio', [0, 0, 0.3, 0.3, 0.3])).toEqual([['clipped_ratio', 4]])
  })
  it('is raised once while its rule holds, and again after it had ceased', () => {
    expect(found('frac_reward_zero_std', [1, 1, 1, 1, 0, 0, 0, 1, 1, 1])).toEqual([
      ['zero_variance', 2],
      ['zero_variance', 9],
    ])
  })
  it('passes over steps that did not measure the metric', () => {
    expect(found('frac_reward_zero_std', [1, null, 1, null, 1])).toEqual([['zero_variance', 4]])
  })
})

describe('the KL', () => {
  it('explodes at three times the usual target, in nats per sequence', () => {
    expect(found('objective/kl', [0, 4, 8, 15, 17])).toEqual([])
    expect(found('objective/kl', [0, 10, 20, 30])).toEqual([['exploding_kl', 3]])
  })
  it('explodes at a nat a token where GRPO reports it', () => {
    expect(found('kl', [0.2, 0.4, 0.6, 0.9])).toEqual([])
    expect(found('kl', [0.2, 0.9, 1, 1.2])).toEqual([['exploding_kl', 3]])
  })
  it('may be a little negative, not below −1', () => {
    expect(found('objective/kl', [0, -0.2, -0.3, -0.2])).toEqual([])
    expect(found('objective/kl', [0, -2, -2, -2])).toEqual([['negative_kl', 2]])
  })
  it('is 0 before the first update', () => {
    expect(found('objective/kl', [0.004, 0.1])).toEqual([])
    expect(found('objective/kl', [0.4, 0.5])).toEqual([['reference_differs', 0]])
  })
})

it('entropy collapses when little of its start is left', () => {
  const falling = [1, 1, 1, 0.9, 0.8, 0.5, 0.3, 0.14, 0.12, 0.1]
  expect(found('entropy', falling)).toEqual([['entropy_collapse', 9]])
  expect(found('ppo/policy/entropy', falling)).toEqual([['entropy_collapse', 9]])
  // Low from the start is no collapse.
  expect(found('entropy', new Array(20).fill(0.01))).toEqual([])
  // Imitation is to make the model sure: those algorithms switch the alarm off.
  expect(found('entropy', falling, ['entropy_collapse'])).toEqual([])
})

it('tokens of another policy are told, rounding is not', () => {
  const name = 'sampling/sampling_logp_difference/mean'
  expect(found(name, [1e-6, 1e-3, 5e-3, 5e-3])).toEqual([])
  expect(found(name, [0.05, 0.1, 0.2, 0.3])).toEqual([['other_policy', 2]])
})

it('gradients that are not finite and updates that clip everything are told', () => {
  expect(found('grad_norm', [1, 2, -1, -1, 1, -1])).toEqual([
    ['not_finite', 2],
    ['not_finite', 5],
  ])
  expect(found('ppo/policy/clipfrac', [0.1, 0.6, 0.6, 0.6])).toEqual([['clip_fraction', 3]])
})

it('a watch returns what began with the step', () => {
  const watch = watchMetrics(['entropy_collapse'])
  expect(watch.take(0, { grad_norm: 1 })).toEqual([])
  const [alarm] = watch.take(1, { grad_norm: -1, loss: 2 })
  expect(alarm).toMatchObject({ kind: 'not_finite', metric: 'grad_norm', step: 1 })
  expect(alarm?.message).toMatch(/not finite/)
  expect(watch.all).toHaveLength(1)
})

describe('metrics as files', () => {
  const table = { step: [0, 1], columns: { loss: [0.5, null], 'a,"b"': [1e-7, 2] } }
  it('JSON lines leave out what was not measured', () => {
    expect(metricFile(table, 'jsonl')).toBe('{"step":0,"loss":0.5,"a,\\"b\\"":1e-7}\n{"step":1,"a,\\"b\\"":2}\n')
  })
  it('CSV leaves it empty and quotes names', () => {
    expect(metricFile(table, 'csv')).toBe('step,loss,"a,""b"""\r\n0,0.5,1e-7\r\n1,,2\r\n')
  })
})
