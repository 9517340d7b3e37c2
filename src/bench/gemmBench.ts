/** `bench gemm`: the three matrix products a linear layer needs, beside jax-js and tfjs, with the adapter's measured roofline. */
import { EngineDevice } from '../engine/device/engineDevice'
import { linear } from '../engine/ops/linear'
import { matmulNN, matmulTN } from '../engine/ops/matmul'
import { Executable } from '../engine/plan/executable'
import { planGraph } from '../engine/plan/planGraph'
import { ScratchPool } from '../engine/plan/scratchPool'
import { Graph, type Tensor } from '../engine/tensor'
import { createRng } from '../base/random'
import type { JaxBaseline } from './baselines/jax'
import { rateRow, timeTurns, type BenchRow } from './paired'
import type { TfjsBaseline } from './baselines/tfjs'
import { measureRoofline, type Roofline } from './roofline'

export interface GemmBenchOptions {
  readonly device: GPUDevice
  readonly isSoftware: boolean
  readonly jax: JaxBaseline | null
  readonly tfjs: TfjsBaseline | null
  readonly sizes: readonly number[]
  readonly pairs: number
  readonly now: () => number
  progress(line: string): void
}

/** `shareOfPeak`: its speed over the measured peak of multiply-adds. */
export interface GemmRow extends BenchRow {
  readonly shareOfPeak: number
}

export interface GemmBenchReport {
  readonly rows: readonly (BenchRow | GemmRow)[]
  readonly roofline: Roofline
}

/** y = a·b (NN, the gradient of an input), a·bᵀ (NT, forward), aᵀ·b (TN, the gradient of a weight); all matrices n × n. */
const layouts = ['NN', 'NT', 'TN'] as const
type Layout = (typeof layouts)[number]

/** A timing lasts at least this long, so that clocks and submits do not show. */
const TARGET_MS = 120
const PARITY = 1e-5

export async function benchGemm(options: GemmBenchOptions): Promise<GemmBenchReport> {
  const { device, jax, tfjs, now } = options
  const roofline = await measureRoofline(device, now)
  options.progress(`bench gemm: peak ${roofline.gflops.toFixed(1)} GFLOP/s, ${roofline.gigabytesPerSecond.toFixed(2)} GB/s`)
  const alone = { peer: null, theirs: null, ratio: null }
  const rows: (BenchRow | GemmRow)[] = [
    { name: 'peak multiply-add', ours: roofline.gflops, unit: 'GFLOP/s', ...alone },
    { name: 'peak copy', ours: roofline.gigabytesPerSecond, unit: 'GB/s', ...alone },
  ]
  const engine = new EngineDevice(device, { isSoftware: options.isSoftware })
  for (const n of options.sizes)
    for (const layout of layouts) {
      const rng = createRng(n, layouts.indexOf(layout))
      const [a, b] = [0, 1].map(() => Float32Array.from({ length: n * n }, () => rng.normal()))
      if (!a || !b) continue
      const ours = await ownProduct(engine, layout, n, a, b)
      const baselines: { name: string; product: Product }[] = [
        ...(jax ? [{ name: jax.name, product: jaxProduct(jax, layout, n, a, b) }] : []),
        ...(tfjs ? [{ name: tfjs.name, product: tfjsProduct(tfjs, layout, n, a, b) }] : []),
      ]
      for (const { name, product } of baselines) checkParity(`${layout} ${n}`, name, await ours.result(), await product.result())
      // After a run to warm up: as many products in a timing as fill it, for each side its own number.
      const works: Record<string, () => Promise<number>> = {}
      for (const [name, product] of [['ours', ours] as const, ...baselines.map(({ name, product }) => [name, product] as const)]) {
        const times = Math.max(1, Math.min(1000, Math.ceil(TARGET_MS / Math.max(0.01, await msOf(product, now)))))
        works[name] = async () => {
          const started = now()
          await product.run(times)
          return (now() - started) / times
        }
      }
      const taken = await timeTurns(works, options.pairs, now)
      const line: string[] = []
      for (const name of baselines.length > 0 ? baselines.map(({ name }) => name) : ['']) {
        const row = rateRow(`${layout} ${n}`, 'GFLOP/s', (2 * n ** 3) / 1e9, name, { ours: taken('ours'), theirs: taken(name) })
        rows.push({ ...row, shareOfPeak: row.ours / roofline.gflops })
        if (line.length === 0) line.push(`${row.name} ${row.ours.toFixed(2)} GFLOP/s`)
        if (row.theirs !== null) line.push(`${name} ${row.theirs.toFixed(2)}`)
      }
      options.progress(`bench gemm: ${line.join(', ')}`)
      ours.destroy()
      for (const { product } of baselines) product.destroy()
    }
  return { rows, roofline }
}

