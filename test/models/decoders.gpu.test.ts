/** Gradients of all parameters: over two micro-batches as over the whole batch, and computed again as kept, bit for bit. Their values: test/cli/parity.gpu.test.ts. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { distance } from '../../src/base/quantity'
import { EngineDevice } from '../../src/engine/device/engineDevice'
import { nll } from '../../src/training/policy/nllObjective'
import { parseModelConfig } from '../../src/models/architectures/config'
import { sourceFromBytes } from '../../src/models/weights/byteSource'
import { openSafetensors, readerOf } from '../../src/models/weights/safetensors'
import { packSequences, uploadBatch } from '../../src/training/batches/packing'
import { PolicyModel } from '../../src/training/policy/policyModel'
import { adapterUnderTest, testDevice } from '../support/gpu'

const directory = join(import.meta.dirname, '../golden')
const golden = z.object({ ids: z.array(z.array(z.int())), first_target: z.int() })

it.each(['tiny_qwen2', 'tiny_qwen2_untied', 'tiny_qwen3', 'tiny_llama_bias'])(`%s on ${adapterUnderTest()}`, async (name) => {
  const config = parseModelConfig(JSON.parse(readFileSync(join(directory, name, 'config.json'), 'utf8')))
  const weights = await openSafetensors(sourceFromBytes(readFileSync(join(directory, name, 'model.safetensors'))), name)
  const { ids, first_target } = golden.parse(JSON.parse(readFileSync(join(directory, `${name}_golden.json`), 'utf8')))
  const sequences = ids.map((own) => ({ ids: own, targets: own.flatMap((_, t) => (t >= first_target ? [t] : [])) }))
  const engine = new EngineDevice(await testDevice(), { isSoftware: true })
  const kept = await PolicyModel.create(engine, config, readerOf(weights), { kind: 'all', valueHead: false })
  const frugal = await PolicyModel.create(engine, config, readerOf(weights), { kind: 'all', valueHead: false, gradientCheckpointing: true })
  const batch = packSequences(sequences, config.vocab_size)
  const gradients = async (parts: readonly (typeof sequences)[], policy = kept): Promise<Map<string, Float32Array>> => {
    const step = await policy.gradient('nll', batch.tokenBucket, batch.targetBucket, nll)
    step.write('weight', new Float32Array(batch.targetBucket).fill(1 / batch.targetCount))
    policy.packed.zeroGradients()
    for (const part of parts) {
      uploadBatch(step, packSequences(part, config.vocab_size, { tokens: batch.tokenBucket, targets: batch.targetBucket }))
      await step.run()
    }
    return policy.packed.unpack(await policy.packed.readGradients())
  }
  const whole = await gradients([sequences])
  const parts = await gradients(sequences.map((sequence) => [sequence]))
  expect(whole.size).toBeGreaterThan(10)
  for (const [leaf, values] of parts) expect(distance(values, whole.get(leaf) ?? []).relL2, leaf).toBeLessThan(1e-5)
  expect(await gradients([sequences], frugal)).toEqual(whole)
  await kept.destroy()
  await frugal.destroy()
})
