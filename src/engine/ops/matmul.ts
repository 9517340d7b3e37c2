/** Matrix products that a linear layer's gradients need: NN for dX, TN for dW. Its forward pass, NT, is ops/linear. */
import { input, output, scratch } from '../kernel'
import { apply, at, fail, only } from '../op'
import type { Op } from '../op'
import { COUNT_WORD, type RowCount } from '../rowCount'
import { floats } from '../tensor'
import type { DType, Tensor, TensorSpec } from '../tensor'
import { isPacked } from '../weightFormat'
import { anyDispatch, divisible, matrix, product } from '../products/anyProduct'
import { nnDispatch, tnDispatch } from '../products/matmulDispatch'
import { weightShards } from '../weightRows'
import { addParts, innerSplit, partBytes, tokenSplit } from '../products/splitProduct'

const stored = (dtype: DType, ...shape: number[]): TensorSpec => ({ shape, dtype })
const countsSpec: TensorSpec = { shape: [4], dtype: 'u32' }

/** y [M, N] = alpha x [M, K] w [K, N]. Inputs: x, w. */
export const matmulNNOp: Op<{ readonly alpha: number }> = {
  name: 'matmulNN',
  canAccumulate: true,
  infer: (inputs) => {
    const [m, k] = matrix('matmulNN', inputs[0])
    const [wk, n] = matrix('matmulNN', inputs[1])
    if (k !== wk) fail('matmulNN', 'x [M, K] and w [K, N] with the same K', inputs[0]?.shape, inputs[1]?.shape)
    return [floats(m, n)]
  },
  reference: (arrays, specs, params) => {
    const [m, k] = matrix('matmulNN', specs[0])
    const [, n] = matrix('matmulNN', specs[1])
    return [product(at(arrays, 0), at(arrays, 1), { rows: m, columns: n, inner: k, aRow: k, aInner: 1, bRow: 1, bInner: n }, params.alpha)]
  },
  kernel: (inputs, _outputs, params, context) => {
    const [m, k] = matrix('matmulNN', inputs[0])
    const [, n] = matrix('matmulNN', inputs[1])
    if (!divisible(k, n)) {
      if (isPacked(at(inputs, 1).dtype)) fail('matmulNN', 'packed weights with both extents multiples of 4', inputs[1]?.shape)
      const layout = { rows: m, columns: n, inner: k, aRow: k, aInner: 1, bRow: 1, bInner: n }
      return {
        dispatches: [
          anyDispatch(layout, params.alpha, [input(0), input(1), input(1), input(1), input(1), output(0)], {
            accumulate: context.accumulate,
          }),
        ],
      }
    }
    const shards = weightShards(1, at(inputs, 1), context)
    const split = shards.length === 1 ? innerSplit(n, k, context) : null
    if (split) {
      const whole = nnDispatch({ m, k, n }, context, { x: input(0), w: at(shards, 0).rows, y: scratch(0) }, { split })
      const { accumulate } = context
      const sum = addParts(scratch(0), output(0), { rows: m, columns: n, split }, { alpha: params.alpha, accumulate })
      return { scratch: [partBytes(m, n, split)], dispatches: [whole, sum] }
    }
    return {
      dispatches: shards.map(({ first, count, rows }, shard) =>
        nnDispatch(
          { m, k: count, n },
          { ...context, accumulate: context.accumulate || shard > 0 },
          { x: input(0), w: rows, y: output(0) },
          { alpha: params.alpha, first, width: k },
        ),
      ),
    }
  },
  examples: [
    { label: 'tiles', inputs: [floats(9, 8), floats(8, 40)], params: { alpha: 1 } },
    { label: 'few columns', inputs: [floats(9, 8), floats(8, 12)], params: { alpha: 1 } },
    { label: 'few columns, many rows', inputs: [floats(150, 8), floats(8, 8)], params: { alpha: 2 } },
    { label: 'few columns, a long sum', inputs: [floats(70, 1284), floats(1284, 16)], params: { alpha: 2 } },
    { label: 'odd extents', inputs: [floats(5, 3), floats(3, 7)], params: { alpha: 0.25 } },
    { label: 'one row, a long sum', inputs: [floats(1, 1284), stored('int8', 1284, 64)], params: { alpha: 1 / 1284 } },
    ...(['bf16', 'f16', 'int8', 'int4'] as const).map((format) => ({
      label: `${format} weights`,
      inputs: [floats(19, 20), stored(format, 20, 96)],
      params: { alpha: 1 },
    })),
  ],
}

