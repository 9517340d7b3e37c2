/** An adapter whose configuration means more than plain LoRA: what acts with it and what it is merged into give peft's logits. */
import { expect, it } from 'vitest'
import { EngineDevice } from '../../src/engine/device/engineDevice'
import { openWeightsFolder } from '../../src/models/checkpointFolder'
import type { WeightReader } from '../../src/models/languageModel'
import { architectureOf } from '../../src/models/languageModel'
import type { ModelConfig } from '../../src/models/architectures/config'
import { mergedReader } from '../../src/models/weights/mergeLora'
import { checkAdapterFits, readAdapter } from '../../src/models/weights/peft'
import { readerOf } from '../../src/models/weights/safetensors'
import { actingAdapter } from '../../src/studio/models/adapterFiles'
import { plainTrainable } from '../../src/studio/runs/policyBackend'
import { logitRows } from '../../src/training/policy/divergence'
import { PolicyModel, type TrainableSet } from '../../src/training/policy/policyModel'
import type { AdapterTensors } from '../../src/training/policy/adapterTensors'
import { sizeOf } from '../../src/engine/tensor'
import { testDevice } from '../support/gpu'
import { goldenFolder } from './files'
import { adapterFolder, variant, variants } from './peftVariants'

async function logitsOf(config: ModelConfig, reader: WeightReader, trainable: TrainableSet, tensors: AdapterTensors): Promise<number[]> {
  const policy = await PolicyModel.create(new EngineDevice(await testDevice(), { isSoftware: true }), config, reader, trainable)
  try {
    for (const { name, shape } of policy.packed.ranges.values())
      policy.packed.writeWeights(name, tensors.get(name)?.values ?? new Float32Array(sizeOf(shape)))
    const found: number[] = []
    for await (const row of logitRows(policy, variants.ids, () => undefined)) found.push(...row)
    return found
  } finally {
    await policy.destroy()
  }
}

function distance(found: readonly number[], logits: Float32Array): number {
  const expected = logits.subarray(0, found.length)
  return Math.max(...found.map((value, at) => Math.abs(value - (expected[at] ?? Number.NaN))))
}

it.each(Object.entries(variants.configs))('%s: peft’s logits, acting and merged', async (name, json) => {
  const { config, tensors: base } = await openWeightsFolder(goldenFolder('tiny_qwen2_untied'))
  const { tensors, logits } = await variant(name)
  const adapter = await readAdapter(adapterFolder(json, tensors))
  checkAdapterFits(adapter, architectureOf(config).parameters(config))
  const { reader, trainable, tensors: beside } = actingAdapter(adapter, { config, reader: readerOf(base) })
  expect(distance(await logitsOf(config, reader, trainable, beside), logits)).toBeLessThan(5e-4)
  expect(distance(await logitsOf(config, mergedReader(config, readerOf(base), adapter), plainTrainable, new Map()), logits)).toBeLessThan(
    5e-4,
  )
})
