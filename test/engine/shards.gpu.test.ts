/** A matrix larger than one binding is taken in parts, with the same bits as whole. */
import { describe, expect, it } from 'vitest'
import { createRng } from '../../src/base/random'
import { EngineDevice } from '../../src/engine/device/engineDevice'
import { embedding } from '../../src/engine/ops/embedding'
import { linear } from '../../src/engine/ops/linear'
import { matmulNN } from '../../src/engine/ops/matmul'
import { Executable } from '../../src/engine/plan/executable'
import { planGraph } from '../../src/engine/plan/planGraph'
import { ScratchPool } from '../../src/engine/plan/scratchPool'
import { Graph } from '../../src/engine/tensor'
import type { Tensor } from '../../src/engine/tensor'
import { isPacked, packWeights, WEIGHT_FORMATS } from '../../src/engine/weightFormat'
import type { WeightFormat } from '../../src/engine/weightFormat'
import { adapterUnderTest, testDevice } from '../support/gpu'

const [ROWS, WIDTH, TOKENS] = [1160, 96, 3]
/** Room for 384 rows of f32: four parts. */
const SMALL = 384 * WIDTH * 4

describe(`large matrices on ${adapterUnderTest()}`, () => {
  for (const [isSoftware, formats] of [
    [true, WEIGHT_FORMATS],
    // Slow to compile on processors: enough to see that the parts meet.
    [false, ['int4']],
  ] as const)
    it.each<WeightFormat>(formats)(`%s, ${isSoftware ? 'software' : 'hardware'} kernels`, async (format) => {
      const engine = new EngineDevice(await testDevice(), { isSoftware })
      const rng = createRng(5)
      const values = Float32Array.from({ length: ROWS * WIDTH }, () => rng.normal())
      const table = engine.createBuffer('table', values.byteLength)
      engine.write(table, isPacked(format) ? packWeights(values, format) : values)
      const pool = new ScratchPool(engine)
      const run = async (maxBindingBytes: number): Promise<{ dispatches: number; values: Float32Array[] }> => {
        const { isSoftware: software, subgroupSize } = engine
        const plan = planGraph(trace(format), { isSoftware: software, subgroupSize, maxBindingBytes })
        const executable = await Executable.create(engine, plan, pool, () => ({ buffer: table, offset: 0 }))
        executable.write('ids', Uint32Array.of(1159, 383, 768))
        executable.write(
          'x',
          Float32Array.from({ length: TOKENS * WIDTH }, (_, i) => Math.sin(i)),
        )
        executable.write(
          'dy',
          Float32Array.from({ length: TOKENS * ROWS }, (_, i) => Math.cos(i)),
        )
        executable.write('counts', Uint32Array.of(TOKENS, TOKENS, 1, 0))
        await executable.run()
        const found = []
        for (const [name, size] of [
          ['rows', TOKENS * WIDTH],
          ['y', TOKENS * ROWS],
          ['dx', TOKENS * WIDTH],
        ] as const)
          found.push(await executable.readOutput(name, size))
        executable.destroy()
        return { dispatches: plan.dispatches.length, values: found }
      }
      const whole = await run(engine.maxBindingBytes)
      // Packed rows are shorter, so that fewer parts are needed.
      const parts = await run(SMALL / (format === 'f32' ? 1 : format.endsWith('16') ? 2 : format === 'int8' ? 4 : 8))
      expect(whole.dispatches).toBe(3)
      expect(parts.dispatches).toBe(12)
      expect(parts.values[0]).toEqual(whole.values[0])
      expect(parts.values[1]).toEqual(whole.values[1])
      // The sum of dX is over the rows: in order, but rounded once more where a part ends.
      const [, , dx = new Float32Array()] = whole.values
      parts.values[2]?.forEach((value, index) => expect(value).toBeCloseTo(dx[index] ?? Number.NaN, 3))
    })
})

function trace(format: WeightFormat): Graph {
  const graph = new Graph()
  const table = graph.state('table', [ROWS, WIDTH], format)
  const counts = graph.batch('counts', [4], 'u32')
  const [order, starts]: Tensor[] = [graph.batch('order', [TOKENS], 'u32'), graph.batch('starts', [ROWS + 1], 'u32')]
  if (order && starts) graph.output('rows', embedding(table, graph.batch('ids', [TOKENS], 'u32'), counts, { order, starts }))
  graph.output('y', linear(graph.batch('x', [TOKENS, WIDTH]), table, counts))
  graph.output('dx', matmulNN(graph.batch('dy', [TOKENS, ROWS]), table))
  return graph
}
