/** The f64 references that ArCHer's kernels are held to, against torch (test/golden/archer.py). The kernels themselves: hone parity. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { TensorSpec } from '../../src/engine/tensor'
import { archerLossOp, ARCHER_SUM, utteranceAdvantageOp } from '../../src/engine/ops/archerLoss'
import { criticLossOp, criticTargetsOp, CRITIC_SUM } from '../../src/engine/ops/criticLoss'
import { sourceFromBytes } from '../../src/models/weights/byteSource'
import { openSafetensors, type TensorSource } from '../../src/models/weights/safetensors'
import { CRITICS } from '../../src/training/algorithms/archer/criticPlans'

const folder = join(import.meta.dirname, '../golden')
const numbers = z.array(z.number())
const golden = z
  .object({
    settings: z.object({ features: z.int(), batch_size: z.int(), gradient_accumulation_steps: z.int(), gamma: z.number() }),
    transitions: z.array(z.array(z.tuple([z.number(), z.number(), z.number()]))),
    updates: z.array(z.object({ losses: numbers, means: numbers })),
    ...{ advantages: numbers, lengths: z.array(z.int()), tokens: z.object({ logps: numbers, values: numbers }) },
    actor: z.object({ pg_loss: z.number(), grad: numbers }),
    baseline: z.object({ pg_loss: z.number(), value_loss: z.number(), residual_mean: z.number(), grad: numbers, value_grad: numbers }),
  })
  .parse(JSON.parse(readFileSync(join(folder, 'archer_golden.json'), 'utf8')))
const { features, batch_size: batch, gradient_accumulation_steps: batches, gamma } = golden.settings
const size = batch * batches

let tensors: TensorSource
beforeAll(async () => {
  tensors = await openSafetensors(sourceFromBytes(readFileSync(join(folder, 'archer.safetensors'))), 'archer.safetensors')
})

const f = (...shape: number[]): TensorSpec => ({ shape, dtype: 'f32' })
const u = (...shape: number[]): TensorSpec => ({ shape, dtype: 'u32' })
const counts = Uint32Array.of(size, size, size, 0)

/** [N] of one head, in f64. */
async function value(when: string, head: string, x: readonly (readonly number[])[]): Promise<Float64Array> {
  let rows = x
  for (const layer of [0, 2, 4]) {
    const weight = await tensors.float32(`${when}.${head}.${layer}.weight`)
    const bias = await tensors.float32(`${when}.${head}.${layer}.bias`)
    const sums = rows.map((row) =>
      Array.from(bias, (b, out) => row.reduce((sum, one, k) => sum + one * (weight[out * row.length + k] ?? 0), b)),
    )
    rows = layer === 4 ? sums : sums.map((row) => row.map((one) => Math.max(one, 0)))
  }
  return Float64Array.from(rows.flat())
}

async function rowsOf(name: string, update: number): Promise<number[][]> {
  const all = await tensors.float32(name)
  return Array.from({ length: size }, (_, n) => [...all.slice((update * size + n) * features, (update * size + n + 1) * features)])
}
const joined = (first: readonly number[][], second: readonly number[][]): number[][] =>
  first.map((row, n) => [...row, ...(second[n] ?? [])])

function closeTo(found: ArrayLike<number>, expected: readonly number[]): void {
  expect(found.length).toBe(expected.length)
  expected.forEach((wanted, index) => {
    expect(Math.abs((found[index] ?? Number.NaN) - wanted)).toBeLessThan(1e-6 * Math.max(1e-2, Math.abs(wanted)))
  })
}

describe('ArCHer in f64 against torch', () => {
  it('targets, losses and means of the first update', async () => {
    const [observation, action] = [await rowsOf('observation', 0), await rowsOf('action', 0)]
    const [fresh, next] = [await rowsOf('fresh', 0), await rowsOf('next', 0)]
    const transition = Float64Array.from((golden.transitions[0] ?? []).flatMap(([reward, done, mc]) => [reward, 1 - done, mc, 1 / batch]))
    const specs = [f(size, 1), f(size, 1), f(size, 1), f(size, 1), f(size, 4), u(4)]
    // The targets are the critics themselves before the first update.
    const targets = [
      ...[await value('start', 'v_critic1', next), await value('start', 'v_critic2', next)],
      ...[await value('start', 'critic1', joined(observation, fresh)), await value('start', 'critic2', joined(observation, fresh))],
    ]
    const [y = new Float64Array(0)] = criticTargetsOp.reference([...targets, transition, counts], specs, { gamma })
    const sums: (Float64Array | undefined)[] = []
    for (const [index, head] of CRITICS.entries()) {
      const x = await value('start', head, index < 2 ? joined(observation, action) : observation)
      const column = index as 0 | 1 | 2 | 3
      sums.push(criticLossOp.reference([x, y, transition, counts], [f(size, 1), f(size, 4), f(size, 4), u(4)], { column })[1])
    }
    const of = (key: keyof typeof CRITIC_SUM): number[] => sums.map((own) => own?.[CRITIC_SUM[key]] ?? Number.NaN)
    closeTo(
      of('loss').map((sum) => sum / batches),
      golden.updates[0]?.losses ?? [],
    )
    closeTo(
      [...of('value'), ...of('target').slice(2)].map((sum) => sum / size),
      golden.updates[0]?.means ?? [],
    )
  })

  it('advantages by the trained critics', async () => {
    const [observation, fresh] = [await rowsOf('observation', 5), await rowsOf('fresh', 5)]
    const values = [
      ...[await value('after', 'critic1', joined(observation, fresh)), await value('after', 'critic2', joined(observation, fresh))],
      ...[await value('after', 'v_critic1', observation), await value('after', 'v_critic2', observation)],
    ]
    const [advantage] = utteranceAdvantageOp.reference([...values, counts], [f(size, 1), f(size, 1), f(size, 1), f(size, 1), u(4)], null)
    // The trained weights are kept in f32.
    advantage?.forEach((one, n) => {
      expect(one).toBeCloseTo(golden.advantages[n] ?? Number.NaN, 5)
    })
  })

  it.each([false, true])('the actor’s loss and gradients, baseline %s', (hasValue) => {
    const { logps, values } = golden.tokens
    const rows = logps.length
    const utterance = Uint32Array.from(golden.lengths.flatMap((length, index) => new Array<number>(length).fill(index)))
    const arrays = [
      ...[Float64Array.from(logps), new Float64Array(rows), Float64Array.from(values), utterance, Float64Array.from(golden.advantages)],
      ...[Float64Array.of(1 / size, 1 / rows, 0, 0), Uint32Array.of(0, rows, size, 0)],
    ]
    const specs = [f(rows), f(rows), f(rows, 1), u(rows), f(size), f(4), u(4)]
    const [dlogp = [], dvalue = [], sums = []] = archerLossOp.reference(arrays, specs, { hasValue })
    closeTo([sums[ARCHER_SUM.loss] ?? Number.NaN], [hasValue ? golden.baseline.pg_loss : golden.actor.pg_loss])
    closeTo(dlogp, hasValue ? golden.baseline.grad : golden.actor.grad)
    if (!hasValue) return
    closeTo([sums[ARCHER_SUM.valueLoss] ?? Number.NaN], [golden.baseline.value_loss])
    closeTo([(sums[ARCHER_SUM.residual] ?? Number.NaN) / rows], [golden.baseline.residual_mean])
    closeTo(dvalue, golden.baseline.value_grad)
  })
})
