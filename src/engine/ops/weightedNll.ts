import { input, output, u32 } from '../kernel'
import { apply, at, fail } from '../op'
import type { Op } from '../op'
import { floats } from '../tensor'
import type { Tensor } from '../tensor'
import type { TokenLogProbs } from './logProb'

/**
 * loss = −Σ_r weight_r logp_r over live targets. Inputs: logp [R], weight [R], counts, entropy [R], isTop1 [R] (see logProb). Outputs:
 * dlogp [R] = −weight, totals [4] (`NLL_TOTAL`). The host divides weights by the supervised tokens of the whole accumulated batch.
 */
export const weightedNllOp: Op<null> = {
  name: 'weightedNll',
  infer: ([logp, weight, , entropy, isTop1]) => {
    if (!logp || [weight, entropy, isTop1].some((one) => one?.shape.join() !== logp.shape.join()))
      fail('weightedNll', 'logp, weight, entropy and isTop1 [R]', logp?.shape, weight?.shape, entropy?.shape, isTop1?.shape)
    return [
      { shape: logp.shape, dtype: 'f32' },
      { shape: [4], dtype: 'f32' },
    ]
  },
  reference: (arrays, specs) => {
    const rows = at(specs, 0).shape[0] ?? 0
    const live = Math.min(rows, at(arrays, 2)[1] ?? 0)
    const dlogp = new Float64Array(rows)
    let [loss, entropy, hits] = [0, 0, 0]
    for (let r = 0; r < live; r++) {
      const w = at(arrays, 1)[r] ?? 0
      dlogp[r] = -w
      loss -= w * (at(arrays, 0)[r] ?? 0)
      entropy += at(arrays, 3)[r] ?? 0
      hits += at(arrays, 4)[r] ?? 0
    }
    return [dlogp, Float64Array.of(loss, live, entropy, hits)]
  },
  kernel: (inputs) => {
    const rows = at(inputs, 0).shape[0] ?? 0
    return {
      dispatches: [
        {
          shader: 'loss/weighted_nll',
          bindings: [input(0), input(1), input(2), input(3), input(4), output(0), output(1)],
          params: [u32(rows)],
          workgroups: [1, 1, 1],
          flops: 4 * rows,
          bytes: 20 * rows,
        },
      ],
    }
  },
  examples: [
    {
      label: 'stops at the live count',
      liveRows: { 0: 66, 1: 66, 3: 66, 4: 66 },
      inputs: [floats(70), floats(70), { shape: [4], dtype: 'u32' }, floats(70), floats(70)],
      params: null,
      values: { 2: [90, 66, 1, 0] },
    },
  ],
}

/** Which word of `totals` [4] holds which sum over the live targets. */
export const NLL_TOTAL = { loss: 0, rows: 1, entropy: 2, hits: 3 } as const

/**
 * The cotangent dlogp [R] of a weighted sum of −log p, with its totals [4]; see `weightedNllOp`.
 * @param scores the scores of the target rows, as `logProb` returns them.
 */
export function weightedNll(scores: Omit<TokenLogProbs, 'lse'>, weight: Tensor, counts: Tensor): { dlogp: Tensor; totals: Tensor } {
  const outputs = apply(weightedNllOp, [scores.logp, weight, counts, scores.entropy, scores.isTop1], null)
  return { dlogp: at(outputs, 0), totals: at(outputs, 1) }
}
