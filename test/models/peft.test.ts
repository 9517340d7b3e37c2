import { mkdirSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { loraScaling } from '../../src/models/architectures/decoder'
import { folderFromMap, sourceFromBytes } from '../../src/models/weights/byteSource'
import {
  checkAdapterFits, type LoraAdapter, type LoraMatrices, readAdapter, readValueHead, writeAdapter, writeValueHead,
} from '../../src/models/weights/peft' // prettier-ignore
import { writeSafetensors } from '../../src/models/weights/writeSafetensors'
import { goldenBytes, goldenFiles, goldenFolder, openBytes, openGolden } from './files'

/** The adapter of tiny_qwen2_lora.safetensors, built without the reader under test. */
async function tinyAdapter(): Promise<LoraAdapter> {
  const file = await openGolden('tiny_qwen2_lora.safetensors')
  const modules = new Map<string, LoraMatrices>()
  for (const key of file.tensors.keys()) {
    if (!key.endsWith('.lora_A.weight')) continue
    const other = key.replace('lora_A', 'lora_B')
    modules.set(key.slice('base_model.model.'.length, -'.lora_A.weight'.length), {
      a: await file.float32(key),
      b: await file.float32(other),
      inFeatures: file.info(key).shape[1] ?? 0,
      outFeatures: file.info(other).shape[0] ?? 0,
    })
  }
  return { rank: 4, alpha: 8, dropout: 0, useRslora: false, baseModel: 'test/tiny_qwen2', revision: null, modules }
}

function writtenConfig(adapter: LoraAdapter) {
  return z.record(z.string(), z.unknown()).parse(JSON.parse(new TextDecoder().decode(writeAdapter(adapter).get('adapter_config.json'))))
}

describe('writeAdapter', () => {
  it('writes the weights byte for byte as PEFT does', async () => {
    const files = writeAdapter(await tinyAdapter())
    expect([...files.keys()]).toEqual(['adapter_config.json', 'adapter_model.safetensors', 'README.md'])
    expect(files.get('adapter_model.safetensors')).toEqual(goldenBytes('tiny_qwen2_lora.safetensors'))
  })

  it('writes the small config that every PEFT loads', async () => {
    expect(writtenConfig(await tinyAdapter())).toEqual({
      peft_type: 'LORA',
      task_type: 'CAUSAL_LM',
      base_model_name_or_path: 'test/tiny_qwen2',
      revision: null,
      r: 4,
      lora_alpha: 8,
      lora_dropout: 0,
      target_modules: ['down_proj', 'gate_proj', 'k_proj', 'o_proj', 'q_proj', 'up_proj', 'v_proj'],
      bias: 'none',
      fan_in_fan_out: false,
      inference_mode: true,
      init_lora_weights: true,
      modules_to_save: null,
      rank_pattern: {},
      alpha_pattern: {},
      use_rslora: false,
      use_dora: false,
      layers_to_transform: null,
      layers_pattern: null,
    })
  })

  it('names the layers when only some are adapted', async () => {
    const adapter = await tinyAdapter()
    const modules = new Map([...adapter.modules].filter(([path]) => path.startsWith('model.layers.1.') && path.endsWith('q_proj')))
    const config = writtenConfig({ ...adapter, modules })
    expect(config.layers_to_transform).toEqual([1])
    expect(config.target_modules).toEqual(['q_proj'])
  })

  it('refuses matrices of another rank, and nothing at all', async () => {
    const adapter = await tinyAdapter()
    expect(() => writeAdapter({ ...adapter, rank: 5 })).toThrow('lora_A.weight": shape [5, 48] needs 240 values, found 192')
    expect(() => writeAdapter({ ...adapter, modules: new Map() })).toThrow('without modules')
  })

  // test/golden/peft_adapter.py check: holds PEFT's logits with this folder to the golden.
  it.runIf(process.env.HONE_PEFT_OUT)('leaves a folder for PEFT to load', async () => {
    const folder = process.env.HONE_PEFT_OUT ?? ''
    mkdirSync(folder, { recursive: true })
    for (const [name, bytes] of writeAdapter(await tinyAdapter())) writeFileSync(`${folder}/${name}`, bytes)
  })
})

describe('readAdapter', () => {
  it('reads what PEFT wrote', async () => {
    const adapter = await readAdapter(goldenFolder('peft_adapter'))
    expect([...adapter.modules.keys()]).toEqual(['model.layers.1.mlp.down_proj', 'model.layers.1.self_attn.q_proj'])
    expect({ ...adapter, modules: null }).toEqual({
      rank: 3, alpha: 6, dropout: 0.05, useRslora: true, baseModel: 'test/tiny_qwen2', revision: null, modules: null,
    }) // prettier-ignore
    expect(loraScaling(adapter)).toBeCloseTo(6 / Math.sqrt(3), 12)
    const down = adapter.modules.get('model.layers.1.mlp.down_proj')
    expect([down?.inFeatures, down?.outFeatures, down?.a.length, down?.b.length]).toEqual([48, 32, 144, 96])
    const raw = await openGolden('peft_adapter/adapter_model.safetensors')
    expect(down?.b).toEqual(await raw.float32('base_model.model.model.layers.1.mlp.down_proj.lora_B.weight', [32, 3]))
  })

  it('reads back what we write', async () => {
    const adapter = await tinyAdapter()
    const back = await readAdapter(folderFromMap('adapter', writeAdapter(adapter)))
    expect({ ...back, modules: new Map([...back.modules].sort()) }).toEqual({ ...adapter, modules: new Map([...adapter.modules].sort()) })
    expect(loraScaling(back)).toBe(2)
  })

  it('says what is missing or unknown', async () => {
    const files = goldenFiles('peft_adapter')
    const path = 'base_model.model.model.layers.1.self_attn.q_proj'
    const a = { shape: [3, 32], data: new Float32Array(96) }
    files.set('adapter_model.safetensors', writeSafetensors({ [`${path}.lora_A.weight`]: a }))
    await expect(readAdapter(folderFromMap('adapter', files))).rejects.toThrow(`tensor "${path}.lora_B.weight" is missing`)
    files.set('adapter_model.safetensors', writeSafetensors({ [`${path}.lora_A.weight`]: a, [`${path}.lora_B.weight`]: a }))
    await expect(readAdapter(folderFromMap('adapter', files))).rejects.toThrow(
      'lora_B.weight": expected shape [out, 3] by r in adapter_config.json, found [3, 32]',
    )
    files.set('adapter_model.safetensors', writeSafetensors({ [`${path}.lora_magnitude_vector`]: a }))
    await expect(readAdapter(folderFromMap('adapter', files))).rejects.toThrow(`tensor "${path}.lora_magnitude_vector" is not supported`)
    files.delete('adapter_model.safetensors')
    await expect(readAdapter(folderFromMap('adapter', files))).rejects.toThrow('adapter: file missing: expected adapter_model.safetensors')
    files.set('adapter_model.bin', new Uint8Array(1))
    await expect(readAdapter(folderFromMap('adapter', files))).rejects.toThrow('found adapter_model.bin (a pickle')
    files.delete('adapter_config.json')
    await expect(readAdapter(folderFromMap('adapter', files))).rejects.toThrow('adapter: file missing: adapter_config.json')
  })
})

describe('checkAdapterFits', () => {
  it('compares every adapted layer with the model', async () => {
    const adapter = await tinyAdapter()
    const model = await openGolden('tiny_qwen2/model.safetensors')
    const shapes = Object.fromEntries([...model.tensors].map(([name, { shape }]) => [name, shape]))
    expect(() => checkAdapterFits(adapter, shapes)).not.toThrow()
    expect(() => checkAdapterFits(adapter, { ...shapes, 'model.layers.1.mlp.up_proj.weight': [64, 32] })).toThrow(
      'model.layers.1.mlp.up_proj is [64, 32] in the model, the adapter was made for [48, 32]',
    )
    delete shapes['model.layers.1.self_attn.k_proj.weight']
    expect(() => checkAdapterFits(adapter, shapes)).toThrow('it adapts model.layers.1.self_attn.k_proj, which the model does not have')
  })
})

describe('value head', () => {
  it('round-trips under the names TRL uses', async () => {
    const head = { weight: Float32Array.of(0.5, -1, 2), bias: -0.25 }
    const bytes = writeValueHead(head)
    expect([...(await openBytes(bytes)).tensors.values()].map(({ name, shape }) => [name, shape])).toEqual([
      ['v_head.summary.bias', [1]],
      ['v_head.summary.weight', [1, 3]],
    ])
    expect(await readValueHead(sourceFromBytes(bytes), 3)).toEqual(head)
    await expect(readValueHead(sourceFromBytes(bytes), 4)).rejects.toThrow(
      'v_head.safetensors: tensor "v_head.summary.weight": expected shape [1, 4], found [1, 3]',
    )
  })
})
