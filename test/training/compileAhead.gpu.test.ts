/** A large model's kernels are with the compiler before its first tensor is read, and are those its steps run. */
import { expect, it } from 'vitest'
import { EngineDevice } from '../../src/engine/device/engineDevice'
import { parseModelConfig } from '../../src/models/architectures/config'
import { PROJECTIONS } from '../../src/models/architectures/decoder'
import { compileGenerationAhead, decodePlan, extendPlan, generationShape } from '../../src/models/generationPlans'
import { nll } from '../../src/training/policy/nllObjective'
import { PolicyModel } from '../../src/training/policy/policyModel'
import { openOwnDevice } from '../support/gpu'

const config = parseModelConfig({
  ...{ model_type: 'qwen2', vocab_size: 160_000, hidden_size: 128, intermediate_size: 384, num_hidden_layers: 3 },
  ...{ num_attention_heads: 4, num_key_value_heads: 2, tie_word_embeddings: true, max_position_embeddings: 128 },
})

/** A device of its own, and how many pipelines were asked of it so far. */
async function countingDevice(): Promise<{ device: GPUDevice; engine: EngineDevice; asked: () => number }> {
  const device = await openOwnDevice()
  const compile = device.createComputePipelineAsync.bind(device)
  let count = 0
  device.createComputePipelineAsync = (descriptor) => {
    count += 1
    return compile(descriptor)
  }
  return { device, engine: new EngineDevice(device, { isSoftware: true }), asked: () => count }
}

it('compiles while weights stream in', async () => {
  const { device, engine, asked } = await countingDevice()
  let beforeFirstRead: number | null = null
  const policy = await PolicyModel.create(
    engine,
    { ...config, weight_format: 'int4' },
    {
      read: (_name, shape) => Promise.resolve(new Float32Array(shape.reduce((product, extent) => product * extent, 1))),
      readRows: (_name, [, width], _first, count) => {
        beforeFirstRead ??= asked()
        return Promise.resolve(new Float32Array(count * width))
      },
    },
    { kind: 'lora', lora: { rank: 4, alpha: 8, targets: PROJECTIONS }, valueHead: false, gradientCheckpointing: true },
  )
  expect(beforeFirstRead).toBeGreaterThan(15)
  const loaded = asked()
  await policy.gradient('nll', 96, 32, nll)
  await policy.update()
  // The objective's own: its gradient, and the sums it adds up.
  expect(asked() - loaded).toBeLessThanOrEqual(2)
  await policy.destroy()
  device.destroy()
})

it('compiles what generation runs beforehand', async () => {
  const { device, engine, asked } = await countingDevice()
  const size = { config, lora: null, slots: 2, maxContext: 64, maxNewTokens: 8 }
  compileGenerationAhead(engine, size)
  const before = asked()
  expect(before).toBeGreaterThan(8)
  // Of all layers, and of a longer text too.
  const shape = generationShape(size)
  for (const { dispatches } of [decodePlan(shape, engine), extendPlan(shape, 128, engine)])
    for (const { dispatch } of dispatches) engine.kernel(dispatch).catch(() => undefined)
  expect(asked()).toBe(before)
  device.destroy()
})
