/** Step rewards, GAE, whitening, losses and the KL controller in f64: against vectors of the released code, and their laws. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { klOf } from '../../src/engine/ops/stepReward'
import { gaeOp, type GaeParams } from '../../src/engine/ops/gae'
import { ppoLossOf, maskedGae, maskedWhiten } from '../../src/training/advantage'
import { nextKlCoef } from '../../src/training/algorithms/ppo/klController'
import { placeScoresByMask, placeStepScores, trainedPositions } from '../../src/training/batches/stepRewards'
import { maxDifference, ROUNDING, stepsOfMask, vectors } from './ppoVectors'

const { inputs } = vectors
const at = (grid: readonly (readonly number[])[], s: number, t: number): number => grid[s]?.[t] ?? Number.NaN
const classic: GaeParams = { gamma: inputs.gamma, lam: inputs.lam, gaeMaskMode: 'trl_classic' }
const clip = { cliprange: 0.2, cliprangeValue: 0.2, vfCoef: 0.1, ratioThreshold: 10 }

describe.each(['released', 'paper'] as const)('vectors of the released code, %s placement', (weighting) => {
  const expected = vectors[weighting]
  const rewards = inputs.mask.map((mask, s) => {
    const placed = placeScoresByMask(mask, inputs.scores[s] ?? [], weighting)
    return placed.map((score, t) => score - inputs.kl_coef * klOf('kl', at(inputs.logprobs, s, t), at(inputs.ref_logprobs, s, t)))
  })
  const dense = rewards.map((row, s) => maskedGae(row, inputs.values[s] ?? [], inputs.mask[s] ?? [], classic))
  const whitened = maskedWhiten(
    dense.map(({ advantages }) => advantages),
    inputs.mask,
  )

  it('rewards, advantages and returns', () => {
    expect(maxDifference(rewards, expected.rewards)).toBeLessThan(ROUNDING)
    expect(
      maxDifference(
        dense.map(({ advantages }) => advantages),
        expected.adv_raw,
      ),
    ).toBeLessThan(ROUNDING)
    expect(
      maxDifference(
        dense.map(({ returns }) => returns),
        expected.returns,
      ),
    ).toBeLessThan(ROUNDING)
    expect(maxDifference(whitened, expected.adv_whitened)).toBeLessThan(ROUNDING)
  })

  it('placing by step index is the walk over the mask', () => {
    inputs.mask.forEach((mask, s) => {
      const sequence = { stepOf: [-1, ...stepsOfMask(mask)], rewards: inputs.scores[s] ?? [] }
      const positions = trainedPositions(sequence, 'leave_out')
      expect(positions.map((position) => position - 1)).toEqual(mask.flatMap((m, t) => (m === 1 ? [t] : [])))
      const walked = placeScoresByMask(mask, sequence.rewards, weighting)
      expect(placeStepScores(sequence, positions, weighting)).toEqual(positions.map((position) => walked[position - 1]))
    })
  })

  it('losses', () => {
    const rows = inputs.mask.flatMap((mask, s) =>
      mask.flatMap((m, t) =>
        m === 1
          ? [
              {
                logp: at(vectors.new_logprobs, s, t),
                value: at(vectors.new_values, s, t),
                oldLogp: at(inputs.logprobs, s, t),
                oldValue: at(inputs.values, s, t),
                advantage: at(whitened, s, t),
                returns: dense[s]?.returns[t] ?? Number.NaN,
              },
            ]
          : [],
      ),
    )
    const loss = ppoLossOf(rows, clip)
    expect(Math.abs(loss.policy - expected.pg_loss)).toBeLessThan(ROUNDING)
    expect(Math.abs(loss.value - expected.vf_loss)).toBeLessThan(ROUNDING)
    expect(Math.abs(loss.total - expected.total)).toBeLessThan(ROUNDING)
    const far = rows.map((row) => ({ ...row, logp: row.oldLogp + 3 }))
    expect(ppoLossOf(far, clip)).toMatchObject({ policy: 0, value: 0, total: 0 })
  })
})

describe('step rewards', () => {
  it('released: the first of four counts three times, the last not at all', () => {
    const stepOf = [-1, 0, -1, 1, -1, 2, -1, 3]
    const rewards = [0.8, 0.5, 1, 1]
    const placed = (weighting: 'released' | 'paper'): number[] =>
      placeStepScores({ stepOf, rewards }, trainedPositions({ stepOf, rewards }, 'leave_out'), weighting)
    expect(placed('released')).toEqual([0.8 * 3, 1, 1, 0])
    expect(placed('paper')).toEqual([0.8, 0.5, 1, 1])
  })

  it('steps that truncation cut away keep their place; the rest keep their rewards', () => {
    // Step 0 is gone, and the first token of step 1 has nothing before it.
    const stepOf = [1, 1, -1, -1, 2, 2]
    const rewards = [0.1, 0.2, 0.3]
    const positions = trainedPositions({ stepOf, rewards }, 'leave_out')
    expect(positions).toEqual([1, 4, 5])
    expect(placeStepScores({ stepOf, rewards }, positions, 'released')).toEqual([0.2, 0, 0])
    const mask = [1, 0, 0, 1, 1]
    expect(placeScoresByMask(mask, rewards, 'released')).toEqual([0.2, 0, 0, 0, 0])
  })

  it('an unlabelled step is left out like an observation, or trained without a score', () => {
    const sequence = { stepOf: [-1, 0, 0, -1, 1, 1], rewards: [null, 0] }
    expect(trainedPositions(sequence, 'leave_out')).toEqual([4, 5])
    expect(trainedPositions(sequence, 'no_score')).toEqual([1, 2, 4, 5])
    expect(placeStepScores(sequence, [1, 2, 4, 5], 'paper')).toEqual([0, 0, 0, 0])
  })
})

describe('advantages', () => {
  /** Two ten-token steps with a 300-token reply between them, reward 1 at the end (training-algorithms.md A.0 #5). */
  const gapped = (gaeMaskMode: GaeParams['gaeMaskMode'], value: number): number => {
    const mask = [...ones(10), ...ones(300).map(() => 0), ...ones(10)]
    const rewards = mask.map((_, t) => Number(t === mask.length - 1))
    const values = mask.map(() => value)
    return maskedGae(rewards, values, mask, { gamma: 0.99, lam: 0.95, gaeMaskMode }).advantages[9] ?? Number.NaN
  }
  it('credit across a tool reply: lost in trl_classic, carried in skip', () => {
    expect(gapped('trl_classic', 0)).toBeCloseTo(5.5e-9, 10)
    expect(gapped('skip', 0)).toBeCloseTo(0.54, 2)
    expect(gapped('trl_classic', 0.5)).toBeCloseTo(-0.5, 2)
    expect(gapped('skip', 0.5)).toBeCloseTo(0.23, 2)
  })

  it('the packed-row op is the dense recursion, in both modes', () => {
    const cell = fc.record({
      mask: fc.constantFrom(0, 1),
      reward: fc.double({ min: -2, max: 2, noNaN: true }),
      value: fc.double({ min: -2, max: 2, noNaN: true }),
    })
    fc.assert(
      fc.property(
        fc.array(fc.array(cell, { minLength: 1, maxLength: 20 }), { minLength: 1, maxLength: 4 }),
        fc.constantFrom('skip' as const, 'trl_classic' as const),
        (sequences, gaeMaskMode) => {
          const params = { gamma: 0.97, lam: 0.9, gaeMaskMode }
          const rows: { reward: number; value: number; gap: number; advantage: number; returns: number }[] = []
          const firstRow = [0]
          for (const cells of sequences) {
            const dense = maskedGae(
              cells.map(({ reward }) => reward),
              cells.map(({ value }) => value),
              cells.map(({ mask }) => mask),
              params,
            )
            const positions = cells.flatMap(({ mask }, t) => (mask === 1 ? [t] : []))
            positions.forEach((t, index) => {
              const { reward, value } = cells[t] ?? { reward: 0, value: 0 }
              rows.push({
                reward,
                value,
                gap: (positions[index + 1] ?? t) - t,
                advantage: dense.advantages[t] ?? 0,
                returns: dense.returns[t] ?? 0,
              })
            })
            firstRow.push(rows.length)
          }
          const shape = [rows.length]
          const arrays = [
            Float64Array.from(rows, (r) => r.reward),
            Float64Array.from(rows, (r) => r.value),
            Uint32Array.from(rows, (r) => r.gap),
            Uint32Array.from(firstRow),
            Uint32Array.of(0, rows.length, sequences.length, 0),
          ]
          const [advantage, returns] = gaeOp.reference(arrays, [{ shape, dtype: 'f32' }], params)
          rows.forEach((row, r) => {
            expect(advantage?.[r]).toBeCloseTo(row.advantage, 9)
            expect(returns?.[r]).toBeCloseTo(row.returns, 9)
          })
        },
      ),
    )
  })

  it('whitening: mean 0 and unbiased variance 1 over the unmasked positions of the whole batch', () => {
    const values = [
      [1, 9, 4, 2],
      [7, 7, 0.5],
    ]
    const mask = [
      [1, 0, 1, 1],
      [0, 1, 1],
    ]
    const picked = maskedWhiten(values, mask).flatMap((row, s) => row.filter((_, t) => mask[s]?.[t] === 1))
    const mean = picked.reduce((sum, x) => sum + x, 0) / picked.length
    expect(mean).toBeCloseTo(0, 12)
    expect(picked.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (picked.length - 1)).toBeCloseTo(1, 6)
    expect(maskedWhiten([[3]], [[1]])).toEqual([[0]])
  })
})

describe('KL controller', () => {
  const control = { adap_kl_ctrl: true, target: 6, horizon: 10_000 }
  it('equals the vectors, one batch of 8 after another', () => {
    let coef = 0.3
    for (const [kl, expected] of vectors.adaptive_kl) {
      coef = nextKlCoef(coef, kl, 8, control)
      expect(Math.abs(coef - expected)).toBeLessThan(6e-10)
    }
  })
  it('a fixed coefficient stays, and a KL that is not a number moves nothing', () => {
    expect(nextKlCoef(0.3, 20, 8, { ...control, adap_kl_ctrl: false })).toBe(0.3)
    expect(nextKlCoef(0.3, Number.NaN, 8, control)).toBe(0.3)
  })
})

function ones(count: number): number[] {
  return Array.from({ length: count }, () => 1)
}
