/** The vectors of the released StepTool code through the WGSL kernels: rewards, advantages, whitening, returns, losses, gradients. */
import { describe, expect, it } from 'vitest'
import { EngineDevice } from '../../src/engine/device/engineDevice'
import { gae } from '../../src/engine/ops/gae'
import { interleave } from '../../src/engine/ops/interleave'
import { PPO_SUM, PPO_SUM_WORDS, ppoLoss, ppoLossOp, ppoTerms } from '../../src/engine/ops/ppoLoss'
import { PPO_TOTAL, PPO_TOTAL_WORDS, ppoMinibatch } from '../../src/engine/ops/ppoMinibatch'
import { accumulateInto } from '../../src/engine/ops/accumulateInto'
import { stepReward } from '../../src/engine/ops/stepReward'
import { whiten } from '../../src/engine/ops/whiten'
import { Executable } from '../../src/engine/plan/executable'
import { planGraph } from '../../src/engine/plan/planGraph'
import { ScratchPool } from '../../src/engine/plan/scratchPool'
import { Graph } from '../../src/engine/tensor'
import { placeStepScores, trainedPositions } from '../../src/training/stepRewards'
import { adapterUnderTest, testDevice } from '../support/gpu'
import { stepsOfMask, vectors } from './ppoVectors'

const { inputs } = vectors
const BUCKET = 32
/** f32 against six decimals. */
const TOLERANCE = 2e-6

/** Unmasked cells of a grid in row order. */
const rows = (grid: readonly (readonly number[])[]): number[] => grid.flatMap((row, s) => row.filter((_, t) => inputs.mask[s]?.[t] === 1))
const f32 = (values: readonly number[]): Float32Array => new Float32Array(BUCKET).fill(Number.NaN).map((nan, r) => values[r] ?? nan)
const worst = (found: ArrayLike<number>, expected: readonly number[]): number =>
  Math.max(...expected.map((value, r) => Math.abs(value - (found[r] ?? Number.NaN))))

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

