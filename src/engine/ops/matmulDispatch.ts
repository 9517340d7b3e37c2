/** Which kernel computes a matrix product, over which workgroups. Sums run over the inner dimension in order in all of them. */
import { f32, input, u32 } from '../op'
import type { Binding, Dispatch, KernelContext } from '../op'
import type { TensorSpec } from '../tensor'
import { rowsIn } from '../weightFormat'
import type { WeightFormat } from '../weightFormat'
import { columnTile, rowTile, tileSubgroup } from './subgroupTiles'
import { columnGroupTile, rowGroupTile } from './workgroupTiles'

export interface Extent {
  readonly m: number
  readonly k: number
  readonly n: number
}
type TileContext = Pick<KernelContext, 'isSoftware' | 'subgroupSize'>

/** Rows of a stored matrix, bound. */
export interface WeightRows {
  readonly format: WeightFormat
  readonly codes: Binding
  /** The codes again where the format has none. */
  readonly scales: Binding
}

const formatOf = ({ dtype }: TensorSpec): WeightFormat => {
  if (dtype === 'u32') throw new Error('whole numbers are not weights')
  return dtype
}

/** Rows first … first + count of the matrix that is input `index`. */
export function weightRows(index: number, spec: TensorSpec, first = 0, count = spec.shape[0] ?? 0): WeightRows {
  const format = formatOf(spec)
  const [rows = 0, width = 0] = spec.shape
  const { codes, scales } = rowsIn(format, [rows, width], first, count)
  return { format, codes: input(index, codes.offset, codes.size), scales: input(index, scales.offset, scales.size) }
}

/** The matrix that is input `index` in parts that can each be bound; one part where it fits. */
export function weightShards(
  index: number,
  spec: TensorSpec,
  { maxBindingBytes }: Pick<KernelContext, 'maxBindingBytes'>,
): { readonly first: number; readonly count: number; readonly rows: WeightRows }[] {
  const [rows = 0, width = 0] = spec.shape
  const rowBytes = rowsIn(formatOf(spec), [rows, width], 0, ALIGNED_ROWS).codes.size / ALIGNED_ROWS
  const most = Math.max(1, Math.floor(maxBindingBytes / rowBytes / ALIGNED_ROWS)) * ALIGNED_ROWS
  return Array.from({ length: Math.max(1, Math.ceil(rows / most)) }, (_, shard) => {
    const first = shard * most
    const count = Math.min(most, rows - first)
    return { first, count, rows: weightRows(index, spec, first, count) }
  })
}
/** Rows at whose multiples both codes and scales begin at a multiple of 256 bytes. */
const ALIGNED_ROWS = 128

const bytesOf = ({ m, k, n }: Extent, weight: WeightRows): number => 4 * (m * k + m * n) + (weight.codes.size ?? 4 * n * k)
const weightParts = ({ format }: WeightRows): { readonly weights: string } => ({ weights: `weights/${format}` })

export interface LinearOperands {
  readonly x: Binding
  readonly w: WeightRows
  readonly y: Binding
  readonly bias?: Binding
  readonly residual?: Binding
}

/** y[m, first + n] = alpha x wᵀ (+ bias) (+ residual), n < extent.n; `width` columns in all. K and N are multiples of 4. */
export function ntDispatch(
  extent: Extent,
  context: TileContext,
  { x, w, y, bias, residual }: LinearOperands,
  options: { readonly alpha?: number; readonly first?: number; readonly width?: number } = {},
): Dispatch {
  const subgroup = tileSubgroup(context)
  const tile = subgroup === null ? rowGroupTile(extent) : rowTile('nt', extent, subgroup)
  const { m, k, n } = extent
  return {
    shader: subgroup === null ? 'matmul/tile_nt' : 'matmul/subgroup_nt',
    parts: weightParts(w),
    constants: {
      ...tile.constants,
      ...{ K: k, ROW_QUADS: k / 4, N: options.width ?? n, WIDTH: n },
      ...{ HAS_BIAS: Number(bias !== undefined), HAS_RESIDUAL: Number(residual !== undefined) },
    },
    // Unused optional operands are bound to what the kernel never reads.
    bindings: [x, w.codes, w.scales, bias ?? x, residual ?? x, y],
    params: [u32(m), f32(options.alpha ?? 1), u32(options.first ?? 0)],
    workgroups: tile.workgroups,
    flops: 2 * m * n * k,
    bytes: bytesOf(extent, w),
  }
}

/** y[m, n] = alpha Σ_{k < extent.k} x[m, first + k] w[k, n]; rows of x are `width` long. K and N are multiples of 4. */
export function nnDispatch(
  extent: Extent,
  context: KernelContext,
  { x, w, y }: Pick<LinearOperands, 'x' | 'w' | 'y'>,
  options: { readonly alpha?: number; readonly first?: number; readonly width?: number } = {},
): Dispatch {
  const subgroup = tileSubgroup(context)
  const { m, k, n } = extent
  const isPlain = w.format === 'f32' && subgroup !== null
  const layout = isPlain ? 'nn' : 'nn packed'
  const tile = subgroup === null ? rowGroupTile(extent) : rowTile(layout, extent, subgroup)
  return {
    shader: subgroup === null ? 'matmul/tile_nn' : isPlain ? 'matmul/subgroup_nn' : 'matmul/subgroup_nn_packed',
    ...(isPlain ? {} : { parts: weightParts(w) }),
    constants: {
      ...tile.constants,
      ...{ K: options.width ?? k, SPAN: k, N: n, ACCUMULATE: Number(context.accumulate) },
      ...(isPlain ? {} : { ROW_QUADS: n / 4 }),
    },
    bindings: isPlain ? [x, w.codes, y] : [x, w.codes, w.scales, y],
    params: [u32(m), f32(options.alpha ?? 1), u32(options.first ?? 0)],
    workgroups: tile.workgroups,
    flops: 2 * m * n * k,
    bytes: bytesOf(extent, w),
  }
}

/** y[n, k] = alpha Σ_{m < counts[live]} a[m, n] b[m, k]. N and K are multiples of 4. */
export function tnDispatch(
  { m, n, k }: Extent,
  params: { readonly alpha: number; readonly live: 0 | 1 },
  context: KernelContext,
  [a, b, counts, y]: readonly [Binding, Binding, Binding, Binding],
): Dispatch {
  const subgroup = tileSubgroup(context)
  const { constants, workgroups } = subgroup === null ? columnGroupTile(n, k) : columnTile(n, k, subgroup)
  return {
    shader: subgroup === null ? 'matmul/tile_tn' : 'matmul/subgroup_tn',
    constants: { ...constants, N: n, K: k, LIVE: params.live, ACCUMULATE: Number(context.accumulate) },
    bindings: [a, b, counts, y],
    params: [f32(params.alpha)],
    workgroups,
    flops: 2 * m * n * k,
    bytes: 4 * (m * k + m * n + n * k),
  }
}
