/** Merging an adapter: peft's own merge bit for bit in float16, shards, what is told of a quantised base; and KL between two models. */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { packWeights, unpackWeights } from '../../src/engine/weightFormat'
import { nodeFolder } from '../../src/cli/node/folder'
import { openWeightsFolder } from '../../src/models/checkpointFolder'
import { architectureOf } from '../../src/models/languageModel'
import { folderFromMap } from '../../src/models/weights/byteSource'
import { mergedConfig, mergedDtype, mergedReader, mergedShard, mergeNote, planMerge } from '../../src/models/weights/mergeLora'
import { mergedMatrix } from '../../src/models/weights/adaptedBase'
import { openModelWeights } from '../../src/models/weights/modelWeights'
import { readAdapter } from '../../src/models/weights/peft'
import { openSafetensors, readerOf } from '../../src/models/weights/safetensors'
import { sourceFromBytes } from '../../src/models/weights/byteSource'
import { divergenceOf } from '../../src/training/policy/divergence'
import { projectRoot } from '../support/sources'

const golden = join(projectRoot, 'test/golden')

async function collected(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const all: Uint8Array[] = []
  for await (const piece of pieces) all.push(piece)
  return new Uint8Array(Buffer.concat(all))
}

it('W + s·B·A, row by row', () => {
  const base = Float32Array.of(1, 2, 3, 4, 5, 6)
  // [out 2, in 3], rank 1: B = [1, −2], A = [10, 0, 1], s = 0.5.
  const merged = mergedMatrix(base, { a: Float32Array.of(10, 0, 1), b: Float32Array.of(1, -2), inFeatures: 3, outFeatures: 2 }, 0.5)
  expect([...merged]).toEqual([6, 2, 3.5, -6, 5, 5])
})

it('the same float16 values as peft’s merge, and the base’s own everywhere else', async () => {
  const base = nodeFolder(join(golden, 'tiny_qwen2'))
  const adapterFolder = nodeFolder(join(golden, 'peft_adapter'))
  const goldens = nodeFolder(golden)
  try {
    const { config, tensors } = await openWeightsFolder(base)
    const adapter = await readAdapter(adapterFolder)
    const plan = planMerge(config)
    expect(plan).toMatchObject({ dtype: 'F16', index: null, shards: [{ file: 'model.safetensors' }] })
    const [shard] = plan.shards
    if (!shard) throw new Error('no shard')
    const bytes = await collected(mergedShard(shard, mergedReader(config, readerOf(tensors), adapter)))
    const written = await openSafetensors(sourceFromBytes(bytes), 'model.safetensors')
    const source = await goldens.open('merged.safetensors')
    if (!source) throw new Error('merged.safetensors is missing')
    const peft = await openSafetensors(source, 'merged.safetensors')
    expect(peft.tensors.size).toBe(2)
    for (const [name, shape] of Object.entries(architectureOf(config).parameters(config))) {
      const found = await written.float32(name, shape)
      expect(written.info(name).dtype).toBe('F16')
      if (!peft.tensors.has(name)) {
        const own = await tensors.float32(name, shape)
        expect(
          Math.max(...found.map((value, at) => Math.abs(value - (own[at] ?? 0)) / Math.max(1e-3, Math.abs(own[at] ?? 0)))),
        ).toBeLessThan(1e-3)
        continue
      }
      // Sums in another order may round one unit of float16 apart.
      const expected = await peft.float32(name, shape)
      const apart = found.filter((value, at) => value !== expected[at]).length
      expect(apart, name).toBeLessThanOrEqual(Math.ceil(found.length / 500))
      expect(
        Math.max(...found.map((value, at) => Math.abs(value - (expected[at] ?? 0)) / Math.max(1, Math.abs(expected[at] ?? 0)))),
      ).toBeLessThan(1e-3)
    }
  } finally {
    for (const folder of [base, adapterFolder, goldens]) await folder.close()
  }
})

it('a large model is cut into shards with an index, and read back from them', async () => {
  const base = nodeFolder(join(golden, 'tiny_qwen2'))
  try {
    const { config, tensors } = await openWeightsFolder(base)
    const none = { rank: 1, alpha: 1, dropout: 0, useRslora: false, baseModel: '', revision: null, modules: new Map() }
    const plan = planMerge(config, undefined, 8000)
    expect(plan.shards.length).toBeGreaterThan(2)
    const files = new Map<string, Uint8Array>()
    const merged = mergedReader(config, readerOf(tensors), none)
    for (const shard of plan.shards) {
      const bytes = await collected(mergedShard(shard, merged))
      files.set(shard.file, bytes)
      if (shard.tensors.length > 1) expect(bytes.length).toBeLessThan(8000 + 4000)
    }
    files.set('model.safetensors.index.json', new TextEncoder().encode(plan.index ?? ''))
    const back = await openModelWeights(folderFromMap('merged', files))
    for (const [name, shape] of Object.entries(architectureOf(config).parameters(config))) expect(back.info(name, shape).dtype).toBe('F16')
    expect(plan.bytes).toBe([...back.tensors.values()].reduce((sum, { byteLength }) => sum + byteLength, 0))
  } finally {
    await base.close()
  }
})

it('a base held in int8 is merged as the values it had, and that is said', async () => {
  const base = nodeFolder(join(golden, 'tiny_qwen2'))
  try {
    const { config: plain, tensors } = await openWeightsFolder(base)
    const config = { ...plain, weight_format: 'int8' as const }
    const none = { rank: 1, alpha: 1, dropout: 0, useRslora: false, baseModel: '', revision: null, modules: new Map() }
    const name = 'model.layers.0.self_attn.q_proj.weight'
    const own = await tensors.float32(name, [32, 32])
    const held = unpackWeights(packWeights(own, 'int8'), own.length, 'int8')
    expect(await mergedReader(config, readerOf(tensors), none).read(name, [32, 32])).toEqual(held)
    expect(held).not.toEqual(own)
    expect(mergeNote(config)).toMatch(/dequantised/)
    expect(mergeNote(plain)).toBeNull()
  } finally {
    await base.close()
  }
})

it('config.json says what the weights are', () => {
  expect(mergedDtype({ torch_dtype: 'bfloat16' })).toBe('BF16')
  expect(mergedDtype({ torch_dtype: 'float32' })).toBe('F16')
  const text = mergedConfig({ model_type: 'qwen2', torch_dtype: 'float32', quantization_config: { bits: 4 } }, 'BF16', true)
  expect(JSON.parse(text)).toEqual({ model_type: 'qwen2', torch_dtype: 'bfloat16', tie_word_embeddings: true })
  expect(JSON.parse(mergedConfig({ dtype: 'float32', tie_word_embeddings: true }, 'F16', false))).toEqual({
    dtype: 'float16',
    tie_word_embeddings: false,
  })
})

it('KL of two distributions, from logits of any offset', () => {
  // p = (½, ½), q = (¼, ¾): KL = ½ ln 2 + ½ ln ⅔.
  const p = Float32Array.of(5, 5)
  const q = Float32Array.of(0, Math.log(3))
  const found = divergenceOf([p, p], [q, p])
  expect(found.max).toBeCloseTo(0.5 * Math.log(2) + 0.5 * Math.log(2 / 3), 6)
  expect(found.mean).toBeCloseTo(found.max / 2, 6)
  expect(found).toMatchObject({ tokens: 2, sameTop: 0.5 })
})
