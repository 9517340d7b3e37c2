import { f32, fold, input, output, u32 } from '../kernel'
import { apply, at, fail } from '../op'
import type { Op } from '../op'
import { floats, words } from '../tensor'
import type { Tensor } from '../tensor'

export interface GaeParams {
  readonly gamma: number
  readonly lam: number
  /**
   * What happens over tokens that carry no mask (tool replies). `trl_classic`: V = 0, r = 0 and the recursion goes on, so credit
   * decays by γλ per token. `skip`: next value and advantage are carried over them (verl's rule).
   */
  readonly gaeMaskMode: GaeMaskMode
}
export const GAE_MASK_MODES = ['trl_classic', 'skip'] as const
export type GaeMaskMode = (typeof GAE_MASK_MODES)[number]

/**
 * Generalised advantage estimation (Schulman 2016, arXiv:1506.02438) over packed rows of several sequences:
 *   A[r] = reward[r] − V[r] + c (γ V[r+1] + γλ A[r+1]),  c = (γλ)^(gap − 1) (`trl_classic`) or 1 (`skip`);  return = A + V.
 * gap[r] = tokens from row r to row r + 1, so a gap of g has g − 1 masked tokens; with V = r = 0 on those, TRL's recursion is exactly c.
 * Inputs: reward [R], value [R], gap u32 [R], first row of each sequence u32 [S + 1], counts. Outputs: advantage [R], return [R].
 */
export const gaeOp: Op<GaeParams> = {
  name: 'gae',
  infer: ([reward, value, gap, first]) => {
    const shape = reward?.shape.join()
    if (reward?.shape.length !== 1 || value?.shape.join() !== shape || gap?.shape.join() !== shape || first?.shape.length !== 1)
      fail('gae', 'reward, value and gap of one [R], first rows [S + 1]', reward?.shape, value?.shape, gap?.shape, first?.shape)
    return [floats(...reward.shape), floats(...reward.shape)]
  },
  reference: (arrays, specs, { gamma, lam, gaeMaskMode }) => {
    const rows = at(specs, 0).shape[0] ?? 0
    const [reward, value, gap, first] = [at(arrays, 0), at(arrays, 1), at(arrays, 2), at(arrays, 3)]
    const advantage = new Float64Array(rows)
    const returns = new Float64Array(rows)
    for (let s = 0; s < (at(arrays, 4)[2] ?? 0); s++) {
      const end = first[s + 1] ?? 0
      for (let r = end - 1; r >= (first[s] ?? 0); r--) {
        const carry = gaeMaskMode === 'skip' ? 1 : (gamma * lam) ** ((gap[r] ?? 1) - 1)
        const next = r + 1 < end ? carry * (gamma * (value[r + 1] ?? 0) + gamma * lam * (advantage[r + 1] ?? 0)) : 0
        advantage[r] = (reward[r] ?? 0) - (value[r] ?? 0) + next
        returns[r] = (advantage[r] ?? 0) + (value[r] ?? 0)
      }
    }
    return [advantage, returns]
  },
  kernel: (inputs, _outputs, { gamma, lam, gaeMaskMode }) => {
    const rows = at(inputs, 0).shape[0] ?? 0
    return {
      dispatches: [
        {
          shader: 'loss/gae',
          bindings: [input(0), input(1), input(2), input(3), input(4), output(0), output(1)],
          params: [u32(rows), f32(gamma), f32(gamma * lam), u32(Number(gaeMaskMode === 'skip'))],
          workgroups: fold(Math.ceil(Math.max(rows, at(inputs, 3).shape[0] ?? 0) / 64)),
          flops: 8 * rows,
          bytes: 20 * rows,
        },
      ],
    }
  },
  examples: GAE_MASK_MODES.map((gaeMaskMode) => ({
    label: gaeMaskMode,
    inputs: [floats(11), floats(11), words(11), words(4), words(4)],
    params: { gamma: 0.99, lam: 0.95, gaeMaskMode },
    values: { 2: [1, 4, 1, 1, 0, 1, 20, 3, 0], 3: [0, 5, 9, 9], 4: [40, 9, 2, 0] },
  })),
}

/** Advantages [R] and returns [R] of packed rows; see `gaeOp`. */
export function gae(
  rows: { readonly reward: Tensor; readonly value: Tensor; readonly gap: Tensor; readonly firstRow: Tensor; readonly counts: Tensor },
  params: GaeParams,
): { advantage: Tensor; returns: Tensor } {
  const outputs = apply(gaeOp, [rows.reward, rows.value, rows.gap, rows.firstRow, rows.counts], params)
  return { advantage: at(outputs, 0), returns: at(outputs, 1) }
}
