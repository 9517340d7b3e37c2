import { fold, input, output, u32 } from '../kernel'
import { apply, at, fail, only } from '../op'
import type { Op } from '../op'
import { floats, sizeOf } from '../tensor'
import type { Tensor } from '../tensor'

/** y = max(x, 0), for x of any shape. */
export const reluOp: Op<null> = {
  name: 'relu',
  infer: ([x, another]) => {
    if (!x || another) fail('relu', 'one tensor', x?.shape, another?.shape)
    return [{ shape: x.shape, dtype: 'f32' }]
  },
  reference: ([x]) => [Float64Array.from(x ?? [], (value) => Math.max(value, 0))],
  kernel: (inputs) => {
    const count = sizeOf(at(inputs, 0).shape)
    return {
      dispatches: [
        {
          shader: 'elementwise/relu',
          bindings: [input(0), output(0)],
          params: [u32(count)],
          workgroups: fold(Math.ceil(count / 64)),
          flops: count,
          bytes: 8 * count,
        },
      ],
    }
  },
  backward: ({ grads, inputs }) => {
    const dy = at(grads, 0)
    return dy ? [only(apply(reluBackwardOp, [dy, at(inputs, 0)], null))] : []
  },
  examples: [{ label: 'values', inputs: [floats(7, 11)], params: null }],
}

/** dx = dy where x > 0, else 0, as in torch. Inputs: dy and x, of any equal shape. */
export const reluBackwardOp: Op<null> = {
  name: 'reluBackward',
  infer: ([dy, x]) => {
    if (!dy || dy.shape.join() !== x?.shape.join()) fail('reluBackward', 'dy and x of one shape', dy?.shape, x?.shape)
    return [{ shape: x.shape, dtype: 'f32' }]
  },
  reference: ([dy, x]) => [Float64Array.from(dy ?? [], (value, i) => ((x?.[i] ?? 0) > 0 ? value : 0))],
  kernel: (inputs) => {
    const count = sizeOf(at(inputs, 0).shape)
    return {
      dispatches: [
        {
          shader: 'elementwise/relu_backward',
          bindings: [input(0), input(1), output(0)],
          params: [u32(count)],
          workgroups: fold(Math.ceil(count / 64)),
          flops: count,
          bytes: 12 * count,
        },
      ],
    }
  },
  examples: [{ label: 'at 0 too', inputs: [floats(5), floats(5)], params: null, values: { 1: [-1, 0, 2, 1e-9, -1e-9] } }],
}

/** y = max(x, 0), with the shape of x. */
export function relu(x: Tensor): Tensor {
  return only(apply(reluOp, [x], null))
}