describe.each(['released', 'paper'] as const)(`vectors on ${adapterUnderTest()}, %s placement`, (weighting) => {
  const expected = vectors[weighting]
  const count = rows(inputs.mask).length
  const laidOut = inputs.mask.map((mask, s) => {
    const sequence = { stepOf: [-1, ...stepsOfMask(mask)], rewards: inputs.scores[s] ?? [] }
    const positions = trainedPositions(sequence, 'leave_out')
    return { positions, score: placeStepScores(sequence, positions, weighting) }
  })

  it('rewards, advantages, returns, losses', async () => {
    const device = new EngineDevice(await testDevice(), { isSoftware: true })
    const graph = new Graph()
    const column = (name: string): ReturnType<Graph['batch']> => graph.batch(name, [BUCKET])
    const counts = graph.batch('counts', [4], 'u32')
    const [logp, value] = [column('logp'), column('value')]
    const { reward } = stepReward(
      { logp, ref: column('ref'), score: column('score'), klCoef: graph.batch('klCoef', [4]), counts },
      { klPenalty: 'kl' },
    )
    const { advantage, returns } = gae(
      { reward, value, gap: graph.batch('gap', [BUCKET], 'u32'), firstRow: graph.batch('firstRow', [3], 'u32'), counts },
      { gamma: inputs.gamma, lam: inputs.lam, gaeMaskMode: 'trl_classic' },
    )
    const { y: whitened } = whiten(advantage, counts)
    const table = graph.state('table', [BUCKET, 4])
    interleave([logp, value, whitened, returns], counts, table)
    const loss = ppoLoss(
      {
        logp: column('newLogp'),
        value: graph.batch('newValue', [BUCKET, 1]),
        entropy: column('entropy'),
        tableRow: graph.batch('tableRow', [BUCKET], 'u32'),
        table,
        weight: graph.batch('weight', [4]),
        counts,
      },
      { cliprange: 0.2, cliprangeValue: 0.2, vfCoef: 0.1 },
    )
    accumulateInto(graph.state('sums', [PPO_SUM_WORDS]), loss.sums)
    ppoMinibatch(
      {
        sums: graph.state('sums', [PPO_SUM_WORDS]),
        totals: graph.state('totals', [PPO_TOTAL_WORDS]),
        grads: graph.state('grads', [4]),
        kept: graph.state('kept', [4]),
      },
      { ratioThreshold: 10, vfCoef: 0.1 },
    )
    const outputs = { reward, advantage, whitened, returns, dlogp: loss.dlogp, dvalue: loss.dvalue }
    for (const [name, tensor] of Object.entries(outputs)) graph.output(name, tensor)
    const { executable, buffers } = await build(device, graph, {
      table: new Float32Array(BUCKET * 4),
      sums: new Float32Array(PPO_SUM_WORDS),
      totals: new Float32Array(PPO_TOTAL_WORDS),
      grads: Float32Array.of(1, 2, 3, 4),
      kept: new Float32Array(4),
    })
    const gaps = laidOut.flatMap(({ positions }) => positions.map((position, row) => (positions[row + 1] ?? position) - position))
    const columns = {
      logp: rows(inputs.logprobs),
      ref: rows(inputs.ref_logprobs),
      value: rows(inputs.values),
      score: laidOut.flatMap(({ score }) => score),
      newLogp: rows(vectors.new_logprobs),
      newValue: rows(vectors.new_values),
      entropy: rows(inputs.mask),
    }
    for (const [name, values] of Object.entries(columns)) executable.write(name, f32(values))
    executable.write('gap', Uint32Array.from(gaps))
    executable.write('firstRow', Uint32Array.of(0, laidOut[0]?.positions.length ?? 0, count))
    executable.write(
      'tableRow',
      Uint32Array.from({ length: BUCKET }, (_, r) => r),
    )
    executable.write('klCoef', Float32Array.of(inputs.kl_coef))
    executable.write('weight', Float32Array.of(1 / count))
    executable.write('counts', Uint32Array.of(0, count, 2, 0))
    await executable.run()

    expect(worst(await executable.readOutput('reward', count), rows(expected.rewards))).toBeLessThan(TOLERANCE)
    expect(worst(await executable.readOutput('advantage', count), rows(expected.adv_raw))).toBeLessThan(TOLERANCE)
    expect(worst(await executable.readOutput('whitened', count), rows(expected.adv_whitened))).toBeLessThan(TOLERANCE)
    expect(worst(await executable.readOutput('returns', count), rows(expected.returns))).toBeLessThan(TOLERANCE)
    const totals = await device.readF32(buffers.get('totals') as GPUBuffer, 0, PPO_TOTAL_WORDS)
    expect(
      worst(
        [PPO_TOTAL.policy, PPO_TOTAL.value, PPO_TOTAL.total].map((word) => totals[word] ?? Number.NaN),
        [expected.pg_loss, expected.vf_loss, expected.total],
      ),
    ).toBeLessThan(TOLERANCE)
    expect(totals[PPO_TOTAL.minibatches]).toBe(1)
    expect(totals[PPO_TOTAL.skipped]).toBe(0)
    expect([...(await device.readF32(buffers.get('kept') as GPUBuffer, 0, 4))]).toEqual([1, 2, 3, 4])
    expect(await device.readF32(buffers.get('sums') as GPUBuffer, 0, PPO_SUM_WORDS)).toEqual(new Float32Array(PPO_SUM_WORDS))

    // The cotangents are the slopes of the total loss.
    const slope = (kind: 'logp' | 'value', row: number): number => {
      const around = (by: number): number =>
        columns.newLogp.reduce((sum, newLogp, r) => {
          const moved = r === row ? by : 0
          const now = { logp: newLogp + (kind === 'logp' ? moved : 0), value: (columns.newValue[r] ?? 0) + (kind === 'value' ? moved : 0) }
          const old = {
            logp: columns.logp[r] ?? 0,
            value: columns.value[r] ?? 0,
            advantage: rows(expected.adv_whitened)[r] ?? 0,
            returns: rows(expected.returns)[r] ?? 0,
          }
          const { policy, value: error } = ppoTerms(now, old, { cliprange: 0.2, cliprangeValue: 0.2 })
          return sum + (policy + 0.1 * error) / count
        }, 0)
      return (around(1e-6) - around(-1e-6)) / 2e-6
    }
    const [dlogp, dvalue] = [await executable.readOutput('dlogp', BUCKET), await executable.readOutput('dvalue', BUCKET)]
    expect(
      worst(
        dlogp,
        columns.newLogp.map((_, r) => slope('logp', r)),
      ),
    ).toBeLessThan(TOLERANCE)
    expect(
      worst(
        dvalue,
        columns.newLogp.map((_, r) => slope('value', r)),
      ),
    ).toBeLessThan(TOLERANCE)
    // Nothing leaks past the live rows, whose inputs are NaN.
    expect([...dlogp.slice(count), ...dvalue.slice(count)].every((x) => x === 0)).toBe(true)
    executable.destroy()
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
