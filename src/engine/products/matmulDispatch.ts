/** Builds the dispatch of a matrix product (NT, NN or TN): kernel, tile, bindings, workgroups. Sums run over the inner dimension in order, whatever the tile. */
import { f32, u32 } from '../kernel'
import type { Binding, Dispatch, KernelContext } from '../kernel'
import { COUNT_WORD, type RowCount } from '../rowCount'
import { tileSubgroup } from '../tileSubgroup'
import { GROUP, isInteger } from '../weightFormat'
import type { WeightRows } from '../weightRows'
import { matrixTile } from './matrixTiles'
import { fixedVariant, variantOf, type ProductShape, type ProductVariant } from './productKernels'
import { columnTile, rowTile, type Tile } from './subgroupTiles'
import { columnGroupTile, linearTile, rowGroupTile, WHOLE, type Split } from './workgroupTiles'

export interface Extent {
  readonly m: number
  readonly k: number
  readonly n: number
}
type TileContext = Pick<KernelContext, 'isSoftware' | 'subgroupSize' | 'products'>

const bytesOf = ({ m, k, n }: Extent, weight: WeightRows): number => 4 * (m * k + m * n) + (weight.codes.size ?? 4 * n * k)
const weightParts = ({ format }: WeightRows): { readonly weights: string } => ({ weights: `weights/${format}` })

/** The variant of the product; for a split sum it is never one on subgroup matrices. */
function variantFor(shape: ProductShape, context: TileContext, split: Split | undefined): ProductVariant {
  const variant = variantOf(shape, context)
  return split && variant.kind === 'matrix' ? fixedVariant(context) : variant
}

const subgroupOf = (context: TileContext): number => {
  const subgroup = tileSubgroup(context)
  if (subgroup === null) throw new Error('subgroup tiles need a subgroup size')
  return subgroup
}

/** The number of vectors of four along k that a workgroup sums. */
const eachQuads = (k: number, split: Split): number => (split.parts > 1 ? split.each : k) / 4

interface ProductOptions {
  readonly alpha?: number
  readonly first?: number
  readonly width?: number
  /** The parts of the sum, if y is to contain only their sums [parts, …]. */
  readonly split?: Split | undefined
}

export interface LinearOperands {
  readonly x: Binding
  readonly w: WeightRows
  readonly y: Binding
  readonly bias?: Binding
  readonly residual?: Binding
  /** + scale · low bᵀ, low [m, rank] and b [width, rank]: only where `takesLora`, and with alpha 1. */
  readonly lora?: { readonly low: Binding; readonly b: Binding; readonly rank: number; readonly scale: number }
  /** y = silu(gate) ⊙ the rest. In the residual's place. */
  readonly gate?: Binding
}

/** Whether the kernel of this product can add an adapter's low-rank term. Subgroup matrices would round its operands. */
export const takesLora = (shape: Omit<ProductShape, 'kind'>, rank: number, context: TileContext): boolean =>
  rank % 4 === 0 && variantOf({ kind: 'nt', ...shape }, context).kind !== 'matrix'

/** y[m, first + n] = alpha x wᵀ and what the operands add to it, n < extent.n; `width` columns in all. K and N are multiples of 4. */
export function ntDispatch(
  extent: Extent,
  context: TileContext,
  { x, w, y, bias, residual, lora, gate }: LinearOperands,
  options: ProductOptions = {},
): Dispatch {
  const { m, k, n } = extent
  const { split = WHOLE } = options
  const variant = variantFor({ kind: 'nt', columns: options.width ?? n, inner: k, format: w.format }, context, options.split)
  const tile: Tile & { parts?: Record<string, string> } =
    variant.kind === 'subgroup'
      ? rowTile('nt', extent, subgroupOf(context), isInteger(w.format) ? GROUP : 1)
      : variant.kind === 'matrix'
        ? matrixTile(variant, m, n)
        : linearTile(variant, extent, split)
  const low = lora ? [lora.low, lora.b] : []
  return {
    shader: `matmul/${variant.kind}_nt`,
    parts: { ...weightParts(w), ...tile.parts, ...(variant.kind === 'matrix' ? {} : { lora: lora ? 'matmul/lora' : 'matmul/no_lora' }) },
    constants: {
      ...tile.constants,
      ...{ HAS_BIAS: Number(bias !== undefined), HAS_RESIDUAL: Number(residual !== undefined), HAS_GATE: Number(gate !== undefined) },
      ...(variant.kind === 'matrix' ? {} : { LORA: Number(lora !== undefined) }),
    },
    // Unused optional operands are bound to what the kernel never reads.
    bindings: [x, w.codes, w.scales, bias ?? x, residual ?? gate ?? x, y, ...low],
    params: [
      ...[u32(m), f32(options.alpha ?? 1), u32(options.first ?? 0), u32(k / 4), u32(options.width ?? n), u32(n), u32(eachQuads(k, split))],
      ...[f32(lora?.scale ?? 0), u32(lora?.rank ?? 0)],
    ],
    workgroups: tile.workgroups,
    flops: 2 * m * n * (k + (lora?.rank ?? 0)),
    bytes: bytesOf(extent, w) + 4 * (lora?.rank ?? 0) * (m + n) + (residual || gate ? 4 * m * n : 0),
  }
}

