import { apply, at, fail, input, output, u32 } from '../op'
import type { Op } from '../op'
import type { Tensor, TensorSpec } from '../tensor'

/**
 * loss = −Σ_r weight_r logp_r over live targets. Inputs: logp [R], weight [R], counts. Outputs: dlogp [R] = −weight, totals [4] =
 * (loss, Σ weight, live rows, 0). The host divides weights by the supervised tokens of the whole accumulated batch.
 */
export const weightedNllOp: Op<null> = {
  name: 'weightedNll',
  infer: ([logp, weight]) => {
    if (!logp || logp.shape.join() !== weight?.shape.join()) fail('weightedNll', 'logp [R] and weight [R]', logp?.shape, weight?.shape)
    return [
      { shape: logp.shape, dtype: 'f32' },
      { shape: [4], dtype: 'f32' },
    ]
  },
  reference: (arrays, specs) => {
    const rows = at(specs, 0).shape[0] ?? 0
    const live = Math.min(rows, at(arrays, 2)[1] ?? 0)
    const dlogp = new Float64Array(rows)
    let loss = 0
    let sum = 0
    for (let r = 0; r < live; r++) {
      const w = at(arrays, 1)[r] ?? 0
      dlogp[r] = -w
      loss -= w * (at(arrays, 0)[r] ?? 0)
      sum += w
    }
    return [dlogp, Float64Array.of(loss, sum, live, 0)]
  },
  kernel: (inputs) => {
    const rows = at(inputs, 0).shape[0] ?? 0
    return {
      dispatches: [
        {
          shader: 'loss/weighted_nll',
          bindings: [input(0), input(1), input(2), output(0), output(1)],
          params: [u32(rows)],
          workgroups: [1, 1, 1],
          flops: 3 * rows,
          bytes: 12 * rows,
        },
      ],
    }
  },
  examples: [
    { label: 'stops at the live count', inputs: [f(70), f(70), { shape: [4], dtype: 'u32' }], params: null, values: { 2: [90, 66, 1, 0] } },
  ],
}

export function weightedNll(logp: Tensor, weight: Tensor, counts: Tensor): { dlogp: Tensor; totals: Tensor } {
  const outputs = apply(weightedNllOp, [logp, weight, counts], null)
  return { dlogp: at(outputs, 0), totals: at(outputs, 1) }
}

function f(...shape: number[]): TensorSpec {
  return { shape, dtype: 'f32' }
}
