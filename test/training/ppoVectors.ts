/** test/golden/steptool_ppo_vectors.json: two sequences through StepTool's arithmetic, released and paper, in float64. */
import { goldensOf } from '../../src/parity/goldens'
import { ppoVectors } from '../../src/training/algorithms/ppo/stepVectors'
import { projectRoot } from '../support/sources'

export { stepsOfMask } from '../../src/training/algorithms/ppo/stepVectors'
export const vectors = ppoVectors(goldensOf(projectRoot))

/** The vectors' numbers have six decimals. */
export const ROUNDING = 6e-7

export function maxDifference(found: readonly (readonly number[])[], expected: readonly (readonly number[])[]): number {
  return Math.max(...expected.flatMap((row, s) => row.map((value, t) => Math.abs(value - (found[s]?.[t] ?? Number.NaN)))))
}
