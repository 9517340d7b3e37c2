/**
 * Matrix products for adapters without scalar loads, where every load costs one access per lane: the lanes of a subgroup load
 * together and hand round what they loaded (shaders/matmul/subgroup_*.wgsl).
 */
import type { KernelContext } from '../op'

export interface Tile {
  readonly workgroups: readonly [number, number, number]
  readonly constants: Readonly<Record<string, number>>
}

/** Unrolled text grows with the subgroup, and wide ones belong to adapters with scalar loads. */
const WIDEST = 16
const MOST_ROWS = 16
const MOST_LANES = 16
const MOST_COLUMNS = 4
/** Elements of w, for each column, that are in registers at once. */
const HOISTED = 8
/** Rows of the operands of TN that are taken at once. */
const UNROLL = 4

/** The subgroup size to write kernels for, or null where the plain tiles are to be used. */
export function tileSubgroup(context: Pick<KernelContext, 'isSoftware' | 'subgroupSize'>): number | null {
  const { isSoftware, subgroupSize: size } = context
  return isSoftware && size !== null && size >= 4 && size <= WIDEST ? size : null
}

/** Lanes along `columns` and how many columns each takes. */
function across(columns: number, subgroup: number): { lanes: number; columnsEach: number } {
  const lanes = Math.min(MOST_LANES, Math.ceil(columns / subgroup) * subgroup)
  return { lanes, columnsEach: Math.min(MOST_COLUMNS, Math.ceil(columns / lanes)) }
}

/** y[rows, columns] with sums over `inner`, rows of x handed round: NT (w by fours along its rows) and NN. */
export function rowTile(layout: 'nt' | 'nn', { m, k, n }: { m: number; k: number; n: number }, subgroup: number): Tile {
  const { lanes, columnsEach } = across(n, subgroup)
  const height = m <= 4 ? 4 : m <= 8 ? 8 : MOST_ROWS
  const blocks = Math.ceil(m / height)
  const width = layout === 'nt' ? 4 : 1
  const hoisted = Math.min(HOISTED, subgroup)
  return {
    // Row blocks go to y and z: y alone may hold 65,535.
    workgroups: [Math.ceil(n / lanes / columnsEach), Math.min(blocks, 32_768), Math.ceil(blocks / 32_768)],
    constants: {
      K: k,
      N: n,
      LANES: lanes,
      ROWS: height,
      COLUMNS: columnsEach,
      SUBGROUP: subgroup,
      PARTS: subgroup / hoisted,
      HOISTED: hoisted / width,
      ...(layout === 'nt' ? { K_QUADS: k / 4, TAIL_QUADS: (k % subgroup) / 4 } : { TAIL: k % subgroup }),
    },
  }
}

/** y[rows, columns] with sums over the rows of both operands, columns of a handed round: TN. */
export function columnTile(rows: number, columns: number, subgroup: number): Tile {
  const { lanes, columnsEach } = across(columns, subgroup)
  const blocks = Math.ceil(Math.min(MOST_ROWS, rows) / subgroup)
  return {
    workgroups: [Math.ceil(columns / lanes / columnsEach), Math.ceil(rows / (blocks * subgroup)), 1],
    constants: { N: rows, K: columns, LANES: lanes, COLUMNS: columnsEach, SUBGROUP: subgroup, BLOCKS: blocks, UNROLL },
  }
}
