/** Tiles of matrix products in workgroup memory (shaders/matmul/tile_*.wgsl): for GPUs, and wherever subgroups are missing. */
import type { Tile } from './subgroupTiles'

/** The tile of a workgroup (height × width, `depth` terms at a time), and that of an invocation: rows × vectors of four columns. */
export interface TileVariant {
  readonly kind: 'tile'
  readonly height: number
  readonly width: number
  readonly depth: number
  readonly rows: number
  readonly quads: number
}

const tile = (height: number, width: number, depth: number, [rows, quads]: readonly [number, number]): TileVariant => ({
  ...{ kind: 'tile', height, width, depth, rows, quads },
})

/** All within 256 invocations and 16 KiB. */
export const tileVariants = {
  'tile 64x64': tile(64, 64, 16, [4, 1]),
  'tile 32x32': tile(32, 32, 16, [4, 1]),
  'tile 64x64 by 8x8': tile(64, 64, 16, [8, 2]),
  'tile 128x64 by 8x4': tile(128, 64, 16, [8, 1]),
  'tile 128x128 by 8x8': tile(128, 128, 8, [8, 2]),
} as const

/** The workgroup memory of the layout that needs most. */
export const workgroupBytes = ({ height, width, depth }: TileVariant): number => (height + width) * (depth / 4 + 1) * 16

/** Rows up to which a tile of one row per invocation is used. */
const FEW_ROWS = 8
const FEW_COLUMNS = 16

/** Products whose sum is cut into parts, each for workgroups of its own. `each`: terms of a part. */
export interface Split {
  readonly parts: number
  readonly each: number
}
/** A sum that is not split. */
export const WHOLE: Split = { parts: 1, each: 0 }

/**
 * NT of few rows, a decode step, whose time is that of reading the weights: many small workgroups, each with much of w under way at once. All
 * their 64 invocations load; those without rows of their own then rest.
 */
interface LowTile {
  readonly height: number
  readonly width: number
  /** Terms at a time. */
  readonly depth: number
  /** Of an invocation. */
  readonly rows: number
  readonly columns: number
}
const low = (height: number, width: number, depth: number, [rows, columns]: readonly [number, number]): LowTile => ({
  ...{ height, width, depth, rows, columns },
})
const LOW_LANES = 64
/** All within 14 KiB of workgroup memory; for each height the narrowest first. */
export const lowTiles: readonly LowTile[] = [
  ...[low(1, 16, 128, [1, 1]), low(2, 16, 128, [1, 1]), low(4, 16, 128, [1, 1]), low(8, 16, 128, [2, 1])],
  ...[low(16, 16, 64, [4, 1]), low(16, 32, 64, [4, 2]), low(16, 64, 32, [4, 4])],
  ...[low(32, 16, 64, [4, 2]), low(32, 32, 32, [4, 4]), low(32, 64, 32, [8, 4])],
  ...[low(64, 16, 32, [8, 2]), low(64, 32, 32, [8, 4])],
]
/** A wider tile reads x less often: it is taken where so many workgroups are left. */
const BUSY = 256

interface ProductExtent {
  readonly m: number
  readonly k: number
  readonly n: number
}

/** The lowest tile for few rows; null for many rows. */
export function lowTileFor({ m, n }: Pick<ProductExtent, 'm' | 'n'>): LowTile | null {
  const height = lowTiles.find((one) => m <= one.height)?.height
  const fitting = lowTiles.filter((one) => one.height === height)
  return fitting.findLast(({ width }) => n / width >= BUSY) ?? fitting[0] ?? null
}

/** y[m, n] with independent rows, NT: `rowGroupTile`, but for few rows. */
export function linearTile(variant: TileVariant, extent: ProductExtent, split: Split = WHOLE): Tile {
  const found = split.parts > 1 ? null : lowTileFor(extent)
  if (!found) return rowGroupTile(variant, extent, split)
  const { height, width, depth, rows, columns } = found
  return {
    workgroups: [Math.ceil(extent.n / width), 1, 1],
    constants: {
      ...{ TILE_M: height, TILE_N: width, QUADS: depth / 4, ROWS: rows, COLUMNS: columns, COLUMN_LANES: width / columns },
      ...{ LANES: LOW_LANES, SPLIT: 0 },
    },
  }
}

/** y[m, n] with independent rows: NT and NN, sums over k. */
export function rowGroupTile(variant: TileVariant, { m, n }: ProductExtent, split: Split = WHOLE): Tile {
  const isNarrow = n <= FEW_COLUMNS
  const isLow = m <= FEW_ROWS
  const width = isNarrow ? FEW_COLUMNS : isLow ? Math.min(variant.width, 64) : variant.width
  const height = isLow ? FEW_ROWS : isNarrow ? Math.min(variant.height, 64) : variant.height
  const rows = isLow ? 1 : isNarrow ? 4 : variant.rows
  const quads = isLow || isNarrow ? 1 : variant.quads
  const blocks = Math.ceil(m / height)
  return {
    // Row blocks go to y and z: y alone may hold 65,535.
    workgroups: [Math.ceil(n / width) * split.parts, Math.min(blocks, 32_768), Math.ceil(blocks / 32_768)],
    constants: {
      ...{ TILE_M: height, TILE_N: width, QUADS: variant.depth / 4, ROWS: rows },
      ...{ COLUMNS: 4 * quads, COLUMN_QUADS: quads, COLUMN_LANES: width / 4 / quads, LANES: (height / rows) * (width / 4 / quads) },
      SPLIT: Number(split.parts > 1),
    },
  }
}

/** y[n, k] summed over the rows of both operands: TN. */
export function columnGroupTile(variant: TileVariant, n: number, k: number, split: Split = WHOLE): Tile {
  const across = (extent: number, size: number, quads: number): { lanes: number; quads: number } =>
    extent <= FEW_COLUMNS ? { lanes: FEW_COLUMNS / 4, quads: 1 } : { lanes: size / 4 / quads, quads }
  const [down, along] = [across(n, variant.height, variant.rows / 4), across(k, variant.width, variant.quads)]
  return {
    workgroups: [Math.ceil(k / 4 / (along.lanes * along.quads)) * split.parts, Math.ceil(n / 4 / (down.lanes * down.quads)), 1],
    constants: {
      ...{ DEPTH: variant.depth, ROW_QUADS: down.quads, COLUMN_QUADS: along.quads, ROW_LANES: down.lanes, COLUMN_LANES: along.lanes },
      ...{ LANES: down.lanes * along.lanes, SPLIT: Number(split.parts > 1) },
    },
  }
}
