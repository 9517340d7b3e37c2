import { float32FromF16, f16FromFloat32 } from '../../base/halfFloat'
import { fold, input, output, u32 } from '../kernel'
import { apply, at, fail, only } from '../op'
import type { Op } from '../op'
import { sizeOf } from '../tensor'
import type { Tensor } from '../tensor'

/**
 * y = x rounded to half precision (to nearest even), for x of any shape whose size is a multiple of 4. The gradient passes unchanged
 * (straight-through, Bengio 2013). With it training uses the same keys and values as generation with an f16 cache.
 */
export const roundHalfOp: Op<null> = {
  name: 'roundHalf',
  infer: ([x]) => {
    if (!x || sizeOf(x.shape) % 4 !== 0) fail('roundHalf', 'a multiple of 4 values', x?.shape)
    return [{ shape: x.shape, dtype: 'f32' }]
  },
  reference: ([x]) => [Float64Array.from(float32FromF16(f16FromFloat32(Float32Array.from(x ?? []))))],
  kernel: (inputs) => {
    const count = sizeOf(at(inputs, 0).shape) / 4
    return {
      dispatches: [
        {
          shader: 'elementwise/round_half',
          bindings: [input(0), output(0)],
          params: [u32(count)],
          workgroups: fold(Math.ceil(count / 64)),
          flops: 24 * count,
          bytes: 32 * count,
        },
      ],
    }
  },
  backward: ({ grads }) => [at(grads, 0)],
  // The slope of the rounding itself is zero almost everywhere: nothing to take finite differences of.
  examples: [{ label: 'values', inputs: [{ shape: [9, 8], dtype: 'f32' }], params: null, differentiable: [] }],
}

/** x rounded to half precision, with the shape of x. */
export function roundHalf(x: Tensor): Tensor {
  return only(apply(roundHalfOp, [x], null))
}
