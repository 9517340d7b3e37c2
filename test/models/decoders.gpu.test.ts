/** Tiny random models of every architecture against transformers and peft: log-probs, loss, every LoRA gradient, every base gradient, three AdamW steps. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { EngineDevice } from '../../src/engine/device/engineDevice'
import { weightedNll } from '../../src/engine/ops/weightedNll'
import { parseModelConfig } from '../../src/models/architectures/config'
import { PROJECTIONS } from '../../src/models/architectures/decoder'
import type { WeightReader } from '../../src/models/languageModel'
import { sourceFromBytes } from '../../src/models/weights/byteSource'
import { openSafetensors } from '../../src/models/weights/safetensors'
import { packSequences, uploadBatch } from '../../src/training/packing'
import { PolicyModel } from '../../src/training/policyModel'
import type { Objective, TrainableSet } from '../../src/training/policyModel'
import { adapterUnderTest, testDevice } from '../support/gpu'

const directory = join(import.meta.dirname, '../golden')
const part = z.object({ loss: z.number(), logprobs: z.array(z.array(z.number())) })
const golden = z.object({
  ids: z.array(z.array(z.int())),
  first_target: z.int(),
  base: part,
  lora: part,
  adamw: z.object({ losses: z.array(z.number()), grad_norms: z.array(z.number()) }),
})

const nll: Objective = ({ graph, logp, batch, rows }) => {
  const { dlogp, totals } = weightedNll(logp, graph.batch('weight', [rows]), batch.counts)
  graph.output('totals', totals)
  return { dlogp }
}

async function fixture(name: string) {
  const read = async (file: string) => openSafetensors(sourceFromBytes(readFileSync(join(directory, file))), file)
  const config = parseModelConfig(JSON.parse(readFileSync(join(directory, name, 'config.json'), 'utf8')))
  const weights = await read(`${name}/model.safetensors`)
  const lora = await read(`${name}_lora.safetensors`)
  const grads = await read(`${name}_grads.safetensors`)
  const reader: WeightReader = { read: (tensor, shape) => weights.float32(tensor, shape) }
  const numbers = golden.parse(JSON.parse(readFileSync(join(directory, `${name}_golden.json`), 'utf8')))
  const sequences = numbers.ids.map((ids) => ({ ids, targets: ids.flatMap((_, t) => (t >= numbers.first_target ? [t] : [])) }))
  return { config, reader, lora, grads, numbers, sequences }
}

function relative(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  let difference = 0
  let norm = 0
  for (let i = 0; i < expected.length; i++) {
    difference += ((expected[i] ?? 0) - (found[i] ?? Number.NaN)) ** 2
    norm += (expected[i] ?? 0) ** 2
  }
  return Math.sqrt(difference / norm)
}

const LORA = { rank: 4, alpha: 8, targets: PROJECTIONS } as const

const variants = ['tiny_qwen2', 'tiny_qwen2_untied', 'tiny_qwen2_yarn', 'tiny_qwen3', 'tiny_llama3', 'tiny_llama_bias']

describe.each(variants)(`%s on ${adapterUnderTest()}`, (name) => {
  const pefts = (leaf: string): string => `base_model.model.${leaf}`

  async function open(trainable: TrainableSet) {
    const parts = await fixture(name)
    const engine = new EngineDevice(await testDevice(), { isSoftware: true })
    const policy = await PolicyModel.create(engine, parts.config, parts.reader, trainable)
    if (trainable.kind === 'lora') {
      for (const range of policy.packed.ranges.values())
        policy.packed.writeWeights(range.name, await parts.lora.float32(pefts(range.name), range.shape))
    }
    const batch = packSequences(parts.sequences, parts.config.vocab_size)
    const step = await policy.gradient('nll', batch.tokenBucket, batch.targetBucket, nll)
    uploadBatch(step, batch)
    step.write(
      'weight',
      new Float32Array(batch.targetBucket).fill(1 / batch.targetCount, 0, batch.targetCount).fill(Number.NaN, batch.targetCount),
    )
    return { ...parts, engine, policy, batch, step }
  }

  it('log-probs with and without the adapter', async () => {
    const { policy, batch, numbers } = await open({ kind: 'lora', lora: LORA, valueHead: false })
    for (const [reference, expected] of [
      [true, numbers.base],
      [false, numbers.lora],
    ] as const) {
      const score = await policy.score(batch.tokenBucket, batch.targetBucket, reference)
      uploadBatch(score, batch)
      await score.run()
      const found = await score.readOutput('logp', batch.targetCount)
      const wanted = Array.from(
        batch.rowSequence,
        (sequence, row) => expected.logprobs[sequence]?.[(batch.rowPosition[row] ?? 0) - 1] ?? Number.NaN,
      )
      expect(Math.max(...wanted.map((value, row) => Math.abs(value - (found[row] ?? Number.NaN))))).toBeLessThan(5e-5)
    }
    await policy.destroy()
  })

  it('loss and LoRA gradients, then three AdamW steps', async () => {
    const { policy, step, numbers, grads } = await open({ kind: 'lora', lora: LORA, valueHead: false })
    policy.packed.setHyper({ learningRate: 1e-2, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0, maxGradNorm: 0, gradScale: 1 })
    const update = await policy.update()
    for (let index = 0; index < 3; index++) {
      policy.packed.zeroGradients()
      await step.run()
      const [loss] = await step.readOutput('totals', 4)
      expect(Math.abs((loss ?? Number.NaN) - (numbers.adamw.losses[index] ?? 0))).toBeLessThan(1e-4)
      if (index === 0) {
        const found = policy.packed.unpack(await policy.packed.readGradients())
        for (const [leaf, values] of found)
          expect(relative(values, await grads.float32(`lora_grad.${pefts(leaf)}`)), leaf).toBeLessThan(1e-4)
      }
      await update.run()
      const [, norm] = await policy.packed.readOptimizerState()
      // AdamW's first steps have the size of the learning rate whatever the gradient: rounding of the smallest ones grows.
      expect(relative([norm ?? Number.NaN], [numbers.adamw.grad_norms[index] ?? 0])).toBeLessThan(index === 0 ? 1e-5 : 1e-3)
    }
    const weights = policy.packed.unpack(await policy.packed.readWeights())
    for (const [leaf, values] of weights) expect(relative(values, await grads.float32(`adamw3.${pefts(leaf)}`)), leaf).toBeLessThan(1e-4)
    await policy.destroy()
  })

  it('gradients of all parameters, accumulated over two micro-batches', async () => {
    const { policy, step, numbers, grads, sequences, config, batch } = await open({ kind: 'all', valueHead: false })
    policy.packed.zeroGradients()
    await step.run()
    const [loss] = await step.readOutput('totals', 4)
    expect(Math.abs((loss ?? Number.NaN) - numbers.base.loss)).toBeLessThan(2e-5)
    const whole = policy.packed.unpack(await policy.packed.readGradients())
    for (const [leaf, values] of whole) expect(relative(values, await grads.float32(`base_grad.${leaf}`)), leaf).toBeLessThan(1e-4)

    policy.packed.zeroGradients()
    for (const sequence of sequences) {
      const micro = packSequences([sequence], config.vocab_size, { tokens: batch.tokenBucket, targets: batch.targetBucket })
      uploadBatch(step, micro)
      await step.run()
    }
    const parts = policy.packed.unpack(await policy.packed.readGradients())
    for (const [leaf, values] of parts) expect(relative(values, whole.get(leaf) ?? []), leaf).toBeLessThan(1e-5)
    await policy.destroy()
  })
})

it('the goldens are there', () => {
  expect(existsSync(join(directory, 'tiny_qwen2_golden.json'))).toBe(true)
})
