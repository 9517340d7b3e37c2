/** How much work goes into one submit follows what submits take, and gets over a time in which the machine slept. */
import { expect, it } from 'vitest'
import { EngineDevice } from '../../src/engine/device/engineDevice'

function engine(): EngineDevice {
  const device = { addEventListener: () => undefined, lost: new Promise(() => undefined), features: new Set(), limits: {}, adapterInfo: {} }
  return new EngineDevice(device as unknown as GPUDevice, { isSoftware: true })
}

it('one submit that took minutes does not make all later ones tiny', () => {
  const device = engine()
  for (let times = 0; times < 50; times++) device.learn(1e9, 200)
  expect(device.msPerGflop).toBeCloseTo(200, 0)
  device.learn(4e8, 120_000)
  expect(device.msPerGflop).toBeLessThan(400)
  // Submits are now smaller than 100 ms, and the estimate finds its way back.
  for (let times = 0; times < 30; times++) device.learn((100 / device.msPerGflop) * 1e9, (100 / device.msPerGflop) * 200)
  expect(device.msPerGflop).toBeLessThan(210)
})

it('tiny submits teach nothing', () => {
  const device = engine()
  device.learn(1e6, 4)
  expect(device.msPerGflop).toBe(250)
})
