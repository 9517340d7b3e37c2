/** Tiles of matrix products in workgroup memory (shaders/matmul/tile_*.wgsl): for GPUs, and wherever subgroups are missing. */
import type { Tile } from './subgroupTiles'

/** Rows up to which a tile of one row per invocation is used: a decode step, whose time is that of reading the weights. */
const FEW_ROWS = 8
const FEW_COLUMNS = 16
const TILE = 64

/** y[m, n] with independent rows: NT and NN. Each invocation computes `ROWS` rows of 4 columns. */
export function rowGroupTile({ m, n }: { readonly m: number; readonly n: number }): Tile {
  const width = n <= FEW_COLUMNS ? FEW_COLUMNS : TILE
  const height = m <= FEW_ROWS ? FEW_ROWS : TILE
  const rows = m <= FEW_ROWS ? 1 : 4
  const blocks = Math.ceil(m / height)
  return {
    // Row blocks go to y and z: y alone may hold 65,535.
    workgroups: [Math.ceil(n / width), Math.min(blocks, 32_768), Math.ceil(blocks / 32_768)],
    constants: { TILE_M: height, TILE_N: width, ROWS: rows, COLUMN_LANES: width / 4, LANES: (height / rows) * (width / 4) },
  }
}

/** y[n, k] summed over the rows of both operands: TN. Each invocation computes 4 x 4. */
export function columnGroupTile(n: number, k: number): Tile {
  const rowLanes = n <= FEW_COLUMNS ? FEW_COLUMNS / 4 : TILE / 4
  const columnLanes = k <= FEW_COLUMNS ? FEW_COLUMNS / 4 : TILE / 4
  return {
    workgroups: [Math.ceil(k / 4 / columnLanes), Math.ceil(n / 4 / rowLanes), 1],
    constants: { ROW_LANES: rowLanes, COLUMN_LANES: columnLanes, LANES: rowLanes * columnLanes },
  }
}
