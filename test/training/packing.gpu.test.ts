/** Packing never changes a sequence's numbers: alone or among others, first or last, whatever the tail rows hold. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createRng } from '../../src/base/random'
import { EngineDevice } from '../../src/engine/device/engineDevice'
import { parseModelConfig } from '../../src/models/architectures/config'
import { PROJECTIONS } from '../../src/models/architectures/decoder'
import { randomWeights } from '../../src/training/policy/initialWeights'
import { packSequences, uploadBatch } from '../../src/training/batches/packing'
import type { PackedBatch } from '../../src/training/batches/packing'
import { PolicyModel } from '../../src/training/policy/policyModel'
import { adapterUnderTest, testDevice } from '../support/gpu'

const config = parseModelConfig(JSON.parse(readFileSync(join(import.meta.dirname, '../golden/tiny_qwen2/config.json'), 'utf8')))

it(`log-probs on ${adapterUnderTest()}: a sequence alone equals the same sequence in any batch, bit for bit`, async () => {
  const policy = await PolicyModel.create(new EngineDevice(await testDevice(), { isSoftware: true }), config, randomWeights(config, 3), {
    kind: 'lora',
    lora: { rank: 4, alpha: 8, targets: PROJECTIONS },
    valueHead: true,
  })
  const rng = createRng(5)
  for (const range of policy.packed.ranges.values())
    policy.packed.writeWeights(
      range.name,
      Float32Array.from({ length: range.size }, () => 0.2 * rng.normal()),
    )
  const sequences = [9, 31, 4, 17].map((length) => {
    const ids = Array.from({ length }, () => rng.int(config.vocab_size))
    return { ids, targets: ids.flatMap((_, t) => (t >= 2 ? [t] : [])) }
  })
  const bucket = { tokens: 96, targets: 96 }
  const score = async (batch: PackedBatch): Promise<Float32Array> => {
    const executable = await policy.score(bucket.tokens, bucket.targets)
    uploadBatch(executable, batch)
    await executable.run()
    return executable.readOutput('logp', batch.targetCount)
  }
  const together = await score(packSequences(sequences, config.vocab_size, bucket))
  let row = 0
  for (const sequence of sequences) {
    // The rows past this sequence now hold the larger batch's activations; ids past it are poisoned too.
    const alone = packSequences([sequence], config.vocab_size, bucket)
    alone.arrays.ids.fill(config.vocab_size - 1, sequence.ids.length)
    alone.arrays.positions.fill(999_999, sequence.ids.length)
    expect(await score(alone)).toEqual(together.slice(row, row + sequence.targets.length))
    row += sequence.targets.length
  }
  const reversed = await score(packSequences(sequences.toReversed(), config.vocab_size, bucket))
  expect(reversed.slice(-7)).toEqual(together.slice(0, 7))
  await policy.destroy()
})