/** y [N, K] = alpha Σ_{m < counts[rowCount]} a[m, ·]ᵀ b[m, ·]. Inputs: a [M, N], b [M, K], counts. */
export const matmulTNOp: Op<{ readonly alpha: number; readonly rowCount: RowCount }> = {
  name: 'matmulTN',
  canAccumulate: true,
  infer: (inputs) => {
    const [m, n] = matrix('matmulTN', inputs[0])
    const [bm, k] = matrix('matmulTN', inputs[1])
    if (m !== bm) fail('matmulTN', 'a [M, N] and b [M, K] with the same M', inputs[0]?.shape, inputs[1]?.shape)
    return [floats(n, k)]
  },
  reference: (arrays, specs, params) => {
    const [, n] = matrix('matmulTN', specs[0])
    const [, k] = matrix('matmulTN', specs[1])
    const live = at(arrays, 2)[COUNT_WORD[params.rowCount]] ?? 0
    return [
      product(at(arrays, 0), at(arrays, 1), { rows: n, columns: k, inner: live, aRow: 1, aInner: n, bRow: 1, bInner: k }, params.alpha),
    ]
  },
  kernel: (inputs, _outputs, params, context) => {
    const [m, n] = matrix('matmulTN', inputs[0])
    const [, k] = matrix('matmulTN', inputs[1])
    const bindings = [input(0), input(1), input(2), output(0)] as const
    const split = divisible(n, k) ? tokenSplit(n, k, m, context) : null
    if (split) {
      const [a, b, counts, y] = bindings
      const whole = tnDispatch({ m, n, k }, { ...params, split }, context, [a, b, counts, scratch(0)])
      const stopsAt = { counts, rowCount: params.rowCount }
      const sum = addParts(scratch(0), y, { rows: n, columns: k, split }, { alpha: params.alpha, accumulate: context.accumulate, stopsAt })
      return { scratch: [partBytes(n, k, split)], dispatches: [whole, sum] }
    }
    if (divisible(n, k)) return { dispatches: [tnDispatch({ m, n, k }, params, context, bindings)] }
    const layout = { rows: n, columns: k, inner: m, aRow: 1, aInner: n, bRow: 1, bInner: k }
    const flags = { counted: true, rowCount: params.rowCount, accumulate: context.accumulate }
    return { dispatches: [anyDispatch(layout, params.alpha, [input(0), input(1), input(2), input(1), input(1), output(0)], flags)] }
  },
  examples: [
    {
      label: 'stops at the live count',
      liveRows: { 0: 7, 1: 7 },
      inputs: [floats(9, 8), floats(9, 12), countsSpec],
      params: { alpha: 1, rowCount: 'tokens' },
      values: { 2: [7, 0, 1, 0] },
    },
    {
      label: 'few columns, many rows',
      liveRows: { 0: 513, 1: 513 },
      inputs: [floats(700, 72), floats(700, 8), countsSpec],
      params: { alpha: 0.5, rowCount: 'targets' },
      values: { 2: [700, 513, 1, 0] },
    },
    {
      label: 'odd extents',
      inputs: [floats(6, 3), floats(6, 5), countsSpec],
      params: { alpha: 2, rowCount: 'targets' },
      values: { 2: [6, 4, 1, 0] },
    },
  ],
}

/** y [M, N] = alpha x [M, K] w [K, N]. */
export function matmulNN(x: Tensor, w: Tensor, alpha = 1): Tensor {
  return only(apply(matmulNNOp, [x, w], { alpha }))
}

/** y [N, K] = alpha times the transpose of a [M, N] times b [M, K], summed over the live rows. */
export function matmulTN(a: Tensor, b: Tensor, counts: Tensor, params: { alpha: number; rowCount: RowCount }): Tensor {
  return only(apply(matmulTNOp, [a, b, counts], params))
}
