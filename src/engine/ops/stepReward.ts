import { fold, input, output, u32 } from '../kernel'
import { apply, at, fail } from '../op'
import type { Op } from '../op'
import { floats, words } from '../tensor'
import type { Tensor } from '../tensor'

/** The ways to compute a token’s KL penalty; see `klOf`. */
export const KL_PENALTIES = ['kl', 'abs', 'mse', 'low_var_kl'] as const
export type KlPenalty = (typeof KL_PENALTIES)[number]

export interface StepRewardParams {
  readonly klPenalty: KlPenalty
}

/** TRL's per-token penalty: `kl` = log π − log π_ref (k1), `abs` its absolute value, `mse` half its square (k2); and verl's `low_var_kl` (k3). */
export function klOf(penalty: KlPenalty, logp: number, ref: number): number {
  const difference = logp - ref
  switch (penalty) {
    case 'kl':
      return difference
    case 'abs':
      return Math.abs(difference)
    case 'mse':
      return 0.5 * difference ** 2
    case 'low_var_kl':
      return Math.exp(-difference) + difference - 1
  }
}

/**
 * reward[r] = score[r] − β · kl[r] (TRL 0.11 `compute_rewards`; StepTool adds one score per step, at its last token).
 * Inputs: logp, reference logp, score, each [R], β [4] (word 0), counts. Outputs: reward [R], kl [R]; 0 past the live targets.
 */
export const stepRewardOp: Op<StepRewardParams> = {
  name: 'stepReward',
  infer: ([logp, ref, score]) => {
    const shape = logp?.shape.join()
    if (logp?.shape.length !== 1 || ref?.shape.join() !== shape || score?.shape.join() !== shape)
      fail('stepReward', 'logp, reference logp and score of one [R]', logp?.shape, ref?.shape, score?.shape)
    return [floats(...logp.shape), floats(...logp.shape)]
  },
  reference: (arrays, specs, { klPenalty }) => {
    const rows = at(specs, 0).shape[0] ?? 0
    const reward = new Float64Array(rows)
    const kl = new Float64Array(rows)
    for (let r = 0; r < Math.min(rows, at(arrays, 4)[1] ?? 0); r++) {
      kl[r] = klOf(klPenalty, at(arrays, 0)[r] ?? 0, at(arrays, 1)[r] ?? 0)
      reward[r] = (at(arrays, 2)[r] ?? 0) - (at(arrays, 3)[0] ?? 0) * (kl[r] ?? 0)
    }
    return [reward, kl]
  },
  kernel: (inputs, _outputs, { klPenalty }) => {
    const rows = at(inputs, 0).shape[0] ?? 0
    return {
      dispatches: [
        {
          shader: 'loss/step_reward',
          bindings: [input(0), input(1), input(2), input(3), input(4), output(0), output(1)],
          params: [u32(rows), u32(KL_PENALTIES.indexOf(klPenalty))],
          workgroups: fold(Math.ceil(rows / 64)),
          flops: 4 * rows,
          bytes: 20 * rows,
        },
      ],
    }
  },
  examples: KL_PENALTIES.map((klPenalty) => ({
    label: klPenalty,
    liveRows: { 0: 66, 1: 66, 2: 66 },
    inputs: [floats(70), floats(70), floats(70), floats(4), words(4)],
    params: { klPenalty },
    values: { 3: [0.3, 0, 0, 0], 4: [90, 66, 1, 0] },
  })),
}

/** Rewards [R] and KL terms [R] of packed rows; see `stepRewardOp`. */
export function stepReward(
  rows: { readonly logp: Tensor; readonly ref: Tensor; readonly score: Tensor; readonly klCoef: Tensor; readonly counts: Tensor },
  params: StepRewardParams,
): { reward: Tensor; kl: Tensor } {
  const outputs = apply(stepRewardOp, [rows.logp, rows.ref, rows.score, rows.klCoef, rows.counts], params)
  return { reward: at(outputs, 0), kl: at(outputs, 1) }
}
