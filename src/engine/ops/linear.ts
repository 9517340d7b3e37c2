/** The linear layer: an NT product, to which its kernels add bias, residual and a LoRA adapter's low-rank term and apply SwiGLU's gate before they store. */
import { input, output, scratch } from '../kernel'
import { apply, at, fail, only } from '../op'
import type { Binding, Dispatch, Kernel, KernelContext } from '../kernel'
import type { NumberArray, Op } from '../op'
import type { RowCount } from '../rowCount'
import { bytesOf } from '../tensor'
import type { Tensor, TensorSpec } from '../tensor'
import { isPacked } from '../weightFormat'
import { anyDispatch, divisible, matrix, product } from '../products/anyProduct'
import { columnSum } from './columnSum'
import { gatedExamples, linearExamples } from './linearExamples'
import { places, type LinearParams } from './linearParams'
import { matmulNN, matmulTN } from './matmul'
import { ntDispatch, takesLora, type LinearOperands } from '../products/matmulDispatch'
import { weightRows, weightShards } from '../weightRows'
import { addParts, innerSplit, partBytes } from '../products/splitProduct'
import type { Split } from '../products/workgroupTiles'
import { gateDispatch, silu } from './swiglu'

function inferLinear(op: string, inputs: readonly TensorSpec[], params: LinearParams): TensorSpec {
  const [m, k] = matrix(op, inputs[0])
  const [n, wk] = matrix(op, inputs[1])
  if (k !== wk) fail(op, 'x [M, K] and w [N, K] with the same K', inputs[0]?.shape, inputs[1]?.shape)
  const place = places(params)
  const expect = (what: string, index: number | undefined, ...shape: number[]): void => {
    const found = index === undefined ? undefined : inputs[index]
    if (index !== undefined && found?.shape.join() !== shape.join()) fail(op, `${what} of [${shape.join(', ')}]`, found?.shape)
  }
  expect('a bias', place.bias, n)
  expect('a residual', place.residual, m, n)
  if (place.low !== undefined) {
    const [, rank] = matrix(op, inputs[place.low])
    expect('a low-rank factor', place.low, m, rank)
    expect('a low-rank factor', place.b, n, rank)
  }
  return { shape: [m, n], dtype: 'f32' }
}

function linearReference(arrays: readonly NumberArray[], specs: readonly TensorSpec[], params: LinearParams): Float64Array {
  const [m, k] = matrix('linear', specs[0])
  const [n] = matrix('linear', specs[1])
  const ofRows = (inner: number) => ({ rows: m, columns: n, inner, aRow: inner, aInner: 1, bRow: inner, bInner: 1 })
  const y = product(at(arrays, 0), at(arrays, 1), ofRows(k), params.alpha)
  const place = places(params)
  const of = (index: number | undefined): NumberArray | undefined => (index === undefined ? undefined : arrays[index])
  const [bias, residual, low, b] = [of(place.bias), of(place.residual), of(place.low), of(place.b)]
  const rank = place.low === undefined ? 0 : (specs[place.low]?.shape[1] ?? 0)
  const added = low && b ? product(low, b, ofRows(rank), params.loraScale ?? 0) : undefined
  return y.map((value, index) => value + (bias?.[index % n] ?? 0) + (residual?.[index] ?? 0) + (added?.[index] ?? 0))
}

/** The data that the dispatches of one linear layer share: extents, bound operands, and the parts of w that can each be bound. */
interface LinearLayout {
  readonly m: number
  readonly k: number
  readonly n: number
  readonly bias: Binding | undefined
  readonly residual: Binding | undefined
  readonly lora: LinearOperands['lora']
  /** Whether the kernels that take four numbers at a time fit. */
  readonly whole: boolean
  readonly shards: ReturnType<typeof weightShards>
  readonly split: Split | null
}

