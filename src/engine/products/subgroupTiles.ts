/**
 * Matrix products for adapters without scalar loads, where every load costs one access per lane: the lanes of a subgroup load
 * together and hand round what they loaded (shaders/matmul/subgroup_*.wgsl).
 */
export interface Tile {
  readonly workgroups: readonly [number, number, number]
  readonly constants: Readonly<Record<string, number>>
}

const MOST_ROWS = 16
const MOST_LANES = 16
const MOST_COLUMNS = 4
/** Elements of w, for each column, that are in registers at once. */
const HOISTED = 8
/** Rows of the operands of TN that are taken at once. */
const UNROLL = 4

/** Lanes along `columns` and how many columns each takes. */
function across(columns: number, subgroup: number): { lanes: number; columnsEach: number } {
  const lanes = Math.min(MOST_LANES, Math.ceil(columns / subgroup) * subgroup)
  return { lanes, columnsEach: Math.min(MOST_COLUMNS, Math.ceil(columns / lanes)) }
}

/**
 * y[m, n] with sums over k, rows of x handed round: NT (w by fours along its rows), NN, and NN with fours of columns to a lane. `group`: weights
 * along a row that share a scale; NT reads it once.
 */
export function rowTile(
  layout: 'nt' | 'nn' | 'nn packed',
  { m, k, n }: { readonly m: number; readonly k: number; readonly n: number },
  subgroup: number,
  group = 1,
): Tile {
  const isPacked = layout === 'nn packed'
  const { lanes, columnsEach } = across(isPacked ? n / 4 : n, subgroup)
  const columns = isPacked ? 1 : columnsEach
  const height = m <= 1 ? 1 : m <= 2 ? 2 : m <= 4 ? 4 : m <= 8 ? 8 : MOST_ROWS
  const blocks = Math.ceil(m / height)
  const width = layout === 'nt' ? 4 : 1
  const hoisted = Math.min(HOISTED, subgroup)
  return {
    // Row blocks go to y and z: y alone may hold 65,535.
    workgroups: [Math.ceil((isPacked ? n / 4 : n) / lanes / columns), Math.min(blocks, 32_768), Math.ceil(blocks / 32_768)],
    constants: {
      ...{ LANES: lanes, ROWS: height, SUBGROUP: subgroup },
      ...(isPacked ? {} : { COLUMNS: columns, PARTS: subgroup / hoisted, HOISTED: hoisted / width }),
      ...(layout === 'nt' ? { STRETCH: Math.max(subgroup, group), TAIL_QUADS: (k % subgroup) / 4 } : { TAIL: k % subgroup }),
    },
  }
}

/** y[rows, columns] with sums over the rows of both operands, columns of a handed round: TN. */
export function columnTile(rows: number, columns: number, subgroup: number): Tile {
  const { lanes, columnsEach } = across(columns, subgroup)
  const blocks = Math.ceil(Math.min(MOST_ROWS, rows) / subgroup)
  return {
    workgroups: [Math.ceil(columns / lanes / columnsEach), Math.ceil(rows / (blocks * subgroup)), 1],
    constants: { LANES: lanes, COLUMNS: columnsEach, SUBGROUP: subgroup, BLOCKS: blocks, UNROLL },
  }
}
