/** The starter's tokenizer and layout around a model small enough that a step takes a fraction of a second; its weights are random. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseModelConfig } from '../../src/models/architectures/config'
import { architectureOf } from '../../src/models/languageModel'
import { writeSafetensors } from '../../src/models/weights/writeSafetensors'
import { randomWeights } from '../../src/training/policy/initialWeights'
import { readStarterAsset } from './testStudio'

const tiny = {
  hidden_size: 32,
  intermediate_size: 64,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  max_position_embeddings: 1024,
}

export async function tinyAsset(path: string): Promise<Uint8Array<ArrayBuffer> | null> {
  const bytes = await readStarterAsset('starter/config.json')
  const json: Record<string, unknown> = { ...(JSON.parse(new TextDecoder().decode(bytes ?? new Uint8Array())) as object), ...tiny }
  if (path === 'starter/config.json') return new TextEncoder().encode(JSON.stringify(json))
  if (path !== 'starter/model.safetensors') return readStarterAsset(path)
  const config = parseModelConfig(json)
  const reader = randomWeights(config, 3)
  const tensors: Record<string, { shape: readonly number[]; data: Float32Array }> = {}
  for (const [name, shape] of Object.entries(architectureOf(config).parameters(config)))
    tensors[name] = { shape, data: await reader.read(name, shape) }
  return writeSafetensors(tensors)
}

/** The same as a folder, as people have a model on their disk. `positions`: how long a text its configuration allows. */
export async function writeTinyModel(folder: string, positions: number = tiny.max_position_embeddings): Promise<void> {
  mkdirSync(folder)
  for (const name of ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json'])
    writeFileSync(join(folder, name), (await tinyAsset(`starter/${name}`)) ?? '')
  const file = join(folder, 'config.json')
  const config = JSON.parse(readFileSync(file, 'utf8')) as object
  writeFileSync(file, JSON.stringify({ ...config, max_position_embeddings: positions }))
}
