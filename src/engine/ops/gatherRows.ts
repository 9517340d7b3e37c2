import { fold, input, output, u32 } from '../kernel'
import { apply, at, fail, only } from '../op'
import type { Op } from '../op'
import { floats, words } from '../tensor'
import type { Tensor, TensorSpec } from '../tensor'

/** The entry of `targetOf` for a token that is no target. */
export const NO_TARGET = 0xffff_ffff

/** y [R, D]: y[r] = x[rowOf[r]] for r < counts[1], else 0. Inputs: x [T, D], rowOf u32 [R], counts; targetOf u32 [T] is for the gradient. */
export const gatherRowsOp: Op<null> = {
  name: 'gatherRows',
  infer: ([x, rowOf, , targetOf]) => {
    const width = x?.shape[1] ?? 0
    if (x?.shape.length !== 2 || width % 4 !== 0 || rowOf?.shape.length !== 1 || targetOf?.shape[0] !== x.shape[0])
      fail('gatherRows', 'x [T, D] with D a multiple of 4, rowOf [R], targetOf [T]', x?.shape, rowOf?.shape, targetOf?.shape)
    return [{ shape: [at(rowOf.shape, 0), width], dtype: 'f32' }]
  },
  reference: (arrays, specs) => gather(arrays, at(specs, 1).shape[0] ?? 0, at(specs, 0).shape[1] ?? 0, at(arrays, 2)[1] ?? 0),
  kernel: (_inputs, outputs) => move('gather/gather_rows', outputs),
  backward: ({ grads, inputs }) => {
    const dy = at(grads, 0)
    return dy ? [only(apply(scatterRowsOp, [dy, at(inputs, 3), at(inputs, 2)], null)), null, null, null] : []
  },
  examples: [
    {
      label: 'three of five',
      inputs: [floats(5, 4), words(4), words(4), words(5)],
      params: null,
      values: { 1: [1, 2, 4, 9], 2: [5, 3, 1, 0], 3: [NO_TARGET, 0, 1, NO_TARGET, 2] },
    },
  ],
}

/** y [T, D]: y[t] = x[targetOf[t]] if token t is a target, else 0. Inputs: x [R, D], targetOf u32 [T], counts. */
export const scatterRowsOp: Op<null> = {
  name: 'scatterRows',
  infer: ([x, targetOf]) => {
    if (x?.shape.length !== 2 || targetOf?.shape.length !== 1) fail('scatterRows', 'x [R, D] and targetOf [T]', x?.shape, targetOf?.shape)
    return [floats(at(targetOf.shape, 0), at(x.shape, 1))]
  },
  reference: (arrays, specs) => {
    const [live, targets] = [at(arrays, 2)[0] ?? 0, at(arrays, 2)[1] ?? 0]
    const width = at(specs, 0).shape[1] ?? 0
    const rows = at(specs, 1).shape[0] ?? 0
    const y = new Float64Array(rows * width)
    for (let t = 0; t < Math.min(rows, live); t++) {
      const r = at(arrays, 1)[t] ?? NO_TARGET
      if (r < targets) for (let d = 0; d < width; d++) y[t * width + d] = at(arrays, 0)[r * width + d] ?? 0
    }
    return [y]
  },
  kernel: (_inputs, outputs) => move('gather/scatter_rows', outputs),
  examples: [
    {
      label: 'three of five',
      inputs: [floats(4, 4), words(5), words(4)],
      params: null,
      values: { 1: [NO_TARGET, 0, 1, NO_TARGET, 2], 2: [5, 3, 1, 0] },
    },
  ],
}

function gather(arrays: Parameters<Op<null>['reference']>[0], rows: number, width: number, live: number): Float64Array[] {
  const y = new Float64Array(rows * width)
  for (let r = 0; r < Math.min(rows, live); r++)
    for (let d = 0; d < width; d++) y[r * width + d] = at(arrays, 0)[(at(arrays, 1)[r] ?? 0) * width + d] ?? 0
  return [y]
}

function move(shader: string, outputs: readonly TensorSpec[]): ReturnType<Op<null>['kernel']> {
  const [rows = 0, width = 0] = at(outputs, 0).shape
  return {
    dispatches: [
      {
        shader,
        bindings: [input(0), input(1), input(2), output(0)],
        params: [u32(rows), u32(width / 4)],
        workgroups: fold(Math.ceil((rows * width) / 256)),
        bytes: 8 * rows * width,
      },
    ],
  }
}

/** y [R, D]: the rows of x [T, D] that `rowOf` [R] names. */
export function gatherRows(x: Tensor, rowOf: Tensor, counts: Tensor, targetOf: Tensor): Tensor {
  return only(apply(gatherRowsOp, [x, rowOf, counts, targetOf], null))
}
