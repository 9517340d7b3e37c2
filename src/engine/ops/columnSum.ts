import { input, output, scratch, u32 } from '../kernel'
import { apply, at, fail, only } from '../op'
import type { Op } from '../op'
import { COUNT_WORD, type RowCount } from '../rowCount'
import { floats } from '../tensor'
import type { Tensor } from '../tensor'

const CHUNK = 64

/** y [N] = Σ_{m < counts[rowCount]} x[m, ·]: the gradient of a bias. Inputs: x [M, N], counts. */
export const columnSumOp: Op<{ readonly rowCount: RowCount }> = {
  name: 'columnSum',
  canAccumulate: true,
  infer: ([x]) => {
    const n = x?.shape[1]
    if (x?.shape.length !== 2 || n === undefined) fail('columnSum', 'a matrix [M, N]', x?.shape)
    return [{ shape: [n], dtype: 'f32' }]
  },
  reference: (arrays, specs, params) => {
    const [, n = 0] = at(specs, 0).shape
    const live = at(arrays, 1)[COUNT_WORD[params.rowCount]] ?? 0
    const y = new Float64Array(n)
    for (let m = 0; m < live; m++) for (let j = 0; j < n; j++) y[j] = (y[j] ?? 0) + (at(arrays, 0)[m * n + j] ?? 0)
    return [y]
  },
  kernel: (inputs, _outputs, params, context) => {
    const [m = 0, n = 0] = at(inputs, 0).shape
    if (n % 4 !== 0) {
      // A value head has one output: one workgroup per column.
      return {
        dispatches: [
          {
            shader: 'reduce/column_sum_any',
            bindings: [input(0), input(1), output(0)],
            params: [u32(n), u32(COUNT_WORD[params.rowCount]), u32(Number(context.accumulate))],
            workgroups: [n, 1, 1],
            flops: m * n,
            bytes: 4 * m * n,
          },
        ],
      }
    }
    const chunks = Math.ceil(m / CHUNK)
    return {
      scratch: [chunks * n * 4],
      dispatches: [
        {
          shader: 'reduce/column_sum',
          constants: { CHUNK },
          bindings: [input(0), input(1), scratch(0)],
          params: [u32(n / 4), u32(COUNT_WORD[params.rowCount])],
          workgroups: [Math.ceil(n / 128), chunks, 1],
          flops: m * n,
          bytes: 4 * m * n,
        },
        {
          shader: 'reduce/sum_chunks',
          bindings: [scratch(0), output(0)],
          params: [u32(chunks), u32(n / 4), u32(Number(context.accumulate))],
          workgroups: [Math.ceil(n / 128), 1, 1],
          flops: chunks * n,
          bytes: 4 * chunks * n,
        },
      ],
    }
  },
  examples: [
    {
      label: 'two chunks',
      liveRows: { 0: 66 },
      inputs: [floats(70, 8), { shape: [4], dtype: 'u32' }],
      params: { rowCount: 'tokens' },
      values: { 1: [66, 1, 1, 0] },
    },
    {
      label: 'one column',
      liveRows: { 0: 68 },
      inputs: [floats(70, 1), { shape: [4], dtype: 'u32' }],
      params: { rowCount: 'targets' },
      values: { 1: [70, 68, 1, 0] },
    },
  ],
}

/** y [N]: the sum over the live rows of x [M, N]. */
export function columnSum(x: Tensor, countsTensor: Tensor, rowCount: RowCount): Tensor {
  return only(apply(columnSumOp, [x, countsTensor], { rowCount }))
}