/** y[m, n] = alpha Σ_{k < extent.k} x[m, first + k] w[k, n]; rows of x are `width` long. K and N are multiples of 4. */
export function nnDispatch(
  extent: Extent,
  context: KernelContext,
  { x, w, y }: Pick<LinearOperands, 'x' | 'w' | 'y'>,
  options: ProductOptions = {},
): Dispatch {
  const { m, k, n } = extent
  const { split = WHOLE } = options
  const variant = variantFor({ kind: 'nn', columns: n, inner: options.width ?? k, format: w.format }, context, options.split)
  const isPlain = variant.kind === 'subgroup' && w.format === 'f32'
  const tile: Tile & { parts?: Record<string, string> } =
    variant.kind === 'subgroup'
      ? rowTile(isPlain ? 'nn' : 'nn packed', extent, subgroupOf(context))
      : variant.kind === 'matrix'
        ? matrixTile(variant, m, n)
        : rowGroupTile(variant, extent, split)
  return {
    shader: variant.kind === 'subgroup' && !isPlain ? 'matmul/subgroup_nn_packed' : `matmul/${variant.kind}_nn`,
    ...(isPlain ? {} : { parts: { ...weightParts(w), ...tile.parts } }),
    constants: { ...tile.constants, ACCUMULATE: Number(context.accumulate) },
    bindings: isPlain ? [x, w.codes, y] : [x, w.codes, w.scales, y],
    params: [
      ...[u32(m), f32(options.alpha ?? 1), u32(options.first ?? 0), u32(options.width ?? k), u32(k), u32(n / 4)],
      u32(eachQuads(k, split)),
    ],
    workgroups: tile.workgroups,
    flops: 2 * m * n * k,
    bytes: bytesOf(extent, w),
  }
}

/** y[n, k] = alpha Σ_{m < counts[rowCount]} a[m, n] b[m, k]. N and K are multiples of 4. */
export function tnDispatch(
  { m, n, k }: Extent,
  params: { readonly alpha: number; readonly rowCount: RowCount; readonly split?: Split | undefined },
  context: KernelContext,
  [a, b, counts, y]: readonly [Binding, Binding, Binding, Binding],
): Dispatch {
  const { split = WHOLE } = params
  const variant = variantFor({ kind: 'tn', columns: k, inner: n, format: 'f32' }, context, params.split)
  const tile: Tile & { parts?: Record<string, string> } =
    variant.kind === 'subgroup'
      ? columnTile(n, k, subgroupOf(context))
      : variant.kind === 'matrix'
        ? matrixTile(variant, n, k)
        : columnGroupTile(variant, n, k, split)
  return {
    shader: `matmul/${variant.kind}_tn`,
    ...(tile.parts ? { parts: tile.parts } : {}),
    constants: { ...tile.constants, ACCUMULATE: Number(context.accumulate) },
    bindings: [a, b, counts, y],
    params: [f32(params.alpha), u32(n), u32(k), u32(COUNT_WORD[params.rowCount]), u32(split.each)],
    workgroups: tile.workgroups,
    flops: 2 * m * n * k,
    bytes: 4 * (m * k + m * n + n * k),
  }
}
