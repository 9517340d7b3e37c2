/** The LoRA adapter in a folder: a run's, or one of another program, imported for one command. */
import { existsSync, openAsBlob } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS, VALUE_HEAD_WEIGHTS } from '../models/weights/peft'
import type { InitialAdapterRef } from '../records/requests'
import type { RunDetail } from '../worker/protocol'
import { must, type CommandStudio } from './openStudio'

/** Throws one sentence when the folder holds no adapter, or one for another model. */
export async function importAdapterFolder(
  studio: Pick<CommandStudio, 'adapters'>,
  model: string,
  directory: string,
): Promise<InitialAdapterRef> {
  const { adapter_id } = must(await studio.adapters.importFiles(model, directory, await adapterFilesIn(directory)))
  return { kind: 'imported', adapter_id }
}

/** PEFT's files in a folder, those that are there. */
export async function adapterFilesIn(directory: string): Promise<File[]> {
  const files: File[] = []
  for (const name of [ADAPTER_CONFIG, ADAPTER_WEIGHTS, VALUE_HEAD_WEIGHTS])
    if (existsSync(join(directory, name))) files.push(new File([await openAsBlob(join(directory, name))], name))
  return files
}

/** The adapter of the run that the folder is of, or of which it holds the best one; null when it is of no run. */
export async function runAdapterIn(
  studio: Pick<CommandStudio, 'runs'>,
  directory: string,
): Promise<Extract<InitialAdapterRef, { kind: 'run' }> | null> {
  const places = [
    ['last', directory],
    ...(basename(resolve(directory)) === 'best' ? [['best', dirname(resolve(directory))] as const] : []),
  ] as const
  for (const [which, folder] of places) {
    const found = await studio.runs.openFolder(folder)
    if (found.ok) return { kind: 'run', run_id: found.value.run.run_id, which }
    // What is no run's is another program's; what cannot be read is said.
    if (found.code !== 'no-run') must<RunDetail>(found)
  }
  return null
}
