import { describe, expect, it } from 'vitest'
import { flipOf, metricFor, phaseState, rateOfCells, storySentence, wrongStep, wrongStepReason } from '../../src/ui/story/storyModel'
import type { ExamCell, JobSnapshot } from '../../src/worker/protocol'
import { trajectoryOf } from '../support/builders'

const cell = (status: ExamCell['status']): ExamCell => ({ query_id: 'q', group: '', text: '', status, calls: 2, trajectory_id: null })
const job = (patch: Partial<JobSnapshot>): JobSnapshot => ({
  job_id: 'j',
  run_id: 'r',
  kind: 'story',
  title: '',
  state: 'running',
  phase: 'starting',
  done: 0,
  total: 0,
  tokensPerSecond: null,
  etaSeconds: null,
  dispatches: 0,
  message: '',
  error: null,
  ...patch,
})

describe('the closing sentence', () => {
  it('says what was passed, the difference with its interval, and the calls', () => {
    const rate = (passed: number) => ({ n: 48, passed, rate: passed / 48, interval: [0, 1] as const })
    const difference = { difference: 7 / 48, interval: [0.02, 0.27] as const, gained: 9, lost: 2, distinguishable: true }
    expect(storySentence(rate(17), rate(24), difference, [2.8, 2.6])).toEqual({
      numbers: 'Passed 17 of 48 → 24 of 48; +15 points [2, 27]; calls 2.8 → 2.6.',
      verdict: null,
    })
    const chance = { ...difference, interval: [-0.08, 0.16] as const, distinguishable: false }
    const sentence = storySentence(rate(17), rate(19), chance, [2.8, 2.6])
    expect(sentence.numbers).toContain('[−8, 16]')
    expect(sentence.verdict).toBe('Not distinguishable from chance yet.')
  })
})

describe('phases', () => {
  it('are waiting, at work or done by where the job is', () => {
    const at = (phase: JobSnapshot['phase']) =>
      (['before', 'rewards', 'training', 'after'] as const).map((name) => phaseState(name, job({ phase }), null))
    expect(at('starting')).toEqual(['waiting', 'waiting', 'waiting', 'waiting'])
    expect(at('before')).toEqual(['working', 'waiting', 'waiting', 'waiting'])
    expect(at('rollout')).toEqual(['done', 'working', 'waiting', 'waiting'])
    expect(at('rewards')).toEqual(['done', 'working', 'waiting', 'waiting'])
    expect(at('training')).toEqual(['done', 'done', 'working', 'waiting'])
    expect(at('after')).toEqual(['done', 'done', 'done', 'working'])
  })
  it('say where a cancelled run stopped', () => {
    const cancelled = job({ phase: 'training', state: 'cancelled' })
    expect(phaseState('rewards', cancelled, null)).toBe('done')
    expect(phaseState('training', cancelled, null)).toBe('stopped')
    expect(phaseState('after', cancelled, null)).toBe('stopped')
  })
})

describe('flips and rates', () => {
  it('count solved against not solved, as the pass rate does', () => {
    expect(flipOf(cell('unsolved'), cell('solved'))).toBe('gained')
    expect(flipOf(cell('solved'), cell('unsure'))).toBe('lost')
    expect(flipOf(cell('unsure'), cell('unsolved'))).toBeNull()
    expect(flipOf(cell('solved'), cell(null))).toBeNull()
    expect(rateOfCells([cell('solved'), cell('unsure'), cell(null)])).toMatchObject({ n: 2, passed: 1, rate: 0.5 })
  })
})

describe('the step to open a trajectory at', () => {
  const steps = (truths: readonly ({ succeeded: boolean; needed: boolean } | null)[]) =>
    trajectoryOf(
      truths.map((truth) => ({ call: truth ? { name: 'a', arguments: {} } : null, truth, is_final: truth === null })),
      { query: '', status: 'unsolved' },
    )
  const good = { succeeded: true, needed: true }
  it('is the first failed call, else the first needless one, else the last', () => {
    const failed = steps([good, { succeeded: true, needed: false }, { succeeded: false, needed: true }, null])
    expect(wrongStep(failed)).toBe(2)
    expect(wrongStepReason(failed, 2)).toBe('the call failed')
    const needless = steps([good, { succeeded: true, needed: false }, null])
    expect(wrongStep(needless)).toBe(1)
    const wrongAnswer = steps([good, null])
    expect(wrongStep(wrongAnswer)).toBe(1)
    expect(wrongStepReason(wrongAnswer, 1)).toBe('the answer is not what was asked')
  })
})

describe('which metric is drawn', () => {
  it('prefers the well-known name', () => {
    expect(metricFor('kl', ['objective/kl_coef', 'objective/kl'])).toBe('objective/kl')
    expect(metricFor('reward', ['env/reward_mean', 'loss'])).toBe('env/reward_mean')
    expect(metricFor('loss', ['v1.loss'])).toBe('v1.loss')
    expect(metricFor('kl', ['loss'])).toBeNull()
  })
})
