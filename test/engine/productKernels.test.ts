/** Which kernel a product gets, and that the one on subgroup matrices is what Dawn takes: its null backend checks WGSL and computes nothing. */
import { expect, test } from 'vitest'
import { shaderSource } from '../../src/engine/device/shaders'
import { matrixConfigs } from '../../src/engine/products/matrixTiles'
import { nnDispatch, ntDispatch, tnDispatch } from '../../src/engine/products/matmulDispatch'
import { input, output, type Dispatch } from '../../src/engine/kernel'
import { candidates, productClass, variantOf, type ProductShape } from '../../src/engine/products/productKernels'
import { innerSplit, tokenSplit } from '../../src/engine/products/splitProduct'
import { lowTileFor, lowTiles, tileVariants, workgroupBytes } from '../../src/engine/products/workgroupTiles'
import type { MatrixConfig, ProductKernels } from '../../src/engine/products/productChoice'
import { complaint, nullDevice } from './nullDevice'

const nvidia: MatrixConfig = { element: 'f16', m: 16, n: 16, k: 16, subgroup: 32, operations: 'subgroup_matrix' }
const apple: MatrixConfig = { element: 'f32', m: 8, n: 8, k: 8, subgroup: 32, operations: 'subgroup_matrix' }
const gpu = (products?: Partial<ProductKernels>) => ({
  ...{ isSoftware: false, subgroupSize: 32, maxBindingBytes: 1 << 30, accumulate: false },
  products: { choices: {}, workgroupBytes: 32_768, matrices: [], ...products },
})
const forward = (format: ProductShape['format']): ProductShape => ({ kind: 'nt', columns: 4096, inner: 4096, format })

test('every tile is within 256 invocations and 16 KiB of workgroup memory', () => {
  for (const [name, tile] of Object.entries(tileVariants)) {
    expect((tile.height / tile.rows) * (tile.width / 4 / tile.quads), name).toBeLessThanOrEqual(256)
    expect(workgroupBytes(tile), name).toBeLessThanOrEqual(16_384)
  }
})

test('a product of few rows takes a tile as low as they are, in many small workgroups', () => {
  for (const { height, width, depth, rows, columns } of lowTiles) {
    // Every element has its invocation.
    expect((64 / (width / columns)) * rows, `${height} x ${width}`).toBeGreaterThanOrEqual(height)
    expect((height + width) * (depth / 4 + 1) * 16, `${height} x ${width}`).toBeLessThanOrEqual(16_384)
  }
  const tileOf = (m: number): (number | undefined)[] => {
    const { constants, workgroups } = dispatchOf({ kind: 'nt', format: 'int4' }, 'tile 128x128 by 8x8', m)
    return [constants?.TILE_M, constants?.TILE_N, workgroups[0]]
  }
  expect(tileOf(1)).toEqual([1, 16, 256])
  expect(tileOf(3)).toEqual([4, 16, 256])
  expect(tileOf(9)).toEqual([16, 16, 256])
  expect(tileOf(33)).toEqual([64, 16, 256])
  expect(tileOf(65)).toEqual([128, 128, 32])
  expect(lowTileFor({ m: 20, n: 128_256 })).toMatchObject({ height: 32, width: 64 })
  expect(lowTileFor({ m: 20, n: 8 })).toMatchObject({ height: 32, width: 16 })
})

test('subgroup matrices are offered only where the device has them and they fit the weights', () => {
  const matrixNames = (shape: ProductShape, products?: Partial<ProductKernels>): string[] =>
    candidates(shape, gpu(products)).filter((name) => name.startsWith('matrix'))
  expect(matrixNames(forward('int4'))).toEqual([])
  expect(matrixNames(forward('int4'), { matrices: [nvidia] })).toEqual(['matrix f16 64x64', 'matrix f16 128x128'])
  expect(matrixNames(forward('int4'), { matrices: [nvidia], workgroupBytes: 16_384 })).toEqual(['matrix f16 64x64'])
  expect(matrixNames(forward('f32'), { matrices: [nvidia] }), 'f32 is not rounded to f16').toEqual([])
  expect(matrixNames({ kind: 'tn', columns: 512, inner: 512, format: 'f32' }, { matrices: [nvidia] })).toEqual([])
  expect(matrixNames(forward('f32'), { matrices: [apple] })).toEqual(['matrix f32 32x32', 'matrix f32 64x64', 'matrix f32 128x128'])
})

test.each([
  ['a GPU', gpu()],
  ['a processor', { ...gpu(), isSoftware: true, subgroupSize: 8 }],
])('layers of other extents, and of any rank of adapter, share a pipeline on %s', (_name, context) => {
  const rows = { format: 'int4', codes: input(1), scales: input(1) } as const
  const operands = { x: input(0), w: rows, y: output(0) }
  const sources = (m: number, k: number, n: number, rank: number): string[] =>
    [
      ntDispatch({ m, k, n }, context, { ...operands, lora: { low: input(2), b: input(3), rank, scale: 2 } }),
      nnDispatch({ m, k, n }, context, operands),
      tnDispatch({ m, n, k }, { alpha: 1, rowCount: 'tokens' }, context, [input(0), input(1), input(2), output(0)]),
    ].map(({ shader, constants, parts }) => shaderSource(shader, constants, parts))
  expect(sources(512, 896, 4864, 8)).toEqual(sources(300, 2048, 512, 16))
})

