/** The time left of a training run covers every stage of every step to come, and is not claimed before it can be known. */
import { expect, test } from 'vitest'
import { createStepClock, updateShare } from '../../src/studio/runs/stepClock'

function clockOf(steps: number, practises: boolean, done = 0) {
  let now = 0
  const clock = createStepClock({ steps, done, practises, elapsedMs: () => now })
  return { clock, pass: (seconds: number) => void (now += seconds * 1000) }
}

test('nothing is said before a stage has been measured or has come some way', () => {
  const { clock, pass } = clockOf(3, true)
  clock.begin('practice')
  pass(2)
  expect(clock.secondsLeft()).toBeNull()
  clock.advance(0.5)
  // How long an update takes is not known yet.
  expect(clock.secondsLeft()).toBeNull()
  pass(2)
  clock.begin('update')
  pass(1)
  clock.advance(0.25)
  // 3 s of this update, then two steps of 4 + 4 s.
  expect(clock.secondsLeft()).toBeCloseTo(3 + 2 * 8, 9)
  pass(3)
  clock.endStep()
  expect(clock.secondsLeft()).toBeCloseTo(16, 9)
})

test('practice and updates still to come are both counted in the middle of a step', () => {
  const { clock, pass } = clockOf(4, true)
  clock.begin('practice')
  pass(10)
  clock.begin('update')
  pass(5)
  clock.endStep()
  clock.begin('practice')
  pass(4)
  expect(clock.secondsLeft()).toBeCloseTo(6 + 5 + 2 * 15, 9)
  // A further round of practice belongs to the same stage.
  clock.begin('practice')
  pass(1)
  expect(clock.secondsLeft()).toBeCloseTo(5 + 5 + 2 * 15, 9)
})

test('a stage that takes longer than the ones before it is as far as its own parts say', () => {
  const { clock, pass } = clockOf(2, false)
  clock.begin('update')
  pass(2)
  clock.endStep()
  clock.begin('update')
  pass(6)
  clock.advance(0.5)
  expect(clock.secondsLeft()).toBeCloseTo(6, 9)
})

test('a resumed run counts the steps it still takes, and a run that is over says nothing', () => {
  const { clock, pass } = clockOf(10, false, 8)
  clock.begin('update')
  pass(3)
  clock.endStep()
  expect(clock.secondsLeft()).toBeCloseTo(3, 9)
  clock.begin('update')
  pass(3)
  clock.endStep()
  expect(clock.secondsLeft()).toBeNull()
})

test('the share of an update counts scoring and every pass by their cost, and scoring only where there is some', () => {
  const online = updateShare(2)
  expect(online({ kind: 'score', done: 1, total: 2 })).toBeCloseTo(1 / 8, 12)
  expect(online({ kind: 'update', done: 0, total: 4 })).toBeCloseTo(2 / 8, 12)
  expect(online({ kind: 'update', done: 4, total: 4 })).toBe(1)
  expect(online({ kind: 'compile', done: 1, total: 2 })).toBeNull()
  expect(updateShare(1)({ kind: 'update', done: 1, total: 2 })).toBe(0.5)
})
