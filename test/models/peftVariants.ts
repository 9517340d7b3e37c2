/** The goldens of peft_variants.py: an adapter of every kind of peft's LoraConfig, and the logits peft gives with it. */
import { z } from 'zod'
import { folderFromMap, type FolderSource } from '../../src/models/weights/byteSource'
import { writeSafetensors, type TensorToWrite } from '../../src/models/weights/writeSafetensors'
import { goldenText, openGolden } from './files'

const object = z.record(z.string(), z.unknown())
export const variants = z
  .object({
    ids: z.array(z.int()),
    configs: z.record(z.string(), object),
    refused: z.record(z.string(), object),
    fields: z.array(z.string()),
  })
  .parse(JSON.parse(goldenText('peft_variants.json')))

export interface Variant {
  readonly tensors: Readonly<Record<string, TensorToWrite>>
  /** [ids, vocabulary] */
  readonly logits: Float32Array
}

export async function variant(name: string): Promise<Variant> {
  const file = await openGolden('peft_variants.safetensors')
  const tensors: Record<string, TensorToWrite> = {}
  for (const [key, { shape }] of file.tensors)
    if (key.startsWith(`${name}/`) && key !== `${name}/logits`)
      tensors[key.slice(name.length + 1)] = { shape, data: await file.float32(key) }
  return { tensors, logits: await file.float32(`${name}/logits`) }
}

export function adapterFolder(config: Readonly<Record<string, unknown>>, tensors: Variant['tensors']): FolderSource {
  const files = {
    'adapter_config.json': new TextEncoder().encode(JSON.stringify(config)),
    'adapter_model.safetensors': writeSafetensors(tensors),
  }
  return folderFromMap('adapter', new Map(Object.entries(files)))
}
