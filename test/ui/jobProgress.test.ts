import { expect, test } from 'vitest'
import { countText, progressText } from '../../src/ui/layout/jobProgress'
import type { JobSnapshot } from '../../src/worker/protocol'

const job = (own: Partial<JobSnapshot>): JobSnapshot => ({
  ...{ job_id: 'j', run_id: 'r', kind: 'train', title: 'T', state: 'running', phase: 'training', done: 0, total: 0, dispatches: 0 },
  ...{ tokensPerSecond: null, etaSeconds: null, message: '', error: null },
  ...own,
})

test('a phase that counts nothing shows what the GPU does, never 0 of 0', () => {
  expect(progressText(job({}))).toBe('')
  expect(progressText(job({ phase: 'starting', activity: { kind: 'load', done: 120e6, total: 538e6 } }))).toBe(
    'loading weights, 120 of 538 MB',
  )
  expect(progressText(job({ phase: 'starting', activity: { kind: 'compile', done: 3, total: 40 } }))).toBe('compiling kernels, 3 of 40')
})

test('count, activity, speed and time left stand in one line', () => {
  const working = job({ done: 3, total: 20, tokensPerSecond: 812.4, etaSeconds: 241, activity: { kind: 'update', done: 1.4, total: 16 } })
  expect(progressText(working)).toBe('3 of 20 · updating, part 2 of 16, 8 % · 812 tok/s · 4 min 01 s left')
  expect(progressText({ ...working, state: 'paused', tokensPerSecond: null, etaSeconds: null })).toBe(
    'paused at 3 of 20 · updating, part 2 of 16, 8 %',
  )
  expect(progressText(job({ state: 'paused' }))).toBe('paused')
  expect(countText(job({ phase: 'downloading', done: 1_500_000, total: 3e9 }))).toBe('1.5 MB of 3.0 GB')
})
