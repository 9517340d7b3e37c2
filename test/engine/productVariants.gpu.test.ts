/** Every variant of a matrix product gives the same bits, or where it may round its operands, what it says. */
import { describe, expect, it } from 'vitest'
import { createRng } from '../../src/base/random'
import { EngineDevice } from '../../src/engine/device/engineDevice'
import { linear } from '../../src/engine/ops/linear'
import { matmulNN, matmulTN } from '../../src/engine/ops/matmul'
import { candidates, productClass, type ProductShape } from '../../src/engine/products/productKernels'
import { lowTileFor } from '../../src/engine/products/workgroupTiles'
import { Executable } from '../../src/engine/plan/executable'
import { planGraph } from '../../src/engine/plan/planGraph'
import { ScratchPool } from '../../src/engine/plan/scratchPool'
import type { MatrixConfig } from '../../src/engine/products/productChoice'
import { Graph } from '../../src/engine/tensor'
import { packWeights, isPacked, type WeightFormat } from '../../src/engine/weightFormat'
import { adapterUnderTest, testDevice } from '../support/gpu'

/** No multiple of any tile; rows of the last product stop before their end. */
const [M, K, N, LIVE] = [70, 160, 96, 67]

interface Operands {
  readonly x: Float32Array
  readonly w: Float32Array | Uint32Array
}

/** y of NT (x [M, K], w [N, K]), NN (x [M, K], w [K, N]) or TN (x [M, N], w [M, K]), with how many kernels of what names it took. */
async function product(
  device: EngineDevice,
  { kind, format }: Pick<ProductShape, 'kind' | 'format'>,
  { x, w }: Operands,
  choice: { name: string; shape: ProductShape; matrices: readonly MatrixConfig[]; rows?: number },
): Promise<{ y: Float32Array; shaders: string[] }> {
  const rows = choice.rows ?? M
  const columns = kind === 'nt' ? choice.shape.columns : N
  const graph = new Graph()
  const a = graph.batch('x', kind === 'tn' ? [M, N] : [rows, K])
  const b = graph.batch('w', kind === 'tn' ? [M, K] : kind === 'nt' ? [columns, K] : [K, N], format)
  const counts = graph.batch('counts', [4], 'u32')
  const y = kind === 'nt' ? linear(a, b, counts) : kind === 'nn' ? matmulNN(a, b) : matmulTN(a, b, counts, { alpha: 1, rowCount: 'tokens' })
  graph.output('y', y)
  const pool = new ScratchPool(device)
  const plan = planGraph(graph, {
    ...{ maxBindingBytes: device.maxBindingBytes, isSoftware: device.isSoftware, subgroupSize: device.subgroupSize },
    products: { choices: { [productClass(choice.shape)]: choice.name }, workgroupBytes: 16_384, matrices: choice.matrices },
  })
  const executable = await Executable.create(device, plan, pool, (name) => {
    throw new Error(name)
  })
  executable.write('x', x.subarray(0, kind === 'tn' ? M * N : rows * K))
  executable.write('w', w)
  executable.write('counts', Uint32Array.of(LIVE, 0, 1, 0))
  await executable.run()
  const found = await executable.readOutput('y', kind === 'tn' ? N * K : rows * columns)
  executable.destroy()
  pool.destroy()
  return { y: found, shaders: plan.dispatches.map(({ dispatch }) => dispatch.shader) }
}

function operands(kind: ProductShape['kind'], format: WeightFormat, columns = N): Operands {
  const rng = createRng(5, kind.charCodeAt(1))
  const [a, b] = kind === 'tn' ? [M * N, M * K] : [M * K, columns * K]
  const x = Float32Array.from({ length: a }, () => rng.normal())
  const values = Float32Array.from({ length: b }, () => rng.normal())
  // A tail row that would be seen at once if it counted.
  if (kind === 'tn') x.fill(Number.NaN, LIVE * N)
  return { x, w: isPacked(format) ? packWeights(values, format) : values }
}

const CASES = [
  { kind: 'nt', format: 'f32' },
  { kind: 'nt', format: 'int8' },
  { kind: 'nn', format: 'int4' },
  { kind: 'tn', format: 'f32' },
] as const
/** Operands are rounded to f16, where the adapter has it, with packed weights. */
const MATRIX_CASES = [CASES[0], CASES[2], CASES[3]]
const shapeOf = ({ kind, format }: Pick<ProductShape, 'kind' | 'format'>): ProductShape =>
  kind === 'tn' ? { kind, format, columns: K, inner: N } : { kind, format, columns: N, inner: K }
