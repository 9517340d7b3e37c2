/**
 * Tiles of matrix products on subgroup matrices (shaders/matmul/matrix_*.wgsl): NVIDIA multiplies 16 × 16 × 16 of f16 into f32, Apple 8 × 8 × 8
 * of f32. Operands pass through workgroup memory, where weights are unpacked once for a tile.
 */
import type { MatrixConfig } from './productChoice'
import type { Tile } from './subgroupTiles'

interface MatrixShape {
  readonly kind: 'matrix'
  readonly element: MatrixConfig['element']
  readonly height: number
  readonly width: number
  readonly depth: number
}
export interface MatrixVariant extends MatrixShape {
  readonly config: MatrixConfig
}

/** Subgroups of a workgroup, two by two; all side by side for few rows. */
const SUBGROUPS = 4
/** Elements between rows in workgroup memory beyond their length, so that lanes do not meet at a bank: 16 bytes. */
const padOf = (element: MatrixConfig['element']): number => (element === 'f16' ? 8 : 4)

const sized = (element: MatrixConfig['element'], height: number, width: number, depth: number) => ({
  ...{ kind: 'matrix' as const, element, height, width, depth },
  /** Whether whole matrices fill the subgroups, however they lie. */
  fits: ({ m, n, k }: MatrixConfig): boolean => height % (2 * m) === 0 && width % (SUBGROUPS * n) === 0 && depth % k === 0,
  /** Workgroup memory of the largest layout. */
  bytes: (config: MatrixConfig): number => {
    const pad = padOf(element)
    const rows = (height + width) * (depth + pad)
    const columns = depth * (height + width + 2 * pad)
    return Math.max(rows, columns) * (element === 'f16' ? 2 : 4) + SUBGROUPS * config.m * config.n * 4
  },
})

export const matrixVariants: Readonly<Record<string, ReturnType<typeof sized>>> = {
  'matrix f32 32x32': sized('f32', 32, 32, 16),
  'matrix f32 64x64': sized('f32', 64, 64, 16),
  'matrix f32 128x128': sized('f32', 128, 128, 16),
  'matrix f16 32x32': sized('f16', 32, 32, 32),
  'matrix f16 64x64': sized('f16', 64, 64, 32),
  'matrix f16 128x128': sized('f16', 128, 128, 32),
}

/** y[rows, columns]; few rows get a low tile, which multiplies the same matrices in the same order. */
export function matrixTile({ config, ...variant }: MatrixVariant, rows: number, columns: number): Tile & { parts: Record<string, string> } {
  const isLow = rows <= config.m
  const across = isLow ? SUBGROUPS : 2
  const height = isLow ? config.m : variant.height
  const blocks = Math.ceil(rows / height)
  return {
    workgroups: [Math.ceil(columns / variant.width), Math.min(blocks, 32_768), Math.ceil(blocks / 32_768)],
    constants: {
      ...{ TILE_M: height, TILE_N: variant.width, DEPTH: variant.depth, PAD: padOf(variant.element), ACROSS: across },
      BLOCKS_M: height / config.m / (SUBGROUPS / across),
      BLOCKS_N: variant.width / config.n / across,
      ...{ MATRIX_M: config.m, MATRIX_N: config.n, MATRIX_K: config.k, SUBGROUP: config.subgroup, LANES: SUBGROUPS * config.subgroup },
    },
    parts: { element: `matmul/element_${variant.element}`, matrix: `matmul/${config.operations}` },
  }
}

/** The configurations of a device that the kernels are written for. Sums in f32 only: half precision saturates at 65,504. */
export function matrixConfigs({ features, adapterInfo }: GPUDevice, allowHalf: boolean): MatrixConfig[] {
  if (!features.has('chromium-experimental-subgroup-matrix') || !features.has('subgroups')) return []
  const { subgroupMinSize, subgroupMaxSize, vendor } = adapterInfo
  // Apple's driver names a range of sizes; its GPUs have subgroups of 32.
  const subgroup = subgroupMinSize === subgroupMaxSize ? subgroupMinSize : vendor === 'apple' ? 32 : null
  if (subgroup === null) return []
  const { subgroupMatrixConfigs = [] } = adapterInfo as { readonly subgroupMatrixConfigs?: readonly DeviceMatrix[] }
  const elements = (['f32', 'f16'] as const).filter((element) => element === 'f32' || (allowHalf && features.has('shader-f16')))
  return elements.flatMap((element): MatrixConfig[] => {
    const found = subgroupMatrixConfigs.find(
      ({ componentType, resultComponentType, M, N, K }) =>
        componentType === element && resultComponentType === 'f32' && [8, 16].includes(M) && [8, 16].includes(N) && [8, 16].includes(K),
    )
    return found ? [{ element, m: found.M, n: found.N, k: found.K, subgroup, operations: 'subgroup_matrix' }] : []
  })
}

interface DeviceMatrix {
  readonly componentType: string
  readonly resultComponentType: string
  readonly M: number
  readonly N: number
  readonly K: number
}
