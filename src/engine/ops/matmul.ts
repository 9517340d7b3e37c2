/** Matrix products in the three layouts a linear layer needs: NT forward, NN for dX, TN for dW. */
import { apply, at, f32, fail, fold, input, only, output, scratch, u32 } from '../op'
import type { Dispatch, NumberArray, Op, OpExample } from '../op'
import type { DType, Tensor, TensorSpec } from '../tensor'
import { isPacked } from '../weightFormat'
import { columnSum } from './columnSum'
import { nnDispatch, ntDispatch, tnDispatch, weightShards } from './matmulDispatch'
import { addParts, innerSplit, partBytes, tokenSplit } from './splitProduct'

export interface LinearParams {
  /** Multiplies the product, not the bias or the residual. */
  readonly alpha: number
  readonly hasBias: boolean
  readonly hasResidual: boolean
  /** Which word of `counts` bounds the rows when a weight gradient sums over them: 0 tokens, 1 targets. */
  readonly live: 0 | 1
}

const divisible = (...extents: number[]): boolean => extents.every((extent) => extent % 4 === 0)
function matrix(op: string, spec: TensorSpec | undefined): readonly [number, number] {
  const [rows, columns] = spec?.shape ?? []
  if (rows === undefined || columns === undefined || spec?.shape.length !== 2) fail(op, 'a matrix', spec?.shape)
  return [rows, columns]
}

interface AnyLayout {
  readonly rows: number
  readonly columns: number
  readonly inner: number
  readonly aRow: number
  readonly aInner: number
  readonly bRow: number
  readonly bInner: number
}

/** y[i, j] = alpha Σ_k a[i, k] b[j, k] with any strides, in f64. */
function product(a: NumberArray, b: NumberArray, layout: AnyLayout, alpha: number): Float64Array {
  const y = new Float64Array(layout.rows * layout.columns)
  for (let i = 0; i < layout.rows; i++)
    for (let j = 0; j < layout.columns; j++) {
      let sum = 0
      for (let k = 0; k < layout.inner; k++)
        sum += (a[i * layout.aRow + k * layout.aInner] ?? 0) * (b[j * layout.bRow + k * layout.bInner] ?? 0)
      y[i * layout.columns + j] = alpha * sum
    }
  return y
}

function anyDispatch(
  layout: AnyLayout,
  alpha: number,
  bindings: Dispatch['bindings'],
  flags: { counted?: boolean; live?: number; bias?: boolean; residual?: boolean; accumulate?: boolean },
): Dispatch {
  return {
    shader: 'matmul/matmul_any',
    constants: {
      A_INNER: layout.aInner,
      B_ROW: layout.bRow,
      B_INNER: layout.bInner,
      J: layout.columns,
      INNER: layout.inner,
      COUNTED: Number(flags.counted ?? false),
      LIVE: flags.live ?? 0,
      HAS_BIAS: Number(flags.bias ?? false),
      HAS_RESIDUAL: Number(flags.residual ?? false),
      ACCUMULATE: Number(flags.accumulate ?? false),
    },
    bindings,
    params: [u32(layout.rows), f32(alpha), u32(layout.aRow)],
    workgroups: fold(Math.ceil((layout.rows * layout.columns) / 64)),
    flops: 2 * layout.rows * layout.columns * layout.inner,
    bytes: 4 * (layout.rows * layout.inner + layout.inner * layout.columns + layout.rows * layout.columns),
  }
}

const spec = (...shape: number[]): TensorSpec => ({ shape, dtype: 'f32' })
const stored = (dtype: DType, ...shape: number[]): TensorSpec => ({ shape, dtype })
const countsSpec: TensorSpec = { shape: [4], dtype: 'u32' }

