/** When a loop is kept, and which weights beside the last. */
import { expect, it } from 'vitest'
import { EngineDevice } from '../../src/engine/device/engineDevice'
import type { TrainingCheckpoint } from '../../src/training/checkpoints/checkpoint'
import { runSteptoolPpo } from '../../src/training/algorithms/ppo/loop'
import { steptoolPpo } from '../../src/training/algorithms/ppo/steptoolPpo'
import type { BestWeights } from '../../src/training/checkpoints/checkpoint'
import { testDevice } from '../support/gpu'
import { someSequences, tinyContext } from './tinyPolicy'

it('every so many steps and minutes, and at the end; the best weights are those their metric was measured on', async () => {
  const engine = new EngineDevice(await testDevice(), { isSoftware: true })
  const kept: TrainingCheckpoint[] = []
  const best: BestWeights[] = []
  const measured = [2, 5, Number.NaN, 5, 9, 1]
  let clock = 0
  const { context } = await tinyContext(engine, {
    steps: measured.length,
    checkpointEvery: 4,
    checkpointMinutes: 2,
    // A step takes 50 seconds: two minutes are over after the third.
    now: () => (clock += 0),
    report: () => void (clock += 50_000),
    best: { metric: 'pass_rate', greaterIsBetter: true, valueOf: (step) => measured[step] },
    checkpoints: {
      load: () => Promise.resolve(null),
      save: (checkpoint) => Promise.resolve(void kept.push(structuredClone(checkpoint))),
      best: { load: () => Promise.resolve(best.at(-1) ?? null), save: (one) => Promise.resolve(void best.push(structuredClone(one))) },
    },
  })
  const settings = steptoolPpo.config.parse({
    ...{ learning_rate: 1e-2, batch_size: 4, mini_batch_size: 2, gradient_accumulation_steps: 1, ppo_epochs: 1 },
    ...{ lora_r: 2, lora_alpha: 4 },
  })
  const before: Float32Array[] = []
  const { policy } = await runSteptoolPpo(context, settings, {
    next: async (_, current) => {
      before.push(await current.packed.readWeights())
      return someSequences(4)
    },
  })
  await policy.destroy()
  expect(kept.map(({ step }) => step)).toEqual([3, 4, 6])
  expect(best.map(({ step, value }) => [step, value])).toEqual([
    [0, 2],
    [1, 5],
    [4, 9],
  ])
  for (const { step, weights } of best) expect(weights).toEqual(before[step])
  expect(before[4]).not.toEqual(before[1])
})
