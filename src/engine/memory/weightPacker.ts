/** Writes rows of f32 weights into a buffer in its storage format; the GPU packs them block by block. */
import type { EngineDevice } from '../device/engineDevice'
import { packWeights } from '../ops/packWeights'
import { Executable } from '../plan/executable'
import { planGraph } from '../plan/planGraph'
import { ScratchPool } from '../plan/scratchPool'
import { Graph } from '../tensor'
import { rowsIn } from '../weightFormat'
import type { PackedFormat } from '../weightFormat'

/** f32 bytes of a block. */
const BLOCK_BYTES = 8 * 2 ** 20
/** Blocks begin at multiples of so many rows, where codes and scales begin at whole words. */
const ROW_STEP = 128

export interface RowBlock {
  readonly first: number
  readonly count: number
}

/** Blocks of rows of a matrix [rows, width] that are small enough to be handed over one by one. */
export function rowBlocks(rows: number, width: number): RowBlock[] {
  const most = Math.max(1, Math.floor(BLOCK_BYTES / (width * 4) / ROW_STEP)) * ROW_STEP
  return Array.from({ length: Math.ceil(rows / most) }, (_, index) => ({
    first: index * most,
    count: Math.min(most, rows - index * most),
  }))
}

export class WeightPacker {
  readonly #engine: EngineDevice
  readonly #pool: ScratchPool
  readonly #plans = new Map<string, Promise<Executable>>()

  constructor(engine: EngineDevice) {
    this.#engine = engine
    this.#pool = new ScratchPool(engine)
  }

  /** values: [count, width], rows first … first + count of `buffer`, a matrix of `shape`. Resolves when they are there. */
  async write(
    buffer: GPUBuffer,
    values: Float32Array,
    { format, shape, first, count }: RowBlock & { readonly format: PackedFormat; readonly shape: readonly [number, number] },
  ): Promise<void> {
    const place = rowsIn(format, shape, first, count)
    const width = shape[1]
    const executable = await this.#plan(format, count, width)
    executable.write('rows', values)
    await executable.run()
    const packed = rowsIn(format, [count, width], 0, count)
    const encoder = this.#engine.device.createCommandEncoder()
    const from = executable.outputBuffer('packed')
    encoder.copyBufferToBuffer(from, packed.codes.offset, buffer, place.codes.offset, place.codes.size)
    if (place.scales !== place.codes) encoder.copyBufferToBuffer(from, packed.scales.offset, buffer, place.scales.offset, place.scales.size)
    this.#engine.submit(encoder)
    // The next block overwrites this one's f32 rows.
    await this.#engine.finished()
  }

  #plan(format: PackedFormat, count: number, width: number): Promise<Executable> {
    const key = `${format} ${count} ${width}`
    const known = this.#plans.get(key)
    if (known) return known
    const graph = new Graph()
    graph.output('packed', packWeights(graph.batch('rows', [count, width]), format))
    const made = Executable.create(this.#engine, planGraph(graph, this.#engine), this.#pool, (name) => {
      throw new Error(`packing reads no state, asked for ${name}`)
    })
    this.#plans.set(key, made)
    return made
  }

  async destroy(): Promise<void> {
    for (const plan of this.#plans.values()) (await plan).destroy()
    this.#pool.destroy()
  }
}