/** y[M, N] = alpha x[M, K] w[N, K]ᵀ (+ bias[N]) (+ residual[M, N]). Inputs: x, w, counts, bias?, residual?. */
export const linearOp: Op<LinearParams> = {
  name: 'linear',
  infer: (inputs, params) => {
    const [m, k] = matrix('linear', inputs[0])
    const [n, wk] = matrix('linear', inputs[1])
    if (k !== wk) fail('linear', 'x [M, K] and w [N, K] with the same K', inputs[0]?.shape, inputs[1]?.shape)
    const bias = params.hasBias ? inputs[3] : undefined
    if (bias && bias.shape.join() !== String(n)) fail('linear', `a bias of [${n}]`, bias.shape)
    const residual = params.hasResidual ? inputs[params.hasBias ? 4 : 3] : undefined
    if (residual && residual.shape.join() !== `${m},${n}`) fail('linear', `a residual of [${m}, ${n}]`, residual.shape)
    return [spec(m, n)]
  },
  reference: (arrays, specs, params) => {
    const [m, k] = matrix('linear', specs[0])
    const [n] = matrix('linear', specs[1])
    const y = product(at(arrays, 0), at(arrays, 1), { rows: m, columns: n, inner: k, aRow: k, aInner: 1, bRow: k, bInner: 1 }, params.alpha)
    const bias = params.hasBias ? arrays[3] : undefined
    const residual = params.hasResidual ? arrays[params.hasBias ? 4 : 3] : undefined
    return [y.map((value, index) => value + (bias?.[index % n] ?? 0) + (residual?.[index] ?? 0))]
  },
  kernel: (inputs, _outputs, params, context) => {
    const [m, k] = matrix('linear', inputs[0])
    const [n] = matrix('linear', inputs[1])
    const w = at(inputs, 1)
    const bias = params.hasBias ? input(3) : undefined
    const residual = params.hasResidual ? input(params.hasBias ? 4 : 3) : undefined
    if (!divisible(k, n)) {
      if (isPacked(w.dtype)) fail('linear', 'packed weights with both extents multiples of 4', w.shape)
      const layout = { rows: m, columns: n, inner: k, aRow: k, aInner: 1, bRow: k, bInner: 1 }
      const bindings = [input(0), input(1), input(2), bias ?? input(1), residual ?? input(1), output(0)]
      return { dispatches: [anyDispatch(layout, params.alpha, bindings, { bias: params.hasBias, residual: params.hasResidual })] }
    }
    const shards = weightShards(1, w, context)
    const split = shards.length === 1 ? innerSplit(n, k, context) : null
    if (split) {
      const whole = { x: input(0), w: at(shards, 0).rows, y: scratch(0) }
      const sum = addParts(scratch(0), output(0), { rows: m, columns: n, split }, { alpha: params.alpha, bias, residual })
      return { scratch: [partBytes(m, n, split)], dispatches: [ntDispatch({ m, k, n }, context, whole, { split }), sum] }
    }
    const operands = { x: input(0), y: output(0), ...(bias ? { bias } : {}), ...(residual ? { residual } : {}) }
    return {
      dispatches: shards.map(({ first, count, rows }) =>
        ntDispatch({ m, k, n: count }, context, { ...operands, w: rows }, { alpha: params.alpha, first, width: n }),
      ),
    }
  },
  backward: ({ grads, inputs, params, needs }) => {
    const dy = at(grads, 0)
    if (!dy) return []
    const [x, w, counts] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)]
    const result: (Tensor | null)[] = [
      needs[0] ? matmulNN(dy, w, params.alpha) : null,
      needs[1] ? matmulTN(dy, x, counts, { alpha: params.alpha, live: params.live }) : null,
      null,
    ]
    if (params.hasBias) result.push(needs[3] ? columnSum(dy, counts, params.live) : null)
    if (params.hasResidual) result.push(dy)
    return result
  },
  examples: linearExamples(),
}

function linearExamples(): OpExample<LinearParams>[] {
  const values = (rows: number): Record<number, number[]> => ({ 2: [rows, rows, 1, 0] })
  return [
    {
      label: 'few columns',
      inputs: [spec(9, 8), spec(12, 8), countsSpec],
      params: { alpha: 1, hasBias: false, hasResidual: false, live: 0 },
      values: values(9),
    },
    {
      label: 'few columns, many rows',
      inputs: [spec(150, 8), spec(8, 8), countsSpec, spec(8), spec(150, 8)],
      params: { alpha: 2, hasBias: true, hasResidual: true, live: 0 },
      values: values(150),
    },
    {
      label: 'bias and residual',
      inputs: [spec(6, 4), spec(40, 4), countsSpec, spec(40), spec(6, 40)],
      params: { alpha: 0.5, hasBias: true, hasResidual: true, live: 1 },
      values: values(6),
    },
    ...(['bf16', 'f16', 'int8', 'int4'] as const).map((format) => ({
      label: `${format} weights`,
      inputs: [spec(19, 96), stored(format, 36, 96), countsSpec, spec(36)],
      params: { alpha: 1, hasBias: true, hasResidual: false, live: 0 as const },
      values: values(19),
      differentiable: [0],
    })),
    {
      label: 'few columns, a long sum',
      inputs: [spec(9, 1284), spec(8, 1284), countsSpec, spec(8), spec(9, 8)],
      params: { alpha: 0.5, hasBias: true, hasResidual: true, live: 0 },
      values: values(9),
      differentiable: [3],
    },
    {
      label: 'odd extents',
      inputs: [spec(5, 7), spec(3, 7), countsSpec, spec(3)],
      params: { alpha: 2, hasBias: true, hasResidual: false, live: 0 },
      values: values(5),
    },
  ]
}

