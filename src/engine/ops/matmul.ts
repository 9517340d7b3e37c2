/** Matrix products in the three layouts a linear layer needs: NT forward, NN for dX, TN for dW. */
import { apply, at, f32, fail, fold, input, only, output, u32 } from '../op'
import type { Dispatch, KernelContext, NumberArray, Op, OpExample } from '../op'
import type { Tensor, TensorSpec } from '../tensor'
import { columnSum } from './columnSum'
import { columnTile, rowTile, tileSubgroup } from './subgroupTiles'

export interface LinearParams {
  /** Multiplies the product, not the bias or the residual. */
  readonly alpha: number
  readonly hasBias: boolean
  readonly hasResidual: boolean
  /** Which word of `counts` bounds the rows when a weight gradient sums over them: 0 tokens, 1 targets. */
  readonly live: 0 | 1
}

const lanesFor = (columns: number): number => Math.min(32, Math.max(8, Math.ceil(columns / 32) * 8))
const divisible = (...extents: number[]): boolean => extents.every((extent) => extent % 4 === 0)
/** Row blocks go to y and z: y alone may hold 65,535. */
function rowGroups(columns: number, rows: number): [number, number, number] {
  const blocks = Math.ceil(rows / 4)
  return [columns, Math.min(blocks, 32_768), Math.ceil(blocks / 32_768)]
}

/** Up to so many columns and from so many rows on lanes run along the rows: along the columns most would have no work. */
const FEW_COLUMNS = 16
const MANY_ROWS = 128
const ROW_LANES = 32
const ROWS_PER_LANE = 4
const alongRows = (rows: number, columns: number): boolean => columns <= FEW_COLUMNS && rows >= MANY_ROWS
const thinTile = (columns: number): { QUADS: number; LANES: number; ROWS: number } => ({
  QUADS: columns / 4,
  LANES: ROW_LANES,
  ROWS: ROWS_PER_LANE,
})
const thinGroups = (rows: number): [number, number, number] => fold(Math.ceil(rows / (ROW_LANES * ROWS_PER_LANE)))

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
    // Unused optional operands are bound to inputs the kernel never reads.
    const bias = input(params.hasBias ? 3 : 1)
    const residual = input(params.hasResidual ? (params.hasBias ? 4 : 3) : 1)
    if (!divisible(k, n)) {
      const layout = { rows: m, columns: n, inner: k, aRow: k, aInner: 1, bRow: k, bInner: 1 }
      const bindings = [input(0), input(1), input(2), bias, residual, output(0)]
      return { dispatches: [anyDispatch(layout, params.alpha, bindings, { bias: params.hasBias, residual: params.hasResidual })] }
    }
    const flags = { HAS_BIAS: Number(params.hasBias), HAS_RESIDUAL: Number(params.hasResidual) }
    return { dispatches: [linearDispatch({ m, k, n }, params.alpha, flags, context, [input(0), input(1), bias, residual, output(0)])] }
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
      const layout = { rows: m, columns: n, inner: k, aRow: k, aInner: 1, bRow: 1, bInner: n }
      return {
        dispatches: [
          anyDispatch(layout, params.alpha, [input(0), input(1), input(1), input(1), input(1), output(0)], {
            accumulate: context.accumulate,
          }),
        ],
      }
    }
    return { dispatches: [nnDispatch({ m, k, n }, params.alpha, context, [input(0), input(1), output(0)])] }
  },
  examples: [
    { label: 'tiles', inputs: [spec(9, 8), spec(8, 40)], params: { alpha: 1 } },
    { label: 'few columns', inputs: [spec(9, 8), spec(8, 12)], params: { alpha: 1 } },
    { label: 'few columns, many rows', inputs: [spec(150, 8), spec(8, 8)], params: { alpha: 2 } },
    { label: 'odd extents', inputs: [spec(5, 3), spec(3, 7)], params: { alpha: 0.25 } },
  ],
}

type TileContext = Pick<KernelContext, 'isSoftware' | 'subgroupSize'>
const plainShaders = {
  nt: { tall: 'matmul/linear_rows', wide: 'matmul/linear' },
  nn: { tall: 'matmul/matmul_nn_rows', wide: 'matmul/matmul_nn' },
} as const

