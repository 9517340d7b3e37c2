/** What a layer's kernel adds before it stores gives a row the same bits among any number of rows, by any tile, fused or not. */
import { describe, expect, it } from 'vitest'
import { createRng } from '../../src/base/random'
import { EngineDevice } from '../../src/engine/device/engineDevice'
import { linear } from '../../src/engine/ops/linear'
import { swiglu } from '../../src/engine/ops/swiglu'
import { Executable } from '../../src/engine/plan/executable'
import { planGraph } from '../../src/engine/plan/planGraph'
import { ScratchPool } from '../../src/engine/plan/scratchPool'
import { Graph, sizeOf } from '../../src/engine/tensor'
import { packWeights } from '../../src/engine/weightFormat'
import { adapterUnderTest, testDevice } from '../support/gpu'

const [ROWS, K, N, RANK] = [17, 96, 20, 12]

/** silu(gate) ⊙ (x wᵀ + bias + 0.5 low bᵀ) of the first `rows` rows, and the kernels it took. */
async function layer(
  device: EngineDevice,
  { rows = ROWS, isFused = true, isSoftware = true }: { rows?: number; isFused?: boolean; isSoftware?: boolean },
): Promise<{ y: Float32Array; shaders: string[] }> {
  const graph = new Graph()
  const x = graph.batch('x', [rows, K])
  const w = graph.batch('w', [N, K], 'int4')
  const lora = { low: graph.batch('low', [rows, RANK]), b: graph.batch('b', [N, RANK]), scale: 0.5 }
  const up = linear(x, w, graph.batch('counts', [4], 'u32'), { bias: graph.batch('bias', [N]), lora })
  // What the host reads is made on its own.
  if (!isFused) graph.output('up', up)
  graph.output('y', swiglu(graph.batch('gate', [rows, N]), up))
  const pool = new ScratchPool(device)
  const { maxBindingBytes, subgroupSize } = device
  const plan = planGraph(graph, { maxBindingBytes, subgroupSize, isSoftware })
  const executable = await Executable.create(device, plan, pool, (name) => {
    throw new Error(name)
  })
  for (const [stream, name] of ['x', 'w', 'low', 'b', 'bias', 'gate'].entries()) {
    const leaf = graph.leaves.get(name)
    const rng = createRng(3, stream)
    const values = Float32Array.from({ length: sizeOf(leaf?.shape ?? []) }, () => rng.normal())
    executable.write(name, name === 'w' ? packWeights(values, 'int4') : values)
  }
  executable.write('counts', Uint32Array.of(rows, 0, 1, 0))
  await executable.run()
  const y = await executable.readOutput('y', rows * N)
  executable.destroy()
  pool.destroy()
  return { y, shaders: plan.dispatches.map(({ dispatch }) => dispatch.shader) }
}

describe(`epilogues on ${adapterUnderTest()}`, () => {
  it('bias, adapter and gate are one kernel: the same bits by any tile, for any number of rows', async () => {
    const device = new EngineDevice(await testDevice(), { isSoftware: true })
    const expected = await layer(device, {})
    expect(expected.shaders).toEqual(['matmul/subgroup_nt'])
    const plain = await layer(device, { isSoftware: false })
    expect(plain.shaders).toEqual(['matmul/tile_nt'])
    expect(plain.y).toEqual(expected.y)
    for (const rows of [1, 5]) {
      const few = await layer(device, { rows })
      expect(few.y, `${rows} rows`).toEqual(expected.y.slice(0, rows * N))
    }
  })

  it('the gate in the layer gives the bits of the gate on its own, as a gradient needs it', async () => {
    const device = new EngineDevice(await testDevice(), { isSoftware: true })
    const fused = await layer(device, {})
    const apart = await layer(device, { isFused: false })
    expect(apart.shaders).toEqual(['matmul/subgroup_nt', 'elementwise/swiglu'])
    expect(apart.y).toEqual(fused.y)
  })
})