const difference = (a: Float32Array, b: Float32Array): number => {
  const norm = (values: Float32Array): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0))
  return norm(a.map((value, i) => value - (b[i] ?? Number.NaN))) / norm(b)
}

describe(`products on ${adapterUnderTest()}`, () => {
  it.each(CASES)('$kind of $format: every tile gives the same bits', async (kind) => {
    const device = new EngineDevice(await testDevice(), { isSoftware: true })
    const shape = shapeOf(kind)
    const given = operands(kind.kind, kind.format)
    const names = candidates(shape, device)
    expect(names.length).toBeGreaterThan(4)
    const [first = '', ...others] = names
    const expected = await product(device, kind, given, { name: first, shape, matrices: [] })
    for (const name of others) {
      const { y, shaders } = await product(device, kind, given, { name, shape, matrices: [] })
      expect(shaders.join(), name).toMatch(/^matmul\/tile_/)
      expect(
        y.findIndex((value, i) => !Object.is(value, expected.y[i])),
        name,
      ).toBe(-1)
    }
  })

  // A tile for every number of rows that has one of its own.
  it.each([
    ['f16', [1, 8]],
    ['int4', [1, 2, 3, 7, 12, 20, 33]],
  ] as const)('nt of %s: a row has the same bits among any number of rows', async (format, counts) => {
    const device = new EngineDevice(await testDevice(), { isSoftware: true })
    const kind = { kind: 'nt', format } as const
    const shape = shapeOf(kind)
    const given = operands('nt', format)
    for (const name of ['subgroup', 'tile 64x64']) {
      const all = await product(device, kind, given, { name, shape, matrices: [] })
      for (const rows of counts) {
        const few = await product(device, kind, given, { name, shape, matrices: [], rows })
        expect(few.shaders, name).toEqual([`matmul/${name.split(' ')[0] ?? ''}_nt`])
        expect(
          few.y.findIndex((value, i) => !Object.is(value, all.y[i])),
          `${name}, ${rows} rows`,
        ).toBe(-1)
      }
    }
  })

  it('nt of many columns: among few rows the wide low tiles give the same bits', async () => {
    const device = new EngineDevice(await testDevice(), { isSoftware: true })
    const shape = { kind: 'nt', format: 'int4', columns: 16_400, inner: K } as const
    const given = operands('nt', 'int4', shape.columns)
    const choice = { name: 'tile 64x64', shape, matrices: [] }
    const all = await product(device, shape, given, choice)
    for (const rows of [16, 32, 64]) {
      expect(lowTileFor({ m: rows, n: shape.columns })?.width).toBe(rows === 64 ? 32 : 64)
      const few = await product(device, shape, given, { ...choice, rows })
      expect(
        few.y.findIndex((value, i) => !Object.is(value, all.y[i])),
        `${rows} rows`,
      ).toBe(-1)
    }
  })

  it.each(MATRIX_CASES)('$kind of $format: the kernel on subgroup matrices, the matrices in plain arithmetic', async (kind) => {
    const device = new EngineDevice(await testDevice(), { isSoftware: true })
    const hasHalf = device.device.features.has('shader-f16')
    const element = kind.format === 'f32' || !hasHalf ? 'f32' : 'f16'
    const config: MatrixConfig = { element, m: 8, n: 8, k: 8, subgroup: device.subgroupSize ?? 4, operations: 'plain_matrix' }
    const shape = shapeOf(kind)
    const given = operands(kind.kind, kind.format)
    const expected = await product(device, kind, given, { name: 'tile 64x64', shape, matrices: [] })
    const choice = { name: `matrix ${element} 32x32`, shape, matrices: [config] }
    const { y, shaders } = await product(device, kind, given, choice)
    expect(shaders).toEqual([`matmul/matrix_${kind.kind}`])
    expect(difference(y, expected.y)).toBeLessThan(element === 'f16' ? 1e-3 : 1e-6)
    if (element === 'f16') expect(difference(y, expected.y), 'f16 rounds').toBeGreaterThan(1e-5)
    if (kind.kind !== 'nt') return
    // The same row among few, by a low tile.
    const few = await product(device, kind, given, { ...choice, rows: 5 })
    expect(few.y).toEqual(y.slice(0, 5 * N))
  })
})
