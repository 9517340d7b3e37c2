/**
 * A vocabulary that is no multiple of four, such as a Llama 2's with a [PAD]. Witness: transformers' logits of the whole model; without the last
 * tokens, log-probabilities are those of a softmax over the others.
 */
import { expect, it } from 'vitest'
import { z } from 'zod'
import { EngineDevice } from '../../src/engine/device/engineDevice'
import { parseModelConfig } from '../../src/models/architectures/config'
import { PROJECTIONS } from '../../src/models/architectures/decoder'
import { readerOf, type TensorSource } from '../../src/models/weights/safetensors'
import { nll } from '../../src/training/policy/nllObjective'
import { policyMemory, totalBytes } from '../../src/training/preflight/memoryPlan'
import { initialLora } from '../../src/training/policy/initialWeights'
import { packSequences, uploadBatch } from '../../src/training/batches/packing'
import { logitRows } from '../../src/training/policy/divergence'
import { PolicyModel, type TrainableSet } from '../../src/training/policy/policyModel'
import { testDevice } from '../support/gpu'
import { goldenText, openGolden } from './files'

const goldenSchema = z.object({ ids: z.array(z.array(z.int())), base: z.object({ logits: z.array(z.array(z.array(z.number()))) }) })
const VOCABULARY = 93
const LORA: TrainableSet = { kind: 'lora', lora: { rank: 4, alpha: 8, targets: PROJECTIONS }, valueHead: false }
const gate = (): void => undefined

/** The golden's weights as if the checkpoint ended after 93 tokens. */
function reader(source: TensorSource) {
  const whole = readerOf(source)
  return {
    read: async (name: string, shape: readonly number[]): Promise<Float32Array> =>
      shape[0] === VOCABULARY ? (await source.float32(name)).subarray(0, VOCABULARY * (shape[1] ?? 0)) : whole.read(name, shape),
  }
}

const isWithin = (sequence: readonly number[]): boolean => sequence.every((id) => id < VOCABULARY)
const logSumExp = (z: readonly number[]): number => Math.log(z.reduce((sum, value) => sum + Math.exp(value), 0))

async function open(format: 'f32' | 'int8') {
  const file = parseModelConfig(JSON.parse(goldenText('tiny_llama/config.json')))
  const config = { ...file, vocab_size: VOCABULARY, weight_format: format }
  const engine = new EngineDevice(await testDevice(), { isSoftware: true })
  const policy = await PolicyModel.create(engine, config, reader(await openGolden('tiny_llama/model.safetensors')), LORA)
  for (const { name, shape } of policy.packed.ranges.values()) policy.packed.writeWeights(name, initialLora(name, shape, 3))
  return { config, engine, policy }
}

async function scores(policy: PolicyModel, ids: readonly number[]): Promise<Float32Array> {
  const batch = packSequences([{ ids, targets: ids.slice(1).map((_, t) => t + 1) }], VOCABULARY)
  const plan = await policy.score(batch.tokenBucket, batch.targetBucket)
  uploadBatch(plan, batch)
  await plan.run()
  return plan.readOutput('logp', batch.targetCount)
}

it('log-probabilities and logits are those of the tokens there are', async () => {
  const { policy } = await open('f32')
  const { ids, base } = goldenSchema.parse(JSON.parse(goldenText('tiny_llama_golden.json')))
  expect(ids.filter(isWithin).length).toBeGreaterThan(1)
  for (const [index, sequence] of ids.entries()) {
    if (!isWithin(sequence)) continue
    const rows = (base.logits[index] ?? []).map((row) => row.slice(0, VOCABULARY))
    const expected = sequence.slice(1).map((id, t) => (rows[t]?.[id] ?? Number.NaN) - logSumExp(rows[t] ?? []))
    const found = await scores(policy, sequence)
    found.forEach((value, t) => {
      expect(value).toBeCloseTo(expected[t] ?? Number.NaN, 4)
    })
    let t = 0
    for await (const row of logitRows(policy, sequence, gate)) {
      expect(row).toHaveLength(VOCABULARY)
      expect(Math.max(...row.map((value, token) => Math.abs(value - (rows[t]?.[token] ?? Number.NaN))))).toBeLessThan(1e-4)
      t++
    }
    expect(t).toBe(sequence.length - 1)
  }
  await policy.destroy()
})

it('gradients are those of the tokens there are, and memory is what was predicted, in 8 bits too', async () => {
  const { config, policy } = await open('int8')
  const held = policyMemory(config, LORA, []).filter(({ name }) => name === 'frozen weights' || name === 'rotary tables')
  expect(policy.model.frozenBytes).toBe(totalBytes(held))
  const whole = [89, 4, 57, 92, 92, 0, 17]
  const batch = packSequences([{ ids: whole, targets: whole.slice(1).map((_, t) => t + 1) }], VOCABULARY)
  const step = await policy.gradient('nll', batch.tokenBucket, batch.targetBucket, nll)
  step.write('weight', new Float32Array(batch.targetBucket).fill(1 / batch.targetCount))
  policy.packed.zeroGradients()
  uploadBatch(step, batch)
  await step.run()
  const gradients = policy.packed.unpack(await policy.packed.readGradients())
  // The loss a little further along one direction: log-probabilities are the first test's.
  const [name, gradient] = [...gradients].find(([leaf]) => leaf.endsWith('1.mlp.down_proj.lora_B.weight')) ?? ['', new Float32Array(0)]
  const mean = async (): Promise<number> => (await scores(policy, whole)).reduce((sum, value) => sum - value / batch.targetCount, 0)
  const weights = (await policy.packed.readWeights()).slice()
  const own = policy.packed.unpack(weights).get(name)?.slice() ?? new Float32Array(0)
  const length = Math.hypot(...gradient)
  const moved = async (by: number): Promise<number> => {
    policy.packed.writeWeights(
      name,
      own.map((value, index) => value + (by * (gradient[index] ?? 0)) / length),
    )
    return mean()
  }
  expect(length).toBeGreaterThan(1e-3)
  expect(((await moved(0.05)) - (await moved(-0.05))) / 0.1 / length).toBeCloseTo(1, 2)
  await policy.destroy()
})

it('all weights are trained of other vocabularies only, and it is said', async () => {
  const { config, engine, policy } = await open('f32')
  const source = await openGolden('tiny_llama/model.safetensors')
  await expect(PolicyModel.create(engine, config, reader(source), { kind: 'all', valueHead: false })).rejects.toThrow(
    'all weights are trained where the vocabulary is a multiple of 4, found 93: train an adapter (LoRA)',
  )
  await policy.destroy()
})
