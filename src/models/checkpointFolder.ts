/**
 * A checkpoint in Hugging Face layout: config.json, tokenizer.json (else SentencePiece's tokenizer.model), tokenizer_config.json, a chat
 * template, safetensors weights.
 * Opening reads and checks the small files and the weights' headers; tensors are read when asked for.
 */
import { Sha256 } from '../base/sha256'
import type { ModelConfig } from './architectures/config'
import { type CheckpointTokenizer, openTokenizer, TOKENIZER_JSON, TOKENIZER_MODEL, tokenizerFile } from './checkpointTokenizer'
import { readModelConfig, withOwnHead, withTiedEmbedding } from './modelConfigFile'
import { type ByteSource, CheckpointError, type FolderSource, type JsonObject } from './weights/byteSource'
import { openModelWeights } from './weights/modelWeights'
import { shapeText, type TensorSource } from './weights/safetensors'

/** HF tensor name → shape: what an architecture needs. */
export type ParameterTable = Readonly<Record<string, readonly number[]>>

export interface WeightsFolder {
  readonly config: ModelConfig
  /** The unchanged text of config.json, for export. */
  readonly configJson: JsonObject
  readonly tensors: TensorSource
  /** Throws unless every tensor of the table is there with its shape. Reads headers only. */
  readonly requireTensors: (table: ParameterTable) => void
  /** Identity of the model: SHA-256 over the sorted lines "hash␣␣name" of config.json, the tokenizer and the weight files. Reads every byte once. */
  readonly sha256: (onProgress?: (doneBytes: number, totalBytes: number) => void) => Promise<string>
  /** Names this version of the same files, by what their source says of them: nothing is read. null where a source does not say. */
  readonly identity: () => Promise<string | null>
}

export interface Checkpoint extends WeightsFolder, CheckpointTokenizer {}

/** Config and weights only; a tokenizer is not needed. Throws CheckpointError with the file, what was expected and what was found. */
export async function openWeightsFolder(folder: FolderSource): Promise<WeightsFolder> {
  const file = await readModelConfig(folder)
  const tensors = withTiedEmbedding(file.config, await openModelWeights(folder))
  const config = await withOwnHead(file.config, tensors)
  return {
    config,
    configJson: file.configJson,
    tensors,
    requireTensors: (table) => requireTensors(tensors, table, config),
    sha256: async (onProgress) => hashFolder(await openAll(folder, await identifying(folder, tensors)), onProgress),
    identity: async () => identityOf(await openAll(folder, await identifying(folder, tensors))),
  }
}

/** Config, weights, tokenizer and chat template. */
export async function openCheckpoint(folder: FolderSource): Promise<Checkpoint> {
  const weights = await openWeightsFolder(folder)
  return { ...weights, ...(await openTokenizer(folder, weights.config.vocab_size)) }
}

/** The files of a model besides its weights. They are stored with the model, training does not change them, and Python's libraries read them. */
export const SIDE_FILES: readonly string[] = [
  'config.json',
  TOKENIZER_JSON,
  TOKENIZER_MODEL,
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'generation_config.json',
  'chat_template.jinja',
]

function requireTensors(tensors: TensorSource, table: ParameterTable, config: ModelConfig): void {
  for (const [name, shape] of Object.entries(table)) {
    if (name === 'lm_head.weight' && !tensors.tensors.has(name)) {
      throw new CheckpointError(
        `${tensors.files.join(', ')}: tensor "${name}" of shape ${shapeText(shape)} is missing, and config.json says tie_word_embeddings: ${config.tie_word_embeddings}`,
      )
    }
    tensors.info(name, shape)
  }
}

interface OpenedFile {
  readonly name: string
  readonly source: ByteSource
}

const identifying = async (folder: FolderSource, tensors: TensorSource): Promise<string[]> => [
  'config.json',
  await tokenizerFile(folder),
  ...tensors.files,
]

/** The files that exist, in the order of their names. */
async function openAll(folder: FolderSource, names: readonly string[]): Promise<OpenedFile[]> {
  const found: OpenedFile[] = []
  for (const name of [...new Set(names)].sort()) {
    const source = await folder.open(name)
    if (source) found.push({ name, source })
  }
  return found
}

function identityOf(files: readonly OpenedFile[]): string | null {
  if (files.some(({ source }) => (source.identity ?? null) === null)) return null
  return files.map(({ name, source }) => `${name} ${source.size} ${source.identity ?? ''}`).join('\n')
}

async function hashFolder(found: readonly OpenedFile[], onProgress?: (doneBytes: number, totalBytes: number) => void): Promise<string> {
  const total = found.reduce((sum, { source }) => sum + source.size, 0)
  const manifest = new Sha256()
  const piece = 4 << 20
  let done = 0
  for (const { name, source } of found) {
    const hash = new Sha256()
    for (let at = 0; at < source.size; at += piece) {
      const length = Math.min(piece, source.size - at)
      hash.update(await source.read(at, length))
      done += length
      onProgress?.(done, total)
    }
    manifest.update(`${hash.hex()}  ${name}\n`)
  }
  return manifest.hex()
}
