/**
 * Picks the kernel of a matrix product: a fixed choice for the kind of adapter, or the one that tuneProducts.ts measured to be fastest for the
 * product's class. A class depends on the model's extents and on how its weights are stored, never on the number of rows, so that a row's
 * result does not depend on how many others are computed with it.
 */
import type { KernelContext } from '../kernel'
import type { WeightFormat } from '../weightFormat'
import { matrixVariants, type MatrixVariant } from './matrixTiles'
import { tileSubgroup } from '../tileSubgroup'
import { tileVariants, workgroupBytes, type TileVariant } from './workgroupTiles'

/** NT: y = x wᵀ, forward. NN: y = x w, the gradient of x. TN: y = aᵀ b, the gradient of w. */
export type ProductKind = 'nt' | 'nn' | 'tn'

/** A product as the model's shape knows it. NT, NN: x [·, inner] → y [·, columns]; TN: y [inner, columns], summed over rows. */
export interface ProductShape {
  readonly kind: ProductKind
  readonly columns: number
  readonly inner: number
  readonly format: WeightFormat
}

export type ProductVariant = { readonly kind: 'subgroup' } | TileVariant | MatrixVariant
type Context = Pick<KernelContext, 'isSoftware' | 'subgroupSize' | 'products'>

/** Raise this number when kernels, their names or the classes change, so that earlier measurements are repeated. */
export const KERNELS_VERSION = 3

const EDGES = [64, 512, 2048]
const classOf = (extent: number): string => String(EDGES.find((edge) => extent <= edge) ?? 'more')

/** `nt 512 x 2048 int4`: up to 512 columns and up to 2,048 terms. */
export const productClass = ({ kind, columns, inner, format }: ProductShape): string =>
  `${kind} ${classOf(columns)} x ${classOf(inner)} ${format}`

/** Subgroup broadcasts pay for scalar loads that are missing; their text grows with the subgroup. */
const SUBGROUP = 'subgroup'
/** WebGPU's default limit of workgroup memory. */
const LEAST_WORKGROUP_BYTES = 16_384

/** Names of the variants that this device can run for a product, the fixed choice first. */
export function candidates(shape: ProductShape, context: Context): string[] {
  const fixed = fixedChoice(context)
  return [fixed, ...[SUBGROUP, ...Object.keys(tileVariants), ...Object.keys(matrixVariants)]].filter(
    (name, index, all) => all.indexOf(name) === index && variantNamed(name, shape, context) !== null,
  )
}

const fixedChoice = (context: Context): string => (tileSubgroup(context) === null ? FIXED_TILE : SUBGROUP)
const FIXED_TILE = 'tile 64x64' satisfies keyof typeof tileVariants

/** The variant of a product on this device. */
export function variantOf(shape: ProductShape, context: Context): ProductVariant {
  const chosen = context.products?.choices[productClass(shape)]
  return (chosen === undefined ? null : variantNamed(chosen, shape, context)) ?? fixedVariant(context)
}

/** The variant where nothing is measured: the same on every device of a kind. */
export const fixedVariant = (context: Context): Exclude<ProductVariant, MatrixVariant> =>
  tileSubgroup(context) === null ? tileVariants[FIXED_TILE] : { kind: 'subgroup' }

/** The variant of this name; null if there is none, or if the device or the product cannot use it. */
function variantNamed(name: string, { kind, format }: ProductShape, context: Context): ProductVariant | null {
  const availableBytes = context.products?.workgroupBytes ?? LEAST_WORKGROUP_BYTES
  if (name === SUBGROUP) return tileSubgroup(context) === null ? null : { kind: 'subgroup' }
  const tile = tileVariants[name as keyof typeof tileVariants] as TileVariant | undefined
  if (tile) return workgroupBytes(tile) <= availableBytes ? tile : null
  const variant = matrixVariants[name]
  if (!variant || !context.products) return null
  const { matrices } = context.products
  const config = matrices.find(({ element }) => element === variant.element)
  // A gradient of weights has no operand that is stored in less than f32.
  if (!config || (variant.element === 'f16' && (kind === 'tn' || format === 'f32'))) return null
  return variant.fits(config) && variant.bytes(config) <= availableBytes ? { ...variant, config } : null
}
