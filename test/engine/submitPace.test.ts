/** How much work goes into one submit follows what submits take, and gets over a time in which the machine slept. */
import { expect, it } from 'vitest'
import { SubmitPace } from '../../src/engine/device/submitPace'

it('one submit that took minutes does not make all later ones tiny', () => {
  const pace = new SubmitPace(250)
  for (let times = 0; times < 50; times++) pace.learn(1e9, 200)
  expect(pace.msPerGflop).toBeCloseTo(200, 0)
  expect(pace.budget / 1e9).toBeCloseTo(0.5, 2)
  pace.learn(4e8, 120_000)
  expect(pace.msPerGflop).toBeLessThan(400)
  // Submits are now smaller than 100 ms, and the estimate finds its way back.
  for (let times = 0; times < 30; times++) pace.learn(pace.budget, (pace.budget / 1e9) * 200)
  expect(pace.msPerGflop).toBeLessThan(210)
})

it('tiny submits teach nothing', () => {
  const pace = new SubmitPace(250)
  pace.learn(1e6, 4)
  expect(pace.msPerGflop).toBe(250)
})
