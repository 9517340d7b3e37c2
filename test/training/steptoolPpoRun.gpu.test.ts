/** Two batches of step-grained PPO against test/golden/steptool_ppo.py: TRL's classic trainer in plain torch, f64, padded and masked. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { EngineDevice } from '../../src/engine/device/engineDevice'
import { sourceFromBytes } from '../../src/models/weights/byteSource'
import { openSafetensors } from '../../src/models/weights/safetensors'
import { runSteptoolPpo } from '../../src/training/algorithms/ppo/loop'
import { steptoolPpo } from '../../src/training/algorithms/ppo/steptoolPpo'
import type { TrainingCheckpoint } from '../../src/training/checkpoints/checkpoint'
import { PolicyModel } from '../../src/training/policy/policyModel'
import { minibatchesOf } from '../../src/training/batches/batchLayout'
import { adapterUnderTest, testDevice } from '../support/gpu'
import { golden as folder, memoryCheckpoints, tinyContext } from './tinyPolicy'

const run = z.object({
  switches: z.record(z.string(), z.unknown()),
  sequences: z.array(z.object({ ids: z.array(z.int()), stepOf: z.array(z.int()), rewards: z.array(z.number().nullable()) })),
  stats: z.array(z.record(z.string(), z.number())),
  kl_coef: z.number(),
})
const schema = z.object({
  config: z.record(z.string(), z.unknown()),
  orders: z.array(z.array(z.array(z.array(z.int())))),
  runs: z.object({ released: run, paper: run }),
  value_head: z.object({ weight: z.array(z.number()), bias: z.array(z.number()) }),
})
const golden = schema.parse(JSON.parse(readFileSync(join(folder, 'steptool_ppo_run.json'), 'utf8')))
const open = (file: string) => openSafetensors(sourceFromBytes(readFileSync(join(folder, file))), file)
const SEED = 5

it('the mini-batches of the witness are those a run draws', () => {
  golden.orders.forEach((epochs, batch) => epochs.forEach((order, epoch) => expect(minibatchesOf(4, 2, SEED, batch, epoch)).toEqual(order)))
})

describe.each(['released', 'paper'] as const)(`two batches on ${adapterUnderTest()}, %s`, (name) => {
  it('metrics of each batch, the coefficient, and every trained weight', async () => {
    const { switches, sequences, stats, kl_coef } = golden.runs[name]
    const settings = steptoolPpo.config.parse({ ...golden.config, ...switches, lora_r: 4, lora_alpha: 8 })
    const engine = new EngineDevice(await testDevice(), { isSoftware: true })
    const { context, reports } = await tinyContext(engine, { seed: SEED, steps: 2 })
    const lora = await open('tiny_qwen2_lora.safetensors')

    // The witness starts from a third of the golden adapter and its own value head: a checkpoint of no steps.
    const seedling = await PolicyModel.create(engine, context.model, context.reader, {
      kind: 'lora',
      lora: { rank: 4, alpha: 8, targets: settings.lora_targets },
      valueHead: true,
    })
    for (const { name: leaf, shape } of seedling.packed.ranges.values()) {
      const head =
        leaf === 'v_head.summary.weight' ? golden.value_head.weight : leaf === 'v_head.summary.bias' ? golden.value_head.bias : null
      seedling.packed.writeWeights(
        leaf,
        head ? Float32Array.from(head) : (await lora.float32(`base_model.model.${leaf}`, shape)).map((value) => value / 3),
      )
    }
    const { weights, first, second, state } = await seedling.packed.snapshot()
    await seedling.destroy()
    const start: TrainingCheckpoint = {
      step: 0,
      state: { batches: 0, tokens: 0, kl_coef: settings.init_kl_coef },
      arrays: { weights, first, second, optimizer: state },
    }

    const batch = sequences.map((sequence, index) => ({
      ...sequence,
      trajectoryId: `w/${index}`,
      stepIndex: [],
      truncatedTokens: 0,
      truncatedSteps: [],
      notTrainedSteps: [],
    }))
    const { policy, klCoef } = await runSteptoolPpo({ ...context, checkpoints: memoryCheckpoints(start), checkpointEvery: 9 }, settings, {
      next: () => Promise.resolve(batch),
    })

    const errors: [string, number][] = stats.flatMap((expected, step) =>
      Object.entries(expected).map(([metric, value]): [string, number] => [
        `${step} ${metric}`,
        Math.abs((reports[step]?.metrics[metric] ?? Number.NaN) - value) / Math.max(1, Math.abs(value)),
      ]),
    )
    // Clip fractions are counts: a token on the edge may fall either way.
    expect(errors.filter(([metric, error]) => !(error < (metric.includes('clipfrac') ? 0.02 : 2e-4)))).toEqual([])
    expect(klCoef).toBeCloseTo(kl_coef, 6)
    const trained = await open('steptool_ppo_run.safetensors')
    const found = policy.packed.unpack(await policy.packed.readWeights())
    const drift: [string, number][] = []
    for (const [leaf, values] of found) {
      const expected = await trained.float32(`${name}.${leaf}`, policy.packed.ranges.get(leaf)?.shape ?? [])
      let difference = 0
      let moved = 0
      const range = policy.packed.ranges.get(leaf)
      expected.forEach((value, index) => {
        difference += (value - (values[index] ?? Number.NaN)) ** 2
        moved += (value - (weights[(range?.offset ?? 0) + index] ?? 0)) ** 2
      })
      drift.push([leaf, Math.sqrt(difference / moved)])
    }
    // Relative to how far training moved the weight.
    expect(drift.filter(([, error]) => !(error < 5e-3))).toEqual([])
    await policy.destroy()
  })
})
