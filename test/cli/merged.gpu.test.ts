/** `hone export --to merged`: what is written is a model again, near the adapter it was made of; and transformers' logits of peft's merge. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { exportFiles } from '../../src/cli/commands/export'
import { nodeFolder } from '../../src/cli/node/folder'
import { must, withStudio } from '../../src/cli/openStudio'
import { sha256 } from '../../src/base/sha256'
import { EngineDevice } from '../../src/engine/device/engineDevice'
import { openWeightsFolder } from '../../src/models/checkpointFolder'
import { projectionPath, projectionShape } from '../../src/models/architectures/decoder'
import { mergedReader } from '../../src/models/weights/mergeLora'
import { readAdapter, writeAdapter } from '../../src/models/weights/peft'
import { readerOf } from '../../src/models/weights/safetensors'
import { f16FromFloat32, float32FromF16 } from '../../src/base/halfFloat'
import { plainTrainable } from '../../src/studio/runs/policyBackend'
import { logitRows } from '../../src/training/policy/divergence'
import { PolicyModel } from '../../src/training/policy/policyModel'
import { testDevice } from '../support/gpu'
import { projectRoot } from '../support/sources'
import { run, temporaryDirectory, testContext } from './commandContext'
import { gpu, model, trained } from './trainedRun'
import { parseModelConfig } from '../../src/models/architectures/config'

const goldenFolder = join(projectRoot, 'test/golden')
const kl = z.object({ mean: z.number(), max: z.number(), tokens: z.int(), sameTop: z.number() })
const result = z.object({ files: z.array(z.string()), dtype: z.string(), note: z.string().nullable(), kl })

test('a merged model loads again and predicts what base and adapter do; from an int8 base it says what it was merged into', async () => {
  const config = parseModelConfig(JSON.parse(readFileSync(join(model.replace('random:', ''), 'config.json'), 'utf8')))
  const modules = new Map(
    (['q_proj', 'down_proj'] as const).map((target) => {
      const [outFeatures, inFeatures] = projectionShape(config, target)
      const wave = (count: number, by: number): Float32Array => Float32Array.from({ length: count }, (_, i) => Math.sin(by * (i + 1)))
      return [projectionPath(0, target), { a: wave(2 * inFeatures, 0.7), b: wave(2 * outFeatures, 1.3), inFeatures, outFeatures }] as const
    }),
  )
  const directory = join(temporaryDirectory(), 'adapter')
  mkdirSync(directory)
  for (const [name, bytes] of writeAdapter({ rank: 2, alpha: 4, dropout: 0, useRslora: false, baseModel: '', revision: null, modules }))
    writeFileSync(join(directory, name), bytes)
  const exported = async (words: readonly string[]): Promise<z.output<typeof result>> => {
    const out = join(temporaryDirectory(), 'merged')
    return result.parse(
      await run(exportFiles, [directory, '--to', 'merged', '--model', model, '--out', out, ...words], testContext(gpu()).context),
    )
  }
  const plain = await exported([])
  expect(plain.files.map((path) => path.split('/').at(-1)).sort()).toEqual(
    ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json'].sort(),
  )
  expect(plain).toMatchObject({ dtype: 'F16', note: null })
  expect(plain.kl.tokens).toBeGreaterThan(100)
  // Only the rounding to float16 is between them.
  expect(plain.kl.max).toBeLessThan(1e-4)
  expect(plain.kl.mean).toBeGreaterThanOrEqual(-1e-7)
  expect(plain.kl.sameTop).toBeGreaterThan(0.98)
  const held = await exported(['--dtype', 'int8'])
  expect(held.note).toMatch(/int8.*dequantised/)
  expect(held.kl.max).toBeLessThan(1e-3)

  const other = join(temporaryDirectory(), 'none')
  mkdirSync(other)
  await expect(run(exportFiles, [other, '--to', 'merged', '--out', other], testContext(gpu()).context)).rejects.toThrow(
    /name it with --model/,
  )
})

test('the adapter of a run, its last and its best, is merged by the job that the page starts: the same bytes, in a folder or in memory', async () => {
  const out = temporaryDirectory()
  const sft = ['--algorithm', 'sft', '--data', 'starter-corpus', '--tokens_per_batch', '256', '--warmup_steps', '0', '--no-preflight']
  const best = ['--best-metric', 'loss', '--best-is', 'smaller', '--learning_rate', '0.02', '--steps', '2', '--seed', '7']
  await trained([...sft, ...best, '--lora_r', '2', '--out', out])
  const { context } = testContext(gpu())
  const hashes: string[] = []
  for (const [which, directory] of [
    ['last', out],
    ['best', join(out, 'best')],
  ] as const) {
    const target = join(temporaryDirectory(), 'merged')
    // Neither needs --model: the run says what it was trained on, and with which random weights.
    const { files } = result.parse(await run(exportFiles, [directory, '--to', 'merged', '--out', target], context))
    const inMemory = await withStudio(context, async (studio) => {
      const opened = must(await studio.runs.openFolder(out))
      await studio.run({ kind: 'merge', adapter: { kind: 'run', run_id: opened.run.run_id, which } })
      return must(await studio.runs.mergedModel(opened.run.run_id))
    })
    expect(inMemory.names.map((name) => join(target, name))).toEqual(files)
    for (const name of inMemory.names)
      expect(sha256(new Uint8Array((await inMemory.files[name]?.arrayBuffer()) ?? [])), name).toBe(sha256(readFileSync(join(target, name))))
    hashes.push(sha256(readFileSync(join(target, 'model.safetensors'))))
    expect(readdirSync(target).filter((name) => name.endsWith('.writing'))).toEqual([])
  }
  expect(hashes[0]).not.toBe(hashes[1])
  const peft = join(temporaryDirectory(), 'peft')
  await run(exportFiles, ['--to', 'peft', join(out, 'best'), '--out', peft, '--base-model', 'org/model'], context)
  expect(readdirSync(peft).sort()).toEqual(['README.md', 'adapter_config.json', 'adapter_model.safetensors'])
  expect(JSON.parse(readFileSync(join(peft, 'adapter_config.json'), 'utf8'))).toMatchObject({ base_model_name_or_path: 'org/model', r: 2 })
})

test('the logits transformers gives for peft’s merge in float16', async () => {
  const golden = z
    .object({ ids: z.array(z.array(z.int())), logits: z.array(z.array(z.array(z.number()))) })
    .parse(JSON.parse(readFileSync(join(goldenFolder, 'merged_golden.json'), 'utf8')))
  const base = nodeFolder(join(goldenFolder, 'tiny_qwen2'))
  const adapter = nodeFolder(join(goldenFolder, 'peft_adapter'))
  try {
    const { config, tensors } = await openWeightsFolder(base)
    const merged = mergedReader(config, readerOf(tensors), await readAdapter(adapter))
    const rounded = {
      read: async (name: string, shape: readonly number[]) => float32FromF16(f16FromFloat32(await merged.read(name, shape))),
    }
    const policy = await PolicyModel.create(new EngineDevice(await testDevice(), { isSoftware: true }), config, rounded, plainTrainable)
    try {
      for (const [s, ids] of golden.ids.entries()) {
        const expected = golden.logits[s]?.slice(0, -1).flat() ?? []
        const found: number[] = []
        for await (const row of logitRows(policy, ids, () => undefined)) found.push(...row)
        const norm = Math.hypot(...expected)
        expect(Math.hypot(...found.map((value, at) => value - (expected[at] ?? 0))) / norm).toBeLessThan(1e-3)
        expect(found).toHaveLength(expected.length)
      }
    } finally {
      await policy.destroy()
    }
  } finally {
    await base.close()
    await adapter.close()
  }
})