/** y[M, N] = alpha x[M, K] w[K, N]. */
export const matmulNNOp: Op<{ readonly alpha: number }> = {
  name: 'matmulNN',
  canAccumulate: true,
  infer: (inputs) => {
    const [m, k] = matrix('matmulNN', inputs[0])
    const [wk, n] = matrix('matmulNN', inputs[1])
    if (k !== wk) fail('matmulNN', 'x [M, K] and w [K, N] with the same K', inputs[0]?.shape, inputs[1]?.shape)
    return [spec(m, n)]
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
    { label: 'tiles', inputs: [spec(9, 8), spec(8, 40)], params: { alpha: 1 } },
    { label: 'few columns', inputs: [spec(9, 8), spec(8, 12)], params: { alpha: 1 } },
    { label: 'few columns, many rows', inputs: [spec(150, 8), spec(8, 8)], params: { alpha: 2 } },
    { label: 'few columns, a long sum', inputs: [spec(70, 1284), spec(1284, 16)], params: { alpha: 2 } },
    { label: 'odd extents', inputs: [spec(5, 3), spec(3, 7)], params: { alpha: 0.25 } },
    { label: 'one row, a long sum', inputs: [spec(1, 1284), stored('int8', 1284, 64)], params: { alpha: 1 / 1284 } },
    ...(['bf16', 'f16', 'int8', 'int4'] as const).map((format) => ({
      label: `${format} weights`,
      inputs: [spec(19, 20), stored(format, 20, 96)],
      params: { alpha: 1 },
    })),
  ],
}

/** y[N, K] = alpha Σ_{m < counts[live]} a[m, N] b[m, K]. Inputs: a, b, counts. */
export const matmulTNOp: Op<{ readonly alpha: number; readonly live: 0 | 1 }> = {
  name: 'matmulTN',
  canAccumulate: true,
  infer: (inputs) => {
    const [m, n] = matrix('matmulTN', inputs[0])
    const [bm, k] = matrix('matmulTN', inputs[1])
    if (m !== bm) fail('matmulTN', 'a [M, N] and b [M, K] with the same M', inputs[0]?.shape, inputs[1]?.shape)
    return [spec(n, k)]
  },
  reference: (arrays, specs, params) => {
    const [, n] = matrix('matmulTN', specs[0])
    const [, k] = matrix('matmulTN', specs[1])
    const live = at(arrays, 2)[params.live] ?? 0
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
      const live = { counts, index: params.live }
      const sum = addParts(scratch(0), y, { rows: n, columns: k, split }, { alpha: params.alpha, accumulate: context.accumulate, live })
      return { scratch: [partBytes(n, k, split)], dispatches: [whole, sum] }
    }
    if (divisible(n, k)) return { dispatches: [tnDispatch({ m, n, k }, params, context, bindings)] }
    const layout = { rows: n, columns: k, inner: m, aRow: 1, aInner: n, bRow: 1, bInner: k }
    const flags = { counted: true, live: params.live, accumulate: context.accumulate }
    return { dispatches: [anyDispatch(layout, params.alpha, [input(0), input(1), input(2), input(1), input(1), output(0)], flags)] }
  },
  examples: [
    {
      label: 'stops at the live count',
      inputs: [spec(9, 8), spec(9, 12), countsSpec],
      params: { alpha: 1, live: 0 },
      values: { 2: [7, 0, 1, 0] },
    },
    {
      label: 'few columns, many rows',
      inputs: [spec(700, 72), spec(700, 8), countsSpec],
      params: { alpha: 0.5, live: 1 },
      values: { 2: [700, 513, 1, 0] },
    },
    { label: 'odd extents', inputs: [spec(6, 3), spec(6, 5), countsSpec], params: { alpha: 2, live: 1 }, values: { 2: [6, 4, 1, 0] } },
  ],
}

export interface LinearOptions {
  readonly bias?: Tensor
  readonly residual?: Tensor
  readonly alpha?: number
  readonly live?: 0 | 1
}

export function linear(x: Tensor, w: Tensor, counts: Tensor, options: LinearOptions = {}): Tensor {
  const inputs = [x, w, counts]
  if (options.bias) inputs.push(options.bias)
  if (options.residual) inputs.push(options.residual)
  const params = {
    alpha: options.alpha ?? 1,
    hasBias: options.bias !== undefined,
    hasResidual: options.residual !== undefined,
    live: options.live ?? 0,
  }
  return only(apply(linearOp, inputs, params))
}

export function matmulNN(x: Tensor, w: Tensor, alpha = 1): Tensor {
  return only(apply(matmulNNOp, [x, w], { alpha }))
}

export function matmulTN(a: Tensor, b: Tensor, counts: Tensor, params: { alpha: number; live: 0 | 1 }): Tensor {
  return only(apply(matmulTNOp, [a, b, counts], params))
}
