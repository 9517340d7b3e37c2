/** How far the trained policy is from the sampling one, by hand. */
import { expect, it } from 'vitest'
import { samplingMetrics } from '../../src/training/policy/samplingMetrics'
import type { TokenizedTrajectory } from '../../src/training/batches/tokenizedTrajectory'

const source = (sampledLogp?: readonly number[]): TokenizedTrajectory => ({
  ...{ trajectoryId: 'one', ids: [1, 2, 3, 4], stepOf: [-1, 0, -1, 0], rewards: [1], stepIndex: [0] },
  ...{ truncatedTokens: 0, truncatedSteps: [], notTrainedSteps: [], ...(sampledLogp ? { sampledLogp } : {}) },
})
const item = (sampledLogp: readonly number[] | undefined, firstRow: number) => ({
  ...{ source: source(sampledLogp), sequence: { ids: [1, 2, 3, 4], targets: [1, 3] }, firstRow },
})

it('counts trained tokens whose log-prob at sampling is known', () => {
  const items = [item([Number.NaN, -1, Number.NaN, -2], 0), item(undefined, 2), item([Number.NaN, Number.NaN, Number.NaN, -3], 4)]
  const logp = [-1.5, -1, 7, 7, 7, -3]
  const found = samplingMetrics({ items }, (row) => logp[row] ?? Number.NaN)
  // −0.5, +1 and 0.
  expect(found['sampling/sampling_logp_difference/mean']).toBeCloseTo(0.5, 12)
  expect(found['sampling/sampling_logp_difference/max']).toBe(1)
  expect(found['sampling/importance_sampling_ratio/min']).toBeCloseTo(Math.exp(-0.5), 12)
  expect(found['sampling/importance_sampling_ratio/mean']).toBeCloseTo((Math.exp(-0.5) + Math.E + 1) / 3, 12)
  expect(found['sampling/importance_sampling_ratio/max']).toBeCloseTo(Math.E, 12)
})

it('says nothing where nothing is known', () => {
  expect(samplingMetrics({ items: [item(undefined, 0)] }, () => -1)).toEqual({})
})
