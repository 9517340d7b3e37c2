import { philox4x32 } from '../../base/random'
import { f32, fold, input, output, u32 } from '../kernel'
import { apply, at, fail, only } from '../op'
import type { Op } from '../op'
import type { Tensor } from '../tensor'

export interface DropoutParams {
  /** Share of elements that become 0; below 1. */
  readonly rate: number
  /** Distinguishes masks that are drawn from one state. */
  readonly stream: number
}

/** Random words below this are dropped. */
const leastWord = (rate: number): number => Math.floor(rate * 2 ** 32)

/**
 * y [T, W] = x / (1 − rate), or 0 where an element is dropped (Srivastava 2014; inverted, as in torch). Inputs: x [T, W], and state [3] = key low,
 * key high, counter. The same state and stream give the same mask, whatever other rows are in the batch. W is a multiple of 4.
 */
export const dropoutOp: Op<DropoutParams> = {
  name: 'dropout',
  infer: ([x, state]) => {
    if (x?.shape.length !== 2 || (x.shape[1] ?? 0) % 4 !== 0 || state?.shape.join() !== '3')
      fail('dropout', 'x [T, W], W a multiple of 4, and state [3]', x?.shape, state?.shape)
    return [{ shape: x.shape, dtype: 'f32' }]
  },
  reference: ([x, state], specs, { rate, stream }) => {
    const width = at(specs, 0).shape[1] ?? 1
    const key = [state?.[0] ?? 0, state?.[1] ?? 0] as const
    return [
      Float64Array.from(x ?? [], (value, index) => {
        const column = index % width
        const words = philox4x32([Math.floor(index / width), column >> 2, stream, state?.[2] ?? 0], key)
        return at(words, column % 4) >= leastWord(rate) ? value / (1 - rate) : 0
      }),
    ]
  },
  kernel: (inputs, _outputs, { rate, stream }) => {
    const [rows = 0, width = 0] = at(inputs, 0).shape
    const count = (rows * width) / 4
    return {
      dispatches: [
        {
          shader: 'elementwise/dropout',
          bindings: [input(0), input(1), output(0)],
          params: [u32(count), u32(leastWord(rate)), f32(1 / (1 - rate)), u32(width / 4), u32(stream)],
          workgroups: fold(Math.ceil(count / 64)),
          // Ten rounds of Philox to four elements.
          flops: 100 * count,
          bytes: 32 * count,
        },
      ],
    }
  },
  backward: ({ grads, inputs, params }) => {
    const dy = at(grads, 0)
    return dy ? [only(apply(dropoutOp, [dy, at(inputs, 1)], params)), null] : []
  },
  examples: [
    {
      label: 'a third',
      inputs: [
        { shape: [7, 12], dtype: 'f32' },
        { shape: [3], dtype: 'u32' },
      ],
      params: { rate: 1 / 3, stream: 5 },
      values: { 1: [3, 4_000_000_000, 17] },
    },
  ],
}

/** x [T, W] with elements dropped at random; see `dropoutOp`. */
export function dropout(x: Tensor, state: Tensor, params: DropoutParams): Tensor {
  return only(apply(dropoutOp, [x, state], params))
}
