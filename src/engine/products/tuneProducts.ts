/** Autotuning: times the variants of each class of matrix product on this device and picks the fastest. */
import type { EngineDevice } from '../device/engineDevice'
import { at } from '../op'
import { linear } from '../ops/linear'
import { matmulNN, matmulTN } from '../ops/matmul'
import { candidates, productClass, type ProductShape } from './productKernels'
import { Executable, type Gate } from '../plan/executable'
import { planGraph } from '../plan/planGraph'
import { ScratchPool } from '../plan/scratchPool'
import { Graph } from '../tensor'
import type { ProductKernels } from './productChoice'

export interface TuneOptions {
  /** Milliseconds. */
  readonly now: () => number
  /** Rows of x, tokens of a gradient: a micro-batch. The choice holds for every number of rows. */
  readonly rows?: number
  /** Timings of each variant; their median counts. */
  readonly runs?: number
  /** The tuner awaits this before every variant; a rejection stops it. */
  readonly gate?: Gate
  readonly report?: (done: number, total: number, tuned: TunedClass) => void
}

export interface TunedClass {
  readonly name: string
  /** The product that stood for the class. */
  readonly shape: ProductShape
  readonly choice: string
  /** Fastest first. */
  readonly timings: readonly { readonly variant: string; readonly ms: number; readonly gflops: number }[]
}

const ROWS = 512
const RUNS = 5
/** A timing has enough repetitions to take this long, because clocks are rounded and submits take time. */
const TARGET_MS = 5
/** Another variant must be faster than the fixed one by this factor; smaller differences are noise. */
const MARGIN = 0.95
/** A variant this much slower in its first run is not timed again, unless clocks could not tell. */
const HOPELESS = 3
const CLOCK_MS = 1
/** Larger extents are timed at this one, because the result is the same and takes less time. */
const LARGEST = 4096

/** One timing per class of `shapes`, in scratch buffers of its own that are gone afterwards. */
export async function tuneProducts(engine: EngineDevice, shapes: readonly ProductShape[], options: TuneOptions): Promise<TunedClass[]> {
  const classes = new Map<string, ProductShape>()
  for (const shape of shapes) if (!classes.has(productClass(shape))) classes.set(productClass(shape), shape)
  const tuned: TunedClass[] = []
  for (const [name, shape] of classes) {
    const timings: { variant: string; ms: number; gflops: number }[] = []
    for (const variant of candidates(shape, engine)) {
      await options.gate?.()
      const best = Math.min(...timings.map((one) => one.ms))
      const ms = await timeVariant(engine, shape, { ...engine.products, choices: { [name]: variant } }, options, best)
      timings.push({ variant, ms, gflops: flopsOf(shape, options.rows ?? ROWS) / ms / 1e6 })
    }
    const fixed = at(timings, 0)
    const sorted = [...timings].sort((a, b) => a.ms - b.ms)
    const best = at(sorted, 0)
    const found = { name, shape, choice: (best.ms < MARGIN * fixed.ms ? best : fixed).variant, timings: sorted }
    tuned.push(found)
    options.report?.(tuned.length, classes.size, found)
  }
  return tuned
}

const capped = ({ columns, inner }: ProductShape): { columns: number; inner: number } => ({
  columns: Math.min(LARGEST, columns),
  inner: Math.min(LARGEST, inner),
})
const flopsOf = (shape: ProductShape, rows: number): number => 2 * rows * capped(shape).columns * capped(shape).inner

async function timeVariant(
  engine: EngineDevice,
  shape: ProductShape,
  products: ProductKernels,
  { now, rows = ROWS, runs = RUNS, gate }: TuneOptions,
  best: number,
): Promise<number> {
  const pool = new ScratchPool(engine)
  const { maxBindingBytes, isSoftware, subgroupSize } = engine
  const plan = planGraph(traceProduct(shape, rows), { maxBindingBytes, isSoftware, subgroupSize, products })
  const executable = await Executable.create(engine, plan, pool, (name) => {
    throw new Error(`a product has no state ${name}`)
  })
  try {
    executable.write('counts', Uint32Array.of(rows, rows, 1, 0))
    for (const [name, bytes] of plan.batch) if (name !== 'counts') executable.write(name, someWords(bytes / 4))
    const timed = async (times: number): Promise<number> => {
      const started = now()
      for (let time = 0; time < times; time++) await executable.run(gate)
      await executable.finish()
      return now() - started
    }
    // The first run compiles what drivers put off; the second says how many make a timing.
    await timed(1)
    const once = await timed(1)
    if (once > HOPELESS * Math.max(best, CLOCK_MS)) return once
    const times = Math.max(1, Math.min(200, Math.ceil(TARGET_MS / Math.max(0.01, once))))
    const taken: number[] = []
    for (let run = 0; run < runs; run++) taken.push((await timed(times)) / times)
    return at(
      taken.sort((a, b) => a - b),
      Math.floor(runs / 2),
    )
  } finally {
    executable.destroy()
    pool.destroy()
  }
}

function traceProduct(shape: ProductShape, rows: number): Graph {
  const { columns, inner } = capped(shape)
  const graph = new Graph()
  const counts = graph.batch('counts', [4], 'u32')
  switch (shape.kind) {
    case 'nt':
      graph.output('y', linear(graph.batch('x', [rows, inner]), graph.batch('w', [columns, inner], shape.format), counts))
      break
    case 'nn':
      graph.output('y', matmulNN(graph.batch('x', [rows, inner]), graph.batch('w', [inner, columns], shape.format)))
      break
    case 'tn':
      graph.output(
        'y',
        matmulTN(graph.batch('x', [rows, inner]), graph.batch('w', [rows, columns]), counts, { alpha: 1, rowCount: 'tokens' }),
      )
      break
  }
  return graph
}

/** Small numbers in every format, no two alike in a row: zeros would flatter some hardware. */
function someWords(count: number): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(count)
  for (let i = 0; i < count; i++) words[i] = 0x3c003c00 + ((i * 0x9e37) & 0x03ff03ff)
  return words
}
