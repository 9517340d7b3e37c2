import { fold, input, u32 } from '../kernel'
import { apply, at, fail } from '../op'
import type { Op } from '../op'
import { sizeOf } from '../tensor'
import type { Tensor } from '../tensor'

/** state += x, in place. Inputs: x and state, of equal shape. If the producer of x can accumulate, the planner lets it add to the state itself. */
export const accumulateIntoOp: Op<null> = {
  name: 'accumulateInto',
  mutates: [1],
  infer: ([x, state]) => {
    if (!x || !state || sizeOf(x.shape) !== sizeOf(state.shape)) fail('accumulateInto', 'equal sizes', x?.shape, state?.shape)
    return []
  },
  reference: (arrays) => [Float64Array.from(at(arrays, 1), (value, index) => value + (at(arrays, 0)[index] ?? 0))],
  kernel: (inputs) => {
    const count = sizeOf(at(inputs, 0).shape)
    return {
      dispatches: [
        {
          shader: 'elementwise/add_into',
          bindings: [input(0), input(1)],
          params: [u32(count)],
          workgroups: fold(Math.ceil(count / 64)),
          flops: count,
          bytes: 12 * count,
        },
      ],
    }
  },
  examples: [
    {
      label: 'values',
      inputs: [
        { shape: [9, 9], dtype: 'f32' },
        { shape: [9, 9], dtype: 'f32' },
      ],
      params: null,
    },
  ],
}

/** Adds x to the state in place. Both have the same shape. */
export function accumulateInto(state: Tensor, x: Tensor): void {
  apply(accumulateIntoOp, [x, state], null)
}
