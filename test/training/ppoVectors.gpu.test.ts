/** The vectors of the released StepTool code through the WGSL kernels: rewards, advantages, whitening, returns, losses, gradients. */
import { describe, expect, it } from 'vitest'
import { goldensOf } from '../../src/parity/goldens'
import { maskedRows, PPO_CLIP, ppoQuantities, runPpoVectors, WEIGHTINGS } from '../../src/training/algorithms/ppo/stepVectors'
import { EngineDevice } from '../../src/engine/device/engineDevice'
import { PPO_SUM, PPO_SUM_WORDS, ppoLossOp, ppoTerms } from '../../src/engine/ops/ppoLoss'
import { PPO_TOTAL, PPO_TOTAL_WORDS, ppoMinibatch } from '../../src/engine/ops/ppoMinibatch'
import { whiten } from '../../src/engine/ops/whiten'
import { Executable } from '../../src/engine/plan/executable'
import { planGraph } from '../../src/engine/plan/planGraph'
import { ScratchPool } from '../../src/engine/plan/scratchPool'
import { Graph } from '../../src/engine/tensor'
import { adapterUnderTest, testDevice } from '../support/gpu'
import { projectRoot } from '../support/sources'
import { vectors } from './ppoVectors'

async function build(
  device: EngineDevice,
  graph: Graph,
  states: Readonly<Record<string, Float32Array>>,
): Promise<{ executable: Executable; buffers: Map<string, GPUBuffer> }> {
  const buffers = new Map<string, GPUBuffer>()
  for (const [name, data] of Object.entries(states)) {
    const buffer = device.createBuffer(name, data.byteLength)
    device.write(buffer, data)
    buffers.set(name, buffer)
  }
  const plan = planGraph(graph, device)
  const executable = await Executable.create(device, plan, new ScratchPool(device), (name) => {
    const buffer = buffers.get(name)
    if (!buffer) throw new Error(`no state ${name}`)
    return { buffer, offset: 0 }
  })
  return { executable, buffers }
}

describe.each(WEIGHTINGS)(`vectors on ${adapterUnderTest()}, %s placement`, (weighting) => {
  it('equals the released code; cotangents are the slopes of the total loss; nothing leaks past the live rows', async () => {
    const device = new EngineDevice(await testDevice(), { isSoftware: true })
    const out = await runPpoVectors(device, vectors, weighting)
    expect(out.totals[PPO_TOTAL.minibatches]).toBe(1)
    expect(out.totals[PPO_TOTAL.skipped]).toBe(0)
    expect([...out.kept]).toEqual([1, 2, 3, 4])
    expect(out.sums).toEqual(new Float32Array(PPO_SUM_WORDS))

    const rows = (grid: readonly (readonly number[])[]): number[] => maskedRows(vectors, grid)
    const expected = vectors[weighting]
    const [logp, value] = [rows(vectors.inputs.logprobs), rows(vectors.inputs.values)]
    const [newLogp, newValue] = [rows(vectors.new_logprobs), rows(vectors.new_values)]
    const [advantage, returns] = [rows(expected.adv_whitened), rows(expected.returns)]
    const count = newLogp.length
    const slope = (kind: 'logp' | 'value', row: number): number => {
      const around = (by: number): number =>
        newLogp.reduce((sum, own, r) => {
          const moved = r === row ? by : 0
          const now = { logp: own + (kind === 'logp' ? moved : 0), value: (newValue[r] ?? 0) + (kind === 'value' ? moved : 0) }
          const old = { logp: logp[r] ?? 0, value: value[r] ?? 0, advantage: advantage[r] ?? 0, returns: returns[r] ?? 0 }
          const { policy, value: error } = ppoTerms(now, old, PPO_CLIP)
          return sum + (policy + 0.1 * error) / count
        }, 0)
      return (around(1e-6) - around(-1e-6)) / 2e-6
    }
    for (const [kind, found] of [
      ['logp', out.dlogp],
      ['value', out.dvalue],
    ] as const) {
      const slopes = newLogp.map((_, r) => slope(kind, r))
      expect(Math.max(...slopes.map((wanted, r) => Math.abs(wanted - (found[r] ?? Number.NaN)))), kind).toBeLessThan(2e-6)
      // Their inputs are NaN.
      expect([...found.slice(count)].every((x) => x === 0)).toBe(true)
    }
    const quantities = await ppoQuantities(device, goldensOf(projectRoot), adapterUnderTest())
    expect(quantities.filter(({ pass }) => !pass)).toEqual([])
    expect(quantities).toHaveLength(14)
  })
})