/** Which kernel computes a product whose rows are independent, and over which workgroups. K and N are multiples of 4. */
function rowsTiled(
  layout: 'nt' | 'nn',
  { m, k, n }: { m: number; k: number; n: number },
  flags: Readonly<Record<string, number>>,
  context: TileContext,
): Pick<Dispatch, 'shader' | 'constants' | 'workgroups'> {
  const subgroup = tileSubgroup(context)
  if (subgroup !== null) {
    const { constants, workgroups } = rowTile(layout, { m, k, n }, subgroup)
    return { shader: `matmul/subgroup_${layout}`, constants: { ...constants, ...flags }, workgroups }
  }
  if (alongRows(m, n))
    return { shader: plainShaders[layout].tall, constants: { K: k, N: n, ...flags, ...thinTile(n) }, workgroups: thinGroups(m) }
  const lanes = lanesFor(n)
  return {
    shader: plainShaders[layout].wide,
    constants: { K: k, N: n, ...flags, LANES: lanes },
    workgroups: rowGroups(Math.ceil(n / 4 / lanes), m),
  }
}

/** The NT kernel on given bindings (x, w, bias, residual, y). K and N are multiples of 4. */
function linearDispatch(
  { m, k, n }: { m: number; k: number; n: number },
  alpha: number,
  flags: { readonly HAS_BIAS: number; readonly HAS_RESIDUAL: number },
  context: TileContext,
  bindings: Dispatch['bindings'],
): Dispatch {
  return {
    ...rowsTiled('nt', { m, k, n }, flags, context),
    bindings,
    params: [u32(m), f32(alpha)],
    flops: 2 * m * n * k,
    bytes: 4 * (m * k + n * k + m * n),
  }
}

/** The NN kernel on given bindings (x, w, y). K and N are multiples of 4. */
export function nnDispatch(
  extent: { m: number; k: number; n: number },
  alpha: number,
  context: KernelContext,
  bindings: Dispatch['bindings'],
): Dispatch {
  const { m, k, n } = extent
  return {
    ...rowsTiled('nn', extent, { ACCUMULATE: Number(context.accumulate) }, context),
    bindings,
    params: [u32(m), f32(alpha)],
    flops: 2 * m * n * k,
    bytes: 4 * (m * k + n * k + m * n),
  }
}

/** The NT kernel without bias or residual on given bindings (x, w, y). */
export function ntDispatch(
  extent: { m: number; k: number; n: number },
  context: TileContext,
  bindings: { x: Dispatch['bindings'][number]; w: Dispatch['bindings'][number]; y: Dispatch['bindings'][number] },
): Dispatch {
  return linearDispatch(extent, 1, { HAS_BIAS: 0, HAS_RESIDUAL: 0 }, context, [bindings.x, bindings.w, bindings.w, bindings.w, bindings.y])
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
    return { dispatches: [tnDispatch({ m, n, k }, params, context, [input(0), input(1), input(2), output(0)])] }
  },
  examples: [
    {
      label: 'stops at the live count',
      inputs: [spec(9, 8), spec(9, 12), countsSpec],
      params: { alpha: 1, live: 0 },
      values: { 2: [7, 0, 1, 0] },
    },
    { label: 'odd extents', inputs: [spec(6, 3), spec(6, 5), countsSpec], params: { alpha: 2, live: 1 }, values: { 2: [6, 4, 1, 0] } },
  ],
}

/** The TN kernel on given bindings (a, b, counts, y). */
export function tnDispatch(
  extent: { m: number; n: number; k: number },
  params: { alpha: number; live: 0 | 1 },
  context: KernelContext,
  bindings: readonly [
    Dispatch['bindings'][number],
    Dispatch['bindings'][number],
    Dispatch['bindings'][number],
    Dispatch['bindings'][number],
  ],
): Dispatch {
  const { m, n, k } = extent
  if (!divisible(n, k)) {
    const layout = { rows: n, columns: k, inner: m, aRow: 1, aInner: n, bRow: 1, bInner: k }
    const [a, b, counts, y] = bindings
    return anyDispatch(layout, params.alpha, [a, b, counts, b, b, y], { counted: true, live: params.live, accumulate: context.accumulate })
  }
  const flags = { LIVE: params.live, ACCUMULATE: Number(context.accumulate) }
  const subgroup = tileSubgroup(context)
  const lanes = lanesFor(k)
  const plain = { constants: { N: n, K: k, LANES: lanes }, workgroups: [Math.ceil(k / 4 / lanes), n / 4, 1] as const }
  const { constants, workgroups } = subgroup === null ? plain : columnTile(n, k, subgroup)
  return {
    shader: subgroup === null ? 'matmul/matmul_tn' : 'matmul/subgroup_tn',
    constants: { ...constants, ...flags },
    bindings,
    params: [f32(params.alpha)],
    workgroups,
    flops: 2 * m * n * k,
    bytes: 4 * (m * k + m * n + n * k),
  }
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