async function msOf(product: Product, now: () => number): Promise<number> {
  await product.run(1)
  const started = now()
  await product.run(1)
  return now() - started
}

interface Product {
  /** Runs it so many times and waits. */
  run(times: number): Promise<void>
  result(): Promise<Float32Array>
  destroy(): void
}

async function ownProduct(engine: EngineDevice, layout: Layout, n: number, a: Float32Array, b: Float32Array): Promise<Product> {
  const graph = new Graph()
  const [x, w, counts] = [graph.batch('a', [n, n]), graph.batch('b', [n, n]), graph.batch('counts', [4], 'u32')]
  graph.output('y', productOf(layout, x, w, counts))
  const pool = new ScratchPool(engine)
  const executable = await Executable.create(engine, planGraph(graph, engine), pool, (name) => {
    throw new Error(`no state ${name}`)
  })
  executable.write('a', a)
  executable.write('b', b)
  executable.write('counts', Uint32Array.of(n, n, 1, 0))
  return {
    async run(times) {
      for (let time = 0; time < times; time++) await executable.run()
      await executable.finish()
    },
    async result() {
      await executable.run()
      return executable.readOutput('y', n * n)
    },
    destroy() {
      executable.destroy()
      pool.destroy()
    },
  }
}

function productOf(layout: Layout, x: Tensor, w: Tensor, counts: Tensor): Tensor {
  switch (layout) {
    case 'NN':
      return matmulNN(x, w)
    case 'NT':
      return linear(x, w, counts)
    case 'TN':
      return matmulTN(x, w, counts, { alpha: 1, rowCount: 'tokens' })
  }
}

function jaxProduct({ jax }: JaxBaseline, layout: Layout, n: number, a: Float32Array<ArrayBuffer>, b: Float32Array<ArrayBuffer>): Product {
  const { numpy: np, blockUntilReady } = jax
  const [x, w] = [np.array(a).reshape([n, n]), np.array(b).reshape([n, n])]
  const product = (): typeof x => {
    switch (layout) {
      case 'NN':
        return np.matmul(x.ref, w.ref)
      case 'NT':
        return np.matmul(x.ref, np.transpose(w.ref))
      case 'TN':
        return np.matmul(np.transpose(x.ref), w.ref)
    }
  }
  return {
    async run(times) {
      const products = Array.from({ length: times }, product)
      await blockUntilReady(products)
      for (const one of products) one.dispose()
    },
    async result() {
      const values: unknown = await product().data()
      if (!(values instanceof Float32Array)) throw new Error('the baseline computes in another type')
      return values
    },
    destroy() {
      x.dispose()
      w.dispose()
    },
  }
}

function tfjsProduct(baseline: TfjsBaseline, layout: Layout, n: number, a: Float32Array, b: Float32Array): Product {
  const [x, w] = [baseline.matrix(a, n), baseline.matrix(b, n)]
  const product = (): typeof x => baseline.matMul(x, w, layout === 'TN', layout === 'NT')
  return {
    async run(times) {
      const products = Array.from({ length: times }, product)
      await baseline.finish()
      for (const one of products) one.dispose()
    },
    async result() {
      const y = product()
      const values = await y.data()
      y.dispose()
      if (!(values instanceof Float32Array)) throw new Error('the baseline computes in another type')
      return values
    },
    destroy() {
      x.dispose()
      w.dispose()
    },
  }
}

function checkParity(what: string, baseline: string, ours: Float32Array, theirs: Float32Array): void {
  let [difference, size] = [0, 0]
  for (const [i, value] of ours.entries()) {
    difference += (value - (theirs[i] ?? Number.NaN)) ** 2
    size += value ** 2
  }
  const relative = Math.sqrt(difference / size)
  if (!(relative <= PARITY))
    throw new Error(
      `bench gemm: ${what} differs from that of ${baseline} by ${relative.toExponential(1)} (relative L2): they compute different things, so no speed is reported.`,
    )
}
