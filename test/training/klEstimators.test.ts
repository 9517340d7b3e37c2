/**
 * What the estimators of the KL teach, over a whole toy vocabulary instead of samples: E_π[d k / d log π · ∇ log π] beside the gradient of the
 * KL itself, taken by finite differences (training-algorithms.md A.8; Schulman, "Approximating KL divergence").
 */
import { describe, expect, it } from 'vitest'
import { grpoLossOp, type GrpoLossParams } from '../../src/engine/ops/grpoLoss'
import { stepRewardOp, type KlPenalty } from '../../src/engine/ops/stepReward'

const logits = [0.3, -1.2, 0.9, 0.1, -0.4]
const reference = logSoftmax([0.8, -0.3, -0.5, 0.4, 0])

function logSoftmax(z: readonly number[]): number[] {
  const lse = Math.log(z.reduce((sum, value) => sum + Math.exp(value), 0))
  return z.map((value) => value - lse)
}
const kl = (from: readonly number[], to: readonly number[]): number =>
  from.reduce((sum, logp, v) => sum + Math.exp(logp) * (logp - (to[v] ?? 0)), 0)
const policy = logSoftmax(logits)

/** Of a function of the policy's log-probs, in the logits. */
const numericGradient = (of: (logp: readonly number[]) => number): number[] =>
  logits.map((_, k) => {
    const moved = (by: number): number => of(logSoftmax(logits.map((value, i) => (i === k ? value + by : value))))
    return (moved(1e-5) - moved(-1e-5)) / 2e-5
  })

/** Σ_v π_v slope_v ∇ log π_v: what sampled tokens teach on average. */
const expectedGradient = (slope: readonly number[]): number[] =>
  logits.map((_, k) =>
    policy.reduce((sum, logp, v) => sum + Math.exp(logp) * (slope[v] ?? 0) * (Number(v === k) - Math.exp(policy[k] ?? 0)), 0),
  )

/** Slopes of the loss at every token of the vocabulary, of which each is a row of its own: ratio 1, advantage 0, weight 1. */
function grpoSlopes(params: Partial<GrpoLossParams>): number[] {
  const rows = policy.length
  const given: GrpoLossParams = {
    ...{ epsilonLow: 0.2, epsilonHigh: 0.2, delta: null, beta: 1, isKlCorrected: false, level: 'token', isCispo: false },
    ...params,
  }
  const table = policy.flatMap((logp, v) => [logp, reference[v] ?? 0, 0, 0])
  const arrays = [
    Float64Array.from(policy),
    new Float64Array(rows),
    Uint32Array.from(policy, (_, r) => r),
    Float64Array.from(table),
    Uint32Array.from(policy.flatMap((_, r) => [r, r + 1])),
    new Float64Array(rows).fill(1),
    Uint32Array.of(rows, rows, rows, 0),
  ]
  const specs = arrays.map((array) => ({ shape: [array.length], dtype: 'f32' as const }))
  return Array.from(grpoLossOp.reference(arrays, specs, given)[0] ?? [])
}
const near = (found: readonly number[], expected: readonly number[]): void => {
  found.forEach((value, k) => {
    expect(value).toBeCloseTo(expected[k] ?? Number.NaN, 8)
  })
}

describe('the gradient of', () => {
  it('k1 is zero on average: in a loss it teaches nothing', () => {
    near(expectedGradient(policy.map(() => 1)), [0, 0, 0, 0, 0])
  })

  it('k2 is that of KL(π ‖ π_ref)', () => {
    const slope = policy.map((logp, v) => logp - (reference[v] ?? 0))
    near(
      expectedGradient(slope),
      numericGradient((logp) => kl(logp, reference)),
    )
  })

  it('k3, as GRPO has it, is that of the other KL, KL(π_ref ‖ π)', () => {
    const found = expectedGradient(grpoSlopes({}))
    near(
      found,
      numericGradient((logp) => kl(reference, logp)),
    )
    const own = numericGradient((logp) => kl(logp, reference))
    expect(Math.max(...found.map((value, k) => Math.abs(value - (own[k] ?? 0))))).toBeGreaterThan(0.01)
  })

  it('k3 weighed by the ratio (use_bias_correction_kl) is that of KL(π ‖ π_ref)', () => {
    near(
      expectedGradient(grpoSlopes({ isKlCorrected: true })),
      numericGradient((logp) => kl(logp, reference)),
    )
  })
})

it('PPO’s penalties: kl and low_var_kl (k1 and k3) are unbiased, mse is k2', () => {
  const rows = policy.length
  const arrays = [
    Float64Array.from(policy),
    Float64Array.from(reference),
    new Float64Array(rows),
    Float64Array.of(1, 0, 0, 0),
    Uint32Array.of(rows, rows, 1, 0),
  ]
  const specs = arrays.map((array) => ({ shape: [array.length], dtype: 'f32' as const }))
  const mean = (klPenalty: KlPenalty): number => {
    const [, penalty] = stepRewardOp.reference(arrays, specs, { klPenalty })
    return policy.reduce((sum, logp, v) => sum + Math.exp(logp) * (penalty?.[v] ?? Number.NaN), 0)
  }
  expect(mean('kl')).toBeCloseTo(kl(policy, reference), 12)
  expect(mean('low_var_kl')).toBeCloseTo(kl(policy, reference), 12)
  expect(mean('mse')).toBeCloseTo(
    policy.reduce((sum, logp, v) => sum + (Math.exp(logp) * (logp - (reference[v] ?? 0)) ** 2) / 2, 0),
    12,
  )
  expect(mean('abs')).toBeGreaterThan(mean('kl'))
})
