/** Group advantages where the golden of TRL says nothing: which groups teach nothing. Their values: test/cli/parity.gpu.test.ts. */
import { expect, it } from 'vitest'
import { groupAdvantages, SCALE_REWARDS } from '../../src/training/grpoArithmetic'

it.each(SCALE_REWARDS)('a group whose rewards are all equal is flat and moves nothing, scale_rewards %s', (scale) => {
  const { advantages, isFlat } = groupAdvantages([1, 1, 1, 0, 2, 1], ['a', 'a', 'a', 'b', 'b', 'b'], scale)
  expect(isFlat).toEqual([true, true, true, false, false, false])
  expect(advantages.slice(0, 3)).toEqual([0, 0, 0])
  expect(advantages[4]).toBeGreaterThan(0)
  expect(advantages[3]).toBeLessThan(0)
})
