/** Group advantages where the golden of TRL says nothing: which groups teach nothing. Their values: test/cli/parity.gpu.test.ts. */
import { expect, it } from 'vitest'
import { groupAdvantages, SCALE_REWARDS } from '../../src/training/grpoArithmetic'
import { flatGroupsOf, type GrpoSample } from '../../src/training/grpoBatch'
import { grpoConfig } from '../../src/training/grpoConfig'

it.each(SCALE_REWARDS)('a group whose rewards are all equal is flat and moves nothing, scale_rewards %s', (scale) => {
  const { advantages, isFlat } = groupAdvantages([1, 1, 1, 0, 2, 1], ['a', 'a', 'a', 'b', 'b', 'b'], scale)
  expect(isFlat).toEqual([true, true, true, false, false, false])
  expect(advantages.slice(0, 3)).toEqual([0, 0, 0])
  expect(advantages[4]).toBeGreaterThan(0)
  expect(advantages[3]).toBeLessThan(0)
})

it('with advantages of steps a group is flat when its steps are, not when its outcomes are', () => {
  const sample = (group: string, ...rewards: number[]): GrpoSample => {
    const stepIndex = rewards.map((_, index) => index)
    const rest = { truncatedTokens: 0, truncatedSteps: [], notTrainedSteps: [] }
    return { group, isTruncated: false, sequence: { trajectoryId: group, ids: [1, 2], stepOf: [-1, 0], rewards, stepIndex, ...rest } }
  }
  const samples = [sample('a', 0, 1), sample('a', 0.5, 1), sample('b', 1, 1), sample('b', 1, 1), sample('c', 0, 0), sample('c', 0, 1)]
  const flat = (advantage_level: string): string[] => [...flatGroupsOf(samples, grpoConfig.parse({ advantage_level }))]
  expect(flat('trajectory')).toEqual(['a', 'b'])
  expect(flat('step')).toEqual(['b'])
})