function layoutOf(inputs: readonly TensorSpec[], params: LinearParams, context: KernelContext): LinearLayout {
  const [m, k] = matrix('linear', inputs[0])
  const [n] = matrix('linear', inputs[1])
  const w = at(inputs, 1)
  const place = places(params)
  const bound = (index: number | undefined): Binding | undefined => (index === undefined ? undefined : input(index))
  const [low, b] = [bound(place.low), bound(place.b)]
  const rank = place.low === undefined ? 0 : (inputs[place.low]?.shape[1] ?? 0)
  const whole = divisible(k, n)
  if (!whole && isPacked(w.dtype)) fail('linear', 'packed weights with both extents multiples of 4', w.shape)
  const shards = weightShards(1, w, context)
  return {
    ...{ m, k, n, bias: bound(place.bias), residual: bound(place.residual), whole, shards },
    lora: low && b ? { low, b, rank, scale: params.loraScale ?? 0 } : undefined,
    split: whole && shards.length === 1 ? innerSplit(n, k, context) : null,
  }
}

/** y [M, N] = alpha x wᵀ with everything that is added to it: in one dispatch per part of w where the kernel can, else in several passes over scratch areas. */
function linearKernel(
  inputs: readonly TensorSpec[],
  params: LinearParams,
  context: KernelContext,
  y: Binding,
  gate: Binding | undefined,
): Kernel {
  const layout = layoutOf(inputs, params, context)
  const { m, k, n, bias, residual, lora, whole, split } = layout
  const areas: number[] = []
  const area = (bytes: number): Binding => scratch(areas.push(bytes) - 1)
  const takesAdapter = (rank: number): boolean =>
    params.alpha === 1 && takesLora({ columns: n, inner: k, format: weightRows(1, at(inputs, 1)).format }, rank, context)
  if (whole && !split && (!lora || takesAdapter(lora.rank))) {
    const operands = {
      ...{ x: input(0), y },
      ...(bias ? { bias } : {}),
      ...(residual ? { residual } : {}),
      ...(lora ? { lora } : {}),
      ...(gate ? { gate } : {}),
    }
    return { dispatches: byShard(layout, params, context, operands), scratch: areas }
  }
  const bytes = bytesOf({ shape: [m, n], dtype: 'f32' })
  const ungated = gate ? area(bytes) : y
  const dispatches: Dispatch[] = []
  if (!lora) dispatches.push(...baseProduct(layout, params, context, ungated, area))
  else {
    const sum = area(bytes)
    dispatches.push(...baseProduct(layout, params, context, sum, area), lowRank({ m, n, rank: lora.rank }, lora, sum, ungated, context))
  }
  if (gate) dispatches.push(gateDispatch(m * n, gate, ungated, y))
  return { dispatches, scratch: areas }
}

/** The base product with bias and residual, without adapter and gate. */
function baseProduct(
  layout: LinearLayout,
  params: LinearParams,
  context: KernelContext,
  y: Binding,
  area: (bytes: number) => Binding,
): Dispatch[] {
  const { m, k, n, bias, residual, whole, shards, split } = layout
  if (!whole) {
    const strides = { rows: m, columns: n, inner: k, aRow: k, aInner: 1, bRow: k, bInner: 1 }
    const bindings = [input(0), input(1), input(2), bias ?? input(1), residual ?? input(1), y]
    return [anyDispatch(strides, params.alpha, bindings, { bias: bias !== undefined, residual: residual !== undefined })]
  }
  if (split) {
    const parts = area(partBytes(m, n, split))
    return [
      ntDispatch({ m, k, n }, context, { x: input(0), w: at(shards, 0).rows, y: parts }, { split }),
      addParts(parts, y, { rows: m, columns: n, split }, { alpha: params.alpha, bias, residual }),
    ]
  }
  return byShard(layout, params, context, { x: input(0), y, ...(bias ? { bias } : {}), ...(residual ? { residual } : {}) })
}

/** One dispatch for each part of w that can be bound. */
const byShard = (
  { m, k, n, shards }: LinearLayout,
  params: LinearParams,
  context: KernelContext,
  operands: Omit<LinearOperands, 'w'>,
): Dispatch[] =>
  shards.map(({ first, count, rows }) =>
    ntDispatch({ m, k, n: count }, context, { ...operands, w: rows }, { alpha: params.alpha, first, width: n }),
  )

