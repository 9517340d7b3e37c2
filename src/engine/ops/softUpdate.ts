import { f32, fold, input, u32 } from '../kernel'
import { apply, at, fail } from '../op'
import type { Op } from '../op'
import { sizeOf } from '../tensor'
import type { Tensor } from '../tensor'
import { packedShards } from './packedShards'

export interface SoftUpdateParams {
  /** Share of the online weights, 0 … 1; 1 copies them. */
  readonly tau: number
}

/** target = (1 − τ) target + τ online, in place (Lillicrap 2016, arXiv:1509.02971). Inputs: online [n], target [n]. */
export const softUpdateOp: Op<SoftUpdateParams> = {
  name: 'softUpdate',
  mutates: [1],
  infer: ([online, target]) => {
    if (!online || !target || sizeOf(online.shape) !== sizeOf(target.shape)) fail('softUpdate', 'equal sizes', online?.shape, target?.shape)
    return []
  },
  reference: (arrays, _specs, { tau }) => [
    Float64Array.from(at(arrays, 1), (value, index) => (1 - tau) * value + tau * (at(arrays, 0)[index] ?? 0)),
  ],
  kernel: (inputs, _outputs, { tau }, context) => ({
    dispatches: packedShards(sizeOf(at(inputs, 0).shape), context).map(({ first, count }) => ({
      shader: 'optimizer/soft_update',
      bindings: [input(0, first * 4, count * 4), input(1, first * 4, count * 4)],
      params: [u32(count), f32(tau)],
      workgroups: fold(Math.ceil(count / 64)),
      flops: 3 * count,
      bytes: 12 * count,
    })),
  }),
  examples: [
    { label: 'a tenth', inputs: [spec(130), spec(130)], params: { tau: 0.1 } },
    { label: 'all', inputs: [spec(9), spec(9)], params: { tau: 1 } },
  ],
}

/** Moves `target` [n] in place towards `online` [n] by the fraction τ. */
export function softUpdate(online: Tensor, target: Tensor, params: SoftUpdateParams): void {
  apply(softUpdateOp, [online, target], params)
}

function spec(size: number): { shape: number[]; dtype: 'f32' } {
  return { shape: [size], dtype: 'f32' }
}
