/** A LoRA adapter in a folder, as Hone or peft writes it, imported for one command. */
import { existsSync, openAsBlob } from 'node:fs'
import { join } from 'node:path'
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS, VALUE_HEAD_WEIGHTS } from '../models/weights/peft'
import type { InitialAdapterRef } from '../records/requests'
import { must, type CommandStudio } from './openStudio'

/** Throws one sentence when the folder holds no adapter, or one for another model. */
export async function importAdapterFolder(
  studio: Pick<CommandStudio, 'adapters'>,
  model: string,
  directory: string,
): Promise<InitialAdapterRef> {
  const files: File[] = []
  for (const name of [ADAPTER_CONFIG, ADAPTER_WEIGHTS, VALUE_HEAD_WEIGHTS])
    if (existsSync(join(directory, name))) files.push(new File([await openAsBlob(join(directory, name))], name))
  const { adapter_id } = must(await studio.adapters.importFiles(model, directory, files))
  return { kind: 'imported', adapter_id }
}