test('a device gives the configurations of the feature; f16 only on request', () => {
  const device = (features: string[], configs: unknown[]): GPUDevice =>
    ({
      features: new Set(features),
      adapterInfo: { vendor: 'nvidia', subgroupMinSize: 32, subgroupMaxSize: 32, subgroupMatrixConfigs: configs },
    }) as unknown as GPUDevice
  const feature = ['subgroups', 'shader-f16', 'chromium-experimental-subgroup-matrix']
  const config = (resultComponentType: string) => ({ componentType: 'f16', resultComponentType, M: 16, N: 16, K: 16 })
  expect(matrixConfigs(device(feature, [config('f16'), config('f32')]), true)).toEqual([nvidia])
  expect(matrixConfigs(device(feature, [config('f16'), config('f32')]), false)).toEqual([])
  expect(matrixConfigs(device(feature, [config('f16')]), true), 'sums in f16').toEqual([])
  expect(matrixConfigs(device(['subgroups', 'shader-f16'], [config('f32')]), true)).toEqual([])
})

test('a measured choice holds for its class and any number of rows; one that this device lacks gives the fixed one', () => {
  const shape = forward('int4')
  const chosen = gpu({ choices: { [productClass(shape)]: 'tile 128x128 by 8x8' } })
  expect(variantOf(shape, chosen)).toBe(tileVariants['tile 128x128 by 8x8'])
  expect(variantOf(forward('int8'), chosen)).toBe(tileVariants['tile 64x64'])
  expect(variantOf(shape, gpu({ choices: { [productClass(shape)]: 'matrix f16 64x64' } }))).toBe(tileVariants['tile 64x64'])
  const weights = { format: 'int4' as const, codes: input(1, 0, 4096), scales: input(1, 4096, 256) }
  const shaders = [1, 8, 9, 4000].map(
    (m) =>
      ntDispatch({ m, k: 4096, n: 4096 }, gpu({ choices: { [productClass(shape)]: 'matrix f16 64x64' }, matrices: [nvidia] }), {
        ...{ x: input(0), w: weights, y: output(0) },
      }).shader,
  )
  expect(new Set(shaders)).toEqual(new Set(['matmul/matrix_nt']))
})

test('a sum is split by the model’s shape, in parts of one length whatever there is room for', () => {
  expect(innerSplit(16, 4096, gpu())).toEqual({ parts: 8, each: 512 })
  expect(innerSplit(4096, 4096, gpu())).toBeNull()
  expect(innerSplit(16, 512, gpu())).toBeNull()
  expect(tokenSplit(16, 4096, 1000, gpu())).toEqual({ parts: 4, each: 256 })
  expect(tokenSplit(4096, 16, 2000, gpu())?.each).toBe(256)
  expect(tokenSplit(16, 4096, 1000, { isSoftware: true })).toBeNull()
})

/** The kernel of a large product by the variant of this name, few rows or many. */
function dispatchOf(
  { kind, format }: Pick<ProductShape, 'kind' | 'format'>,
  name: string,
  m: number,
  matrices: readonly MatrixConfig[] = [],
): Dispatch {
  const shape: ProductShape = { ...forward(format), kind }
  const context = gpu({ choices: { [productClass(shape)]: name }, matrices })
  if (kind === 'tn')
    return tnDispatch({ m, n: 4096, k: 4096 }, { alpha: 1, rowCount: 'tokens' }, context, [input(0), input(1), input(2), output(0)])
  const w = { format, codes: input(1, 0, 4096), scales: input(1, 4096, 256) }
  return (kind === 'nt' ? ntDispatch : nnDispatch)({ m, k: 4096, n: 4096 }, context, { x: input(0), w, y: output(0) })
}

test('Dawn takes every tile within default limits, and every kernel on subgroup matrices', async () => {
  const device = await nullDevice()
  for (const name of Object.keys(tileVariants))
    for (const [kind, format] of [
      ['nt', 'f32'],
      ['nt', 'int4'],
      ['nn', 'int8'],
      ['tn', 'f32'],
    ] as const)
      for (const m of kind === 'nt' && name === 'tile 64x64' ? [1, 2, 4, 8, 16, 32, 64, 500] : [4, 500]) {
        const dispatch = dispatchOf({ kind, format }, name, m)
        expect(dispatch.shader).toBe(`matmul/tile_${kind}`)
        expect(await complaint(device, dispatch), `${name} ${kind} ${format}`).toBeNull()
      }
  for (const [config, name, kind, format] of [
    [nvidia, 'matrix f16 64x64', 'nt', 'int4'],
    [nvidia, 'matrix f16 64x64', 'nn', 'f16'],
    [apple, 'matrix f32 64x64', 'nt', 'f32'],
    [apple, 'matrix f32 64x64', 'nn', 'int8'],
    [apple, 'matrix f32 64x64', 'tn', 'f32'],
  ] as const)
    for (const m of [4, 500]) {
      const dispatch = dispatchOf({ kind, format }, name, m, [config])
      expect(dispatch.shader).toBe(`matmul/matrix_${kind}`)
      expect(shaderSource(dispatch.shader, dispatch.constants, dispatch.parts)).toContain('subgroupMatrixMultiplyAccumulate')
      expect(await complaint(device, dispatch), `${name} ${kind} ${format}`).toBeNull()
    }
  device.destroy()
})

test('Dawn refuses what the WGSL of subgroup matrices does not allow: the check above can fail', async () => {
  const device = await nullDevice()
  const dispatch = dispatchOf({ kind: 'nt', format: 'int4' }, 'matrix f16 64x64', 500, [nvidia])
  // A tile that no default limit allows.
  expect(await complaint(device, { ...dispatch, constants: { ...dispatch.constants, TILE_N: 1024 } })).toMatch(/workgroup storage/)
  device.destroy()
})