describe(`laws on ${adapterUnderTest()}`, () => {
  it('whitening: mean 0, unbiased variance 1, over thousands of rows', async () => {
    const device = new EngineDevice(await testDevice(), { isSoftware: true })
    const [size, live] = [4096, 3001]
    const graph = new Graph()
    graph.output('y', whiten(graph.batch('x', [size]), graph.batch('counts', [4], 'u32')).y)
    const { executable } = await build(device, graph, {})
    executable.write(
      'x',
      Float32Array.from({ length: size }, (_, r) => (r < live ? 100 + Math.sin(r) : Number.NaN)),
    )
    executable.write('counts', Uint32Array.of(0, live, 1, 0))
    await executable.run()
    const y = await executable.readOutput('y', size)
    const mean = y.reduce((sum, value) => sum + value, 0) / live
    expect(Math.abs(mean)).toBeLessThan(1e-4)
    expect(y.slice(0, live).reduce((sum, value) => sum + (value - mean) ** 2, 0) / (live - 1)).toBeCloseTo(1, 4)
    expect(y.slice(live).every((value) => value === 0)).toBe(true)
    executable.destroy()
  })

  it('a mini-batch whose mean ratio is past the threshold, or not finite, leaves the gradients as they were', async () => {
    const device = new EngineDevice(await testDevice(), { isSoftware: true })
    for (const [ratio, isKept] of [
      [9.9, true],
      [10.1, false],
      [Number.NaN, false],
      [Number.POSITIVE_INFINITY, false],
    ] as const) {
      const graph = new Graph()
      ppoMinibatch(
        {
          sums: graph.state('sums', [PPO_SUM_WORDS]),
          totals: graph.state('totals', [PPO_TOTAL_WORDS]),
          grads: graph.state('grads', [4]),
          kept: graph.state('kept', [4]),
        },
        { ratioThreshold: 10, vfCoef: 0.1 },
      )
      const sums = new Float32Array(PPO_SUM_WORDS)
      sums[PPO_SUM.rows] = 4
      sums[PPO_SUM.ratio] = 4 * ratio
      sums[PPO_SUM.policy] = 8
      const { executable, buffers } = await build(device, graph, {
        sums,
        totals: new Float32Array(PPO_TOTAL_WORDS),
        grads: Float32Array.of(5, Number.NaN, 7, 8),
        kept: Float32Array.of(1, 2, 3, 4),
      })
      await executable.run()
      const grads = [...(await device.readF32(buffers.get('grads') as GPUBuffer, 0, 4))]
      const totals = await device.readF32(buffers.get('totals') as GPUBuffer, 0, PPO_TOTAL_WORDS)
      expect(grads).toEqual(isKept ? [5, Number.NaN, 7, 8] : [1, 2, 3, 4])
      expect([totals[PPO_TOTAL.skipped], totals[PPO_TOTAL.policy]]).toEqual(isKept ? [0, 2] : [1, 0])
      executable.destroy()
    }
  })

  it('the reference cotangents are the slopes of the reference losses', () => {
    for (const example of ppoLossOp.examples) {
      const arrays = example.inputs.map((spec, index) => {
        const length = spec.shape.reduce((product, extent) => product * extent, 1)
        const values = Array.from({ length }, (_, k) => example.values?.[index]?.[k] ?? Math.cos(k + index))
        return spec.dtype === 'u32' ? Uint32Array.from(values) : Float64Array.from(values)
      })
      const weight = arrays[5]?.[0] ?? 0
      const loss = (): number => {
        const sums = ppoLossOp.reference(arrays, example.inputs, example.params)[2]
        return weight * ((sums?.[PPO_SUM.policy] ?? 0) + example.params.vfCoef * (sums?.[PPO_SUM.value] ?? 0))
      }
      const [dlogp, dvalue] = ppoLossOp.reference(arrays, example.inputs, example.params)
      for (const [input, cotangent] of [
        [0, dlogp],
        [1, dvalue],
      ] as const) {
        const array = arrays[input]
        if (!array || !cotangent) throw new Error('missing')
        array.forEach((original, r) => {
          array[r] = original + 1e-6
          const above = loss()
          array[r] = original - 1e-6
          const below = loss()
          array[r] = original
          expect(Math.abs((above - below) / 2e-6 - (cotangent[r] ?? Number.NaN))).toBeLessThan(1e-6)
        })
      }
    }
  })
})
