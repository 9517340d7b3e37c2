/** Dawn's callbacks (without a source) wait between looks; everybody else's are called at once, as before. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { calmPolling } from '../../src/cli/node/dawn'

const before = globalThis.setImmediate
beforeEach(calmPolling)
afterEach(() => {
  globalThis.setImmediate = before
  vi.restoreAllMocks()
})

/** Sixty looks, each asked for by the last one; how many were put off. */
async function putOff(look: (again: () => void) => () => void): Promise<number> {
  const timeouts = vi.spyOn(globalThis, 'setTimeout')
  let taken = 0
  await new Promise<void>((resolve) => {
    const again = (): void => {
      taken += 1
      if (taken === 60) resolve()
      else setImmediate(look(again))
    }
    setImmediate(look(again))
  })
  return timeouts.mock.calls.filter(([, delay]) => delay === 1).length
}

test('only functions without a source are put off, and not the first ten looks of a wait', async () => {
  expect(await putOff((again) => () => again())).toBe(0)
  vi.restoreAllMocks()
  const late = await putOff((again) => again.bind(null))
  expect(late).toBeGreaterThan(0)
  expect(late).toBeLessThanOrEqual(50)
})

test('arguments are handed on', async () => {
  const given = await new Promise((resolve) => setImmediate((...words: unknown[]) => resolve(words), 1, 'two'))
  expect(given).toEqual([1, 'two'])
})
