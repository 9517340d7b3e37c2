/** A model as named on the command line: `starter`, a Hugging Face folder, or `random:FOLDER` for its shape with random weights. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256 } from '../base/sha256'
import { parseModelConfig } from '../models/architectures/config'
import { openCheckpoint } from '../models/checkpointFolder'
import { architectureOf } from '../models/languageModel'
import { createHfTokenizer } from '../models/tokenizer/hfTokenizer'
import { readJson, type FolderSource } from '../models/weights/byteSource'
import type { LoadedModel } from '../studio/models'
import { starterFolder } from '../studio/starterFiles'
import { randomWeights } from '../training/initialize'
import { UsageError, type CommandContext } from './command'
import { nodeFolder } from './node/folder'

const RANDOM = 'random:'

export interface OpenModel extends LoadedModel {
  /** Where its small files are: a model trained whole is written beside copies of them. */
  readonly folder: FolderSource
  close(): Promise<void>
}

/** @param seed of random weights. */
export async function openModel(spec: string, seed: number, { projectRoot }: Pick<CommandContext, 'projectRoot'>): Promise<OpenModel> {
  if (spec.startsWith(RANDOM)) return openRandom(spec, seed)
  const { folder, close } = spec === 'starter' ? starter(projectRoot) : openDirectory(spec)
  if (spec === 'starter' && !(await folder.open('model.safetensors')))
    throw new UsageError(
      'This build has no starter model (public/starter/model.safetensors is missing): name a model folder, or random:public/starter.',
    )
  const checkpoint = await openCheckpoint(folder)
  checkpoint.requireTensors(architectureOf(checkpoint.config).parameters(checkpoint.config))
  return {
    id: spec,
    title: spec,
    config: checkpoint.config,
    tokenizer: createHfTokenizer(checkpoint.tokenizerJson, checkpoint.tokenizerConfig),
    sha256: await checkpoint.sha256(),
    reader: { read: (name, shape) => checkpoint.tensors.float32(name, shape) },
    folder,
    close,
  }
}

async function openRandom(spec: string, seed: number): Promise<OpenModel> {
  const { folder, close } = openDirectory(spec.slice(RANDOM.length))
  const configJson = await readJson(folder, 'config.json')
  const tokenizerJson = await readJson(folder, 'tokenizer.json')
  if (tokenizerJson === null) throw new UsageError(`${folder.name}: file missing: tokenizer.json`)
  const config = parseModelConfig(configJson)
  return {
    id: spec,
    title: spec,
    config,
    tokenizer: createHfTokenizer(tokenizerJson, (await readJson(folder, 'tokenizer_config.json')) ?? {}),
    sha256: sha256(JSON.stringify({ config: configJson, tokenizer: tokenizerJson, seed })),
    reader: randomWeights(config, seed),
    folder,
    close,
  }
}

function openDirectory(directory: string): { folder: FolderSource; close: () => Promise<void> } {
  if (!existsSync(directory)) throw new UsageError(`There is no model folder ${directory}; a model is starter, a folder, or random:FOLDER.`)
  const folder = nodeFolder(directory)
  return { folder, close: () => folder.close() }
}

function starter(projectRoot: string): { folder: FolderSource; close: () => Promise<void> } {
  const folder = starterFolder(async (path) => {
    const bytes = await readFile(join(projectRoot, 'public', path)).catch(() => null)
    return bytes && new Uint8Array(bytes)
  })
  return { folder, close: () => Promise.resolve() }
}
