/** Reads what a checkpoint says about its model besides config.json, as transformers does: where generation ends, and a head that is not the embedding. */
import { z } from 'zod'
import { idList, type ModelConfig, parseModelConfig } from './architectures/config'
import { EMBEDDING, HEAD } from './architectures/decoder'
import { tokenIds } from './architectures/modelConfig'
import { CheckpointError, type FolderSource, type JsonObject, missingFile, readJsonObject } from './weights/byteSource'
import { renamedTensors } from './weights/renamedTensors'
import type { TensorSource } from './weights/safetensors'

const CONFIG = 'config.json'
const GENERATION = 'generation_config.json'

/** The maximum size; published files have about 2,000 bytes. */
const MOST_CONFIG_BYTES = 1 << 20

export interface ModelConfigFile {
  readonly config: ModelConfig
  /** config.json exactly as it is in the file. */
  readonly configJson: JsonObject
}

/** Where generation_config.json names tokens to end at, they count: Llama 3 Instruct's config.json names one of its two. */
export async function readModelConfig(folder: FolderSource): Promise<ModelConfigFile> {
  const configJson = await readJsonObject(folder, CONFIG, MOST_CONFIG_BYTES)
  if (!configJson) throw missingFile(folder, CONFIG)
  const config = parseModelConfig(configJson)
  const generation = z
    .looseObject({ eos_token_id: tokenIds })
    .safeParse((await readJsonObject(folder, GENERATION, MOST_CONFIG_BYTES)) ?? {})
  if (!generation.success) throw new CheckpointError(`${GENERATION}: eos_token_id: expected a token id or a list of them`)
  const ends = idList(generation.data.eos_token_id)
  return { configJson, config: ends.length > 0 ? { ...config, eos_token_ids: ends } : config }
}

/** Rows that are compared at the beginning, in the middle and at the end: a head that was trained by itself differs everywhere. */
const COMPARED_ROWS = 8

/**
 * Fine-tuning may leave a head of its own in a checkpoint whose config.json still says that it is the embedding: then the head counts, as in
 * transformers 5. One that is only a copy does not.
 */
export async function withOwnHead(config: ModelConfig, source: TensorSource): Promise<ModelConfig> {
  const { vocab_size: rows, hidden_size: width } = config
  const isThere = (name: string): boolean => source.tensors.get(name)?.shape.join() === [rows, width].join()
  if (!config.tie_word_embeddings || !isThere(EMBEDDING) || !isThere(HEAD)) return config
  const count = Math.min(COMPARED_ROWS, rows)
  for (const first of new Set([0, Math.floor((rows - count) / 2), rows - count])) {
    const head = await source.float32Rows(HEAD, [rows, width], first, count)
    const embedding = await source.float32Rows(EMBEDDING, [rows, width], first, count)
    if (head.some((value, index) => value !== embedding[index])) return { ...config, tie_word_embeddings: false }
  }
  return config
}

/** If embedding and head are one tensor, files may contain it only under the head's name; it is then found under the embedding's too. */
export function withTiedEmbedding({ tie_word_embeddings: isTied }: ModelConfig, source: TensorSource): TensorSource {
  const head = source.tensors.get(HEAD)
  if (!isTied || !head || source.tensors.has(EMBEDDING)) return source
  return renamedTensors(source, (name) => (name === HEAD ? EMBEDDING : name))
}
