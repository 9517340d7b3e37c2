/** A worker that does not answer is noticed; a tab that slept is not taken for one. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { watchWorker } from '../../src/ui/stores/workerWatch'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function watched() {
  const said: (number | null)[] = []
  const questions: (() => void)[] = []
  let answers = true
  const stop = watchWorker({
    ask: () =>
      answers
        ? Promise.resolve([])
        : new Promise((resolve) =>
            questions.push(() => {
              resolve([])
            }),
          ),
    onSilence: (seconds) => said.push(seconds),
    now: () => Date.now(),
  })
  return { said, questions, stop, goSilent: () => void (answers = false) }
}

test('silence is told after fifteen seconds, and over when the worker answers', async () => {
  const { said, questions, stop, goSilent } = watched()
  await vi.advanceTimersByTimeAsync(9000)
  expect(said.every((seconds) => seconds === null)).toBe(true)
  goSilent()
  await vi.advanceTimersByTimeAsync(3000)
  said.length = 0
  await vi.advanceTimersByTimeAsync(12_000)
  expect(said).toEqual([])
  await vi.advanceTimersByTimeAsync(6000)
  expect(said).toEqual([15, 18])
  expect(questions).toHaveLength(1)
  questions[0]?.()
  await vi.advanceTimersByTimeAsync(0)
  expect(said.at(-1)).toBeNull()
  stop()
})

test('time in which the tab slept is not the worker’s silence', async () => {
  const { said, stop, goSilent } = watched()
  goSilent()
  await vi.advanceTimersByTimeAsync(3000)
  vi.setSystemTime(Date.now() + 600_000)
  await vi.advanceTimersByTimeAsync(3000)
  expect(said).toEqual([])
  await vi.advanceTimersByTimeAsync(18_000)
  expect(said[0]).toBe(15)
  stop()
})
