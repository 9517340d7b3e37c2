/** What every algorithm is held to on the task of two calls. */
import { expect, test } from 'vitest'
import { gapClosed, type LearningRun } from './twoCalls'

/** Three seeds close 60 % of the way from chance to the optimum; with rewards handed to the wrong episodes none goes 15 % of it. */
export function closesTheGap(algorithm: string, steps: number, run: LearningRun): void {
  test.each([7, 8, 9])(`${algorithm}: seed %i closes the gap`, async (seed) => {
    expect(await gapClosed(algorithm, run, seed, steps)).toBeGreaterThanOrEqual(0.6)
  })
  test.each([7, 8, 9])(`${algorithm}: seed %i does not with shuffled rewards`, async (seed) => {
    expect(await gapClosed(algorithm, run, seed, steps, true)).toBeLessThan(0.15)
  })
}