/** y = scale · low bᵀ + residual, a product of its own. */
function lowRank(
  { m, n, rank }: { readonly m: number; readonly n: number; readonly rank: number },
  { low, b, scale }: NonNullable<LinearOperands['lora']>,
  residual: Binding,
  y: Binding,
  context: KernelContext,
): Dispatch {
  if (!divisible(n, rank)) {
    const layout = { rows: m, columns: n, inner: rank, aRow: rank, aInner: 1, bRow: rank, bInner: 1 }
    return anyDispatch(layout, scale, [low, b, low, low, residual, y], { residual: true })
  }
  return ntDispatch({ m, k: rank, n }, context, { x: low, w: { format: 'f32', codes: b, scales: b }, y, residual }, { alpha: scale })
}

/**
 * y[M, N] = alpha x[M, K] w[N, K]ᵀ (+ bias[N]) (+ residual[M, N]) (+ loraScale low[M, R] b[N, R]ᵀ).
 * Inputs: x, w, counts, then bias, residual, and low with b, as far as the layer has them.
 */
export const linearOp: Op<LinearParams> = {
  name: 'linear',
  infer: (inputs, params) => [inferLinear('linear', inputs, params)],
  reference: (arrays, specs, params) => [linearReference(arrays, specs, params)],
  kernel: (inputs, _outputs, params, context) => linearKernel(inputs, params, context, output(0), undefined),
  backward: ({ grads, inputs, params, needs }) => {
    const dy = at(grads, 0)
    if (!dy) return []
    const { alpha, rowCount, loraScale } = params
    const [x, w, counts] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)]
    const { bias, residual, low, b } = places(params)
    const result: (Tensor | null)[] = inputs.map(() => null)
    if (needs[0]) result[0] = matmulNN(dy, w, alpha)
    if (needs[1]) result[1] = matmulTN(dy, x, counts, { alpha, rowCount })
    if (bias !== undefined && needs[bias]) result[bias] = columnSum(dy, counts, rowCount)
    if (residual !== undefined) result[residual] = dy
    if (low !== undefined && b !== undefined && loraScale !== null) {
      if (needs[low]) result[low] = matmulNN(dy, at(inputs, b), loraScale)
      if (needs[b]) result[b] = matmulTN(dy, at(inputs, low), counts, { alpha: loraScale, rowCount })
    }
    return result
  },
  examples: linearExamples,
}

/**
 * y[M, N] = silu(gate[M, N]) ⊙ linear(…) (Shazeer 2020). Inputs: those of `linear`, then gate. The planner fuses `swiglu` with
 * the layer before it if that layer's result has no other reader, so the op needs no backward.
 */
export const gatedLinearOp: Op<LinearParams> = {
  name: 'gatedLinear',
  infer: (inputs, params) => {
    if (params.hasResidual) fail('gatedLinear', 'no residual', inputs[4]?.shape)
    const spec = inferLinear('gatedLinear', inputs, params)
    const gate = inputs[places(params).gate]
    if (gate?.shape.join() !== spec.shape.join()) fail('gatedLinear', `a gate of [${spec.shape.join(', ')}]`, gate?.shape)
    return [spec]
  },
  reference: (arrays, specs, params) => {
    const gate = at(arrays, places(params).gate)
    return [linearReference(arrays, specs, params).map((up, i) => silu(gate[i] ?? 0) * up)]
  },
  kernel: (inputs, _outputs, params, context) => linearKernel(inputs, params, context, output(0), input(places(params).gate)),
  examples: gatedExamples,
}

export interface LinearOptions {
  readonly bias?: Tensor
  readonly residual?: Tensor
  /** Adds scale · low bᵀ: low [M, R] is what the adapter's first factor made of its input, b [N, R] the second. */
  readonly lora?: { readonly low: Tensor; readonly b: Tensor; readonly scale: number }
  readonly alpha?: number
  readonly rowCount?: RowCount
}

/** y [M, N] = x [M, K] times the transpose of w [N, K], plus the optional bias, residual and low-rank term; see `linearOp`. */
export function linear(
  x: Tensor,
  w: Tensor,
  counts: Tensor,
  { bias, residual, lora, alpha = 1, rowCount = 'tokens' }: LinearOptions = {},
): Tensor {
  const inputs = [x, w, counts, ...(bias ? [bias] : []), ...(residual ? [residual] : []), ...(lora ? [lora.low, lora.b] : [])]
  const params = { alpha, rowCount, hasBias: bias !== undefined, hasResidual: residual !== undefined, loraScale: lora?.scale ?? null }
  return only(apply(linearOp, inputs, params))
}
