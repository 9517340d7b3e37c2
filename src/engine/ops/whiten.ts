import { input, output, u32 } from '../kernel'
import { apply, at, fail } from '../op'
import type { Op } from '../op'
import { floats, words } from '../tensor'
import type { Tensor } from '../tensor'

/**
 * y = (x − mean) / √(var + 1e-8) over the live targets, with the unbiased variance: TRL's `masked_whiten` without masked rows.
 * A single row has no variance and becomes 0. Inputs: x [R], counts. Outputs: y [R], moments [4] = (mean, var, n, 0).
 */
export const whitenOp: Op<null> = {
  name: 'whiten',
  infer: ([x]) => {
    if (x?.shape.length !== 1) fail('whiten', 'x [R]', x?.shape)
    return [floats(...x.shape), floats(4)]
  },
  reference: (arrays, specs) => {
    const rows = at(specs, 0).shape[0] ?? 0
    const live = Math.min(rows, at(arrays, 1)[1] ?? 0)
    const x = Array.from(at(arrays, 0)).slice(0, live)
    const mean = x.reduce((sum, value) => sum + value, 0) / Math.max(1, live)
    const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, live - 1)
    const y = Float64Array.from({ length: rows }, (_, r) => (r < live ? ((x[r] ?? 0) - mean) / Math.sqrt(variance + 1e-8) : 0))
    return [y, Float64Array.of(mean, variance, live, 0)]
  },
  kernel: (inputs) => {
    const rows = at(inputs, 0).shape[0] ?? 0
    return {
      dispatches: [
        {
          shader: 'reduce/whiten',
          bindings: [input(0), input(1), output(0), output(1)],
          params: [u32(rows)],
          workgroups: [1, 1, 1],
          flops: 6 * rows,
          bytes: 16 * rows,
        },
      ],
    }
  },
  examples: [
    {
      label: 'stops at the live count',
      liveRows: { 0: 270 },
      inputs: [floats(300), words(4)],
      params: null,
      values: { 1: [400, 270, 3, 0] },
    },
    { label: 'one row', inputs: [floats(3), words(4)], params: null, values: { 1: [4, 1, 1, 0] } },
  ],
}

/** y [R]: x [R] with mean 0 and variance 1 over the live targets, and the moments [4] of x; see `whitenOp`. */
export function whiten(x: Tensor, counts: Tensor): { y: Tensor; moments: Tensor } {
  const outputs = apply(whitenOp, [x, counts], null)
  return { y: at(outputs, 0), moments: at(outputs, 1) }
}
