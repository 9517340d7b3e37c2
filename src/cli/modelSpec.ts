/**
 * A model as named on the command line: `starter`, a Hugging Face folder, `hf:OWNER/NAME[@REVISION]` on the Hub, the address of a
 * folder, or `random:` and one of these for its shape with random weights.
 */
import { statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { z } from 'zod'
import { sha256 } from '../base/sha256'
import { KV_DTYPES, type KvDtype } from '../engine/ops/kvCache'
import type { WeightFormat } from '../engine/weightFormat'
import { openCheckpoint } from '../models/checkpointFolder'
import { openTokenizer } from '../models/checkpointTokenizer'
import { architectureOf } from '../models/languageModel'
import { readModelConfig } from '../models/modelConfigFile'
import { chatRenderer } from '../models/tokenizer/chatRenderer'
import { createHfTokenizer } from '../models/tokenizer/hfTokenizer'
import type { FolderSource } from '../models/weights/byteSource'
import { isPickleName } from '../models/weights/modelWeights'
import { PICKLE_ADVICE, readerOf } from '../models/weights/safetensors'
import type { LoadedModel } from '../studio/models/models'
import { starterFolder } from '../studio/models/starterFiles'
import { randomWeights } from '../training/policy/initialWeights'
import { UsageError, type CommandContext } from './command'
import { nodeFolder } from './node/folder'
import { keptModel } from './node/packedFiles'
import { isRemote, openRemoteFolder, type RemoteContext } from './remoteModel'

const RANDOM = 'random:'
export const MODEL_HELP =
  'starter, a Hugging Face folder, hf:OWNER/NAME[@REVISION] on the Hub, the https address of a folder, or random:FOLDER for its shape with random weights'
const FORMS = 'starter, a folder, hf:OWNER/NAME, the address of a folder, or random:FOLDER'

export type ModelContext = RemoteContext & Pick<CommandContext, 'projectRoot'>

export interface OpenModel extends LoadedModel {
  /** Where its small files are: a model trained whole is written beside copies of them. */
  readonly folder: FolderSource
  close(): Promise<void>
}

interface NamedFolder {
  /** Names the content: with a revision that was pinned, where there is one. */
  readonly id: string
  readonly title: string
  readonly folder: FolderSource
  readonly close: () => Promise<void>
}

export const KV_DTYPE_HELP = 'of keys and values that generation keeps: f16 takes half the memory, and training rounds its own alike'
export const kvDtypeOption = z.enum(KV_DTYPES).default('f32').meta({ help: KV_DTYPE_HELP })

export const DTYPE_HELP =
  'how frozen weights are held: int8 and int4 in groups of 32, with embedding and head in 8 bits; trained weights are f32'

export interface ModelDtypes {
  readonly weights: WeightFormat
  readonly kv: KvDtype
}

/** @param seed of random weights. */
export async function openModel(
  spec: string,
  seed: number,
  context: ModelContext,
  dtypes: ModelDtypes = { weights: 'f32', kv: 'f32' },
): Promise<OpenModel> {
  const model = await openAsStored(spec, seed, context)
  return { ...model, config: { ...model.config, weight_format: dtypes.weights, kv_dtype: dtypes.kv } }
}

async function openAsStored(spec: string, seed: number, context: ModelContext): Promise<OpenModel> {
  if (spec.startsWith(RANDOM)) return openRandom(spec, seed, context)
  const { id, title, folder, close } = await openFolder(spec, context)
  if (spec === 'starter' && !(await folder.open('model.safetensors')))
    throw new UsageError(
      'This build has no starter model (public/starter/model.safetensors is missing): name a model folder, or random:public/starter.',
    )
  const checkpoint = await openCheckpoint(folder)
  const identity = await checkpoint.identity()
  const kept = identity === null ? null : await keptModel(context.homeDirectory, isRemote(spec) ? id : resolve(spec), identity)
  checkpoint.requireTensors(architectureOf(checkpoint.config).parameters(checkpoint.config))
  // Reads every byte: a far model is fetched here, and read from what was kept afterwards.
  const hashed = (): Promise<string> => checkpoint.sha256(isRemote(spec) ? fetchProgress(title, context) : undefined)
  return {
    id,
    title,
    config: checkpoint.config,
    tokenizer: createHfTokenizer(checkpoint.tokenizerJson, checkpoint.tokenizerConfig),
    chatTemplate: checkpoint.chatTemplate,
    renderChat: chatRenderer(checkpoint.chatTemplate, checkpoint.tokenizerConfig, () => performance.now()),
    sha256: await (kept ? kept.sha256(hashed) : hashed()),
    reader: { ...readerOf(checkpoint.tensors), ...(kept ? { packed: kept.packed } : {}) },
    folder,
    close,
  }
}

/** A line every few seconds. */
function fetchProgress(title: string, context: Pick<CommandContext, 'progress'>): (doneBytes: number, totalBytes: number) => void {
  let last = Number.NEGATIVE_INFINITY
  return (done, total) => {
    if (performance.now() - last < 5000 && done < total) return
    last = performance.now()
    context.progress(`${title}: ${(done / 1e6).toFixed(1)} of ${(total / 1e6).toFixed(1)} MB`)
  }
}

async function openRandom(spec: string, seed: number, context: ModelContext): Promise<OpenModel> {
  const { id, title, folder, close } = await openFolder(spec.slice(RANDOM.length), context)
  const { config, configJson } = await readModelConfig(folder)
  const { tokenizerJson, tokenizerConfig, chatTemplate } = await openTokenizer(folder, config.vocab_size)
  return {
    id: RANDOM + id,
    title: RANDOM + title,
    config,
    tokenizer: createHfTokenizer(tokenizerJson, tokenizerConfig),
    ...{ chatTemplate, renderChat: chatRenderer(chatTemplate, tokenizerConfig, () => performance.now()) },
    sha256: sha256(JSON.stringify({ config: configJson, tokenizer: tokenizerJson, seed })),
    reader: randomWeights(config, seed),
    folder,
    close,
  }
}

/** The folder of a model by its name, whatever is in it. */
export async function openFolder(spec: string, context: ModelContext): Promise<NamedFolder> {
  if (isRemote(spec)) return openRemoteFolder(spec, context)
  return { id: spec, title: spec, ...(spec === 'starter' ? starter(context.projectRoot) : openDirectory(spec)) }
}

function openDirectory(directory: string): { folder: FolderSource; close: () => Promise<void> } {
  const found = statSync(directory, { throwIfNoEntry: false })
  if (!found) throw new UsageError(`There is no model folder ${directory}; a model is ${FORMS}.`)
  if (!found.isDirectory())
    throw new UsageError(
      `${directory} is a file; name the folder it is in.${isPickleName(basename(directory)) ? ` ${PICKLE_ADVICE}.` : ''}`,
    )
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
