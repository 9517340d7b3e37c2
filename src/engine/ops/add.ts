import { fold, input, output, u32 } from '../kernel'
import { apply, at, fail, only } from '../op'
import type { Op } from '../op'
import { floats, sizeOf } from '../tensor'
import type { Tensor } from '../tensor'

/** y = a + b, equal shapes. */
export const addOp: Op<null> = {
  name: 'add',
  infer: ([a, b]) => {
    if (!a || !b || a.shape.join() !== b.shape.join()) fail('add', 'two equal shapes', a?.shape, b?.shape)
    return [{ shape: a.shape, dtype: 'f32' }]
  },
  reference: ([a, b]) => [Float64Array.from(a ?? [], (value, index) => value + (b?.[index] ?? 0))],
  kernel: (_inputs, outputs) => {
    const count = sizeOf(at(outputs, 0).shape)
    return {
      dispatches: [
        {
          shader: 'elementwise/add',
          bindings: [input(0), input(1), output(0)],
          params: [u32(count)],
          workgroups: fold(Math.ceil(count / 64)),
          flops: count,
          bytes: count * 12,
        },
      ],
    }
  },
  backward: ({ grads }) => [at(grads, 0), at(grads, 0)],
  examples: [
    { label: 'small', inputs: [floats(3, 5), floats(3, 5)], params: null },
    { label: 'over one workgroup', inputs: [floats(7, 30), floats(7, 30)], params: null },
  ],
}

/** y = a + b for tensors of equal shape. */
export function add(a: Tensor, b: Tensor): Tensor {
  return only(apply(addOp, [a, b], null))
}
