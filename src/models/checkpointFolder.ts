/**
 * A checkpoint in Hugging Face layout: config.json, tokenizer.json (else SentencePiece's tokenizer.model), tokenizer_config.json, a chat
 * template, safetensors weights.
 * Opening reads and checks the small files and the weights' headers; tensors are read when asked for.
 */
import { z } from 'zod'
import { Sha256 } from '../base/sha256'
import { type ModelConfig, parseModelConfig } from './architectures/config'
import { tokenizerJsonFromSentencePiece } from './tokenizer/sentencePiece'
import { type ByteSource, CheckpointError, type FolderSource, parseJson, readJson, readText } from './weights/byteSource'
import { openModelWeights } from './weights/modelWeights'
import { shapeText, type TensorSource } from './weights/safetensors'

export type JsonObject = Readonly<Record<string, unknown>>
/** HF tensor name → shape: what an architecture needs. */
export type ParameterTable = Readonly<Record<string, readonly number[]>>

export interface WeightsFolder {
  readonly config: ModelConfig
  /** config.json as it stands in the file, for export. */
  readonly configJson: JsonObject
  readonly tensors: TensorSource
  /** Throws unless every tensor of the table is there with its shape. Reads headers only. */
  readonly requireTensors: (table: ParameterTable) => void
  /** Identity of the model: SHA-256 over the sorted lines "hash␣␣name" of config.json, the tokenizer and the weight files. Reads every byte once. */
  readonly sha256: (onProgress?: (doneBytes: number, totalBytes: number) => void) => Promise<string>
  /** Names this version of the same files, by what their source says of them: nothing is read. null where a source does not say. */
  readonly identity: () => Promise<string | null>
}

export interface CheckpointTokenizer {
  /** The file, or in its layout what tokenizer.model says. */
  readonly tokenizerJson: JsonObject
  /** Empty when the folder has no tokenizer_config.json. */
  readonly tokenizerConfig: JsonObject
}

export interface Checkpoint extends WeightsFolder, CheckpointTokenizer {
  /** Jinja source: `chat_template.jinja`, else `chat_template` of tokenizer_config.json (its "default" when there are several). */
  readonly chatTemplate: string | null
}

const jsonObject = z.record(z.string(), z.unknown())

function asObject(value: unknown, file: string): JsonObject {
  const parsed = jsonObject.safeParse(value)
  if (!parsed.success)
    throw new CheckpointError(`${file}: expected a JSON object, found ${Array.isArray(value) ? 'an array' : typeof value}`)
  return parsed.data
}

async function requiredText(folder: FolderSource, file: string): Promise<string> {
  const text = await readText(folder, file)
  if (text === null) throw new CheckpointError(`${folder.name}: file missing: ${file}`)
  return text
}

/** Config and weights only; a tokenizer is not needed. Throws CheckpointError with the file, what was expected and what was found. */
export async function openWeightsFolder(folder: FolderSource): Promise<WeightsFolder> {
  const configJson = asObject(parseJson(await requiredText(folder, 'config.json'), 'config.json'), 'config.json')
  const config = parseModelConfig(configJson)
  const tensors = await openModelWeights(folder)
  return {
    config,
    configJson,
    tensors,
    requireTensors: (table) => requireTensors(tensors, table, config),
    sha256: async (onProgress) => hashFolder(await openAll(folder, await identifying(folder, tensors)), onProgress),
    identity: async () => identityOf(await openAll(folder, await identifying(folder, tensors))),
  }
}

/** Config, weights, tokenizer and chat template. Also checks that every token id has a row in the vocabulary. */
export async function openCheckpoint(folder: FolderSource): Promise<Checkpoint> {
  const weights = await openWeightsFolder(folder)
  const tokenizer = await openTokenizer(folder)
  checkTokenizerFits(tokenizer.tokenizerJson, weights.config.vocab_size, await tokenizerFile(folder))
  return { ...weights, ...tokenizer, chatTemplate: await readChatTemplate(folder, tokenizer.tokenizerConfig) }
}

/** Jinja source, as `Checkpoint` has it. */
export const readChatTemplate = async (folder: FolderSource, tokenizerConfig: JsonObject): Promise<string | null> =>
  (await readText(folder, 'chat_template.jinja')) ?? templateOf(tokenizerConfig)

const TOKENIZER_JSON = 'tokenizer.json'
const TOKENIZER_MODEL = 'tokenizer.model'
/** What belongs to a model besides its weights: kept when a model is, and not changed by training. Python's libraries read them all. */
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
/** Real ones have 0.5 to 5 MB. */
const MOST_MODEL_BYTES = 64 << 20

/** The file the tokenizer is read from; tokenizer.json wins, as in transformers. */
async function tokenizerFile(folder: FolderSource): Promise<typeof TOKENIZER_JSON | typeof TOKENIZER_MODEL> {
  return (await folder.open(TOKENIZER_JSON)) ? TOKENIZER_JSON : TOKENIZER_MODEL
}

/** The tokenizer alone, for `createHfTokenizer`. Throws CheckpointError with the file, what was expected and what was found. */
export async function openTokenizer(folder: FolderSource): Promise<CheckpointTokenizer> {
  const configValue = await readJson(folder, 'tokenizer_config.json')
  const tokenizerConfig = configValue === null ? {} : asObject(configValue, 'tokenizer_config.json')
  const text = await readText(folder, TOKENIZER_JSON)
  if (text !== null) return { tokenizerJson: asObject(parseJson(text, TOKENIZER_JSON), TOKENIZER_JSON), tokenizerConfig }
  const source = await folder.open(TOKENIZER_MODEL)
  if (!source) throw new CheckpointError(`${folder.name}: file missing: ${TOKENIZER_JSON} or ${TOKENIZER_MODEL}`)
  if (source.size > MOST_MODEL_BYTES)
    throw new CheckpointError(`${TOKENIZER_MODEL}: expected at most ${MOST_MODEL_BYTES} bytes, found ${source.size}`)
  return {
    tokenizerJson: tokenizerJsonFromSentencePiece(await source.read(0, source.size), tokenizerConfig, TOKENIZER_MODEL),
    tokenizerConfig,
  }
}

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

const tokenizerShape = z.object({
  model: z.union([
    z.object({ vocab: z.record(z.string(), z.int().nonnegative()) }),
    z.object({ type: z.literal('Unigram'), vocab: z.array(z.tuple([z.string(), z.number()])) }),
  ]),
  added_tokens: z.array(z.object({ id: z.int().nonnegative(), content: z.string() })).default([]),
})

/**
 * Throws when a token's id is ≥ vocab_size: such an id would read past the embedding. A smaller tokenizer is fine (padded
 * vocabularies are common). Byte-pair tokenizers, whose `model.vocab` is an object, and Unigram ones, whose ids are positions.
 */
export function checkTokenizerFits(tokenizerJson: JsonObject, vocabSize: number, file = TOKENIZER_JSON): void {
  const parsed = tokenizerShape.safeParse(tokenizerJson)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new CheckpointError(
      `${file}: expected a byte-pair tokenizer with model.vocab {token: id} or a Unigram one with [[token, score]]; ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`,
    )
  }
  let worst: { token: string; id: number } = { token: '', id: -1 }
  const { vocab } = parsed.data.model
  if (Array.isArray(vocab)) worst = { token: vocab.at(-1)?.[0] ?? '', id: vocab.length - 1 }
  else for (const [token, id] of Object.entries(vocab)) if (id > worst.id) worst = { token, id }
  for (const { id, content } of parsed.data.added_tokens) if (id > worst.id) worst = { token: content, id }
  if (worst.id >= vocabSize) {
    throw new CheckpointError(
      `${file}: tokenizer does not fit the vocabulary: token ${JSON.stringify(worst.token)} has id ${worst.id}, but vocab_size in config.json is ${vocabSize} (ids 0 to ${vocabSize - 1})`,
    )
  }
}

const namedTemplates = z.array(z.object({ name: z.string(), template: z.string() }))

function templateOf(tokenizerConfig: JsonObject): string | null {
  const value = tokenizerConfig.chat_template
  if (value === undefined || value === null) return null
  if (typeof value === 'string') return value
  const several = namedTemplates.safeParse(value)
  if (!several.success) throw new CheckpointError('tokenizer_config.json: chat_template: expected a string or a list of {name, template}')
  return (several.data.find(({ name }) => name === 'default') ?? several.data[0])?.template ?? null
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

/** Those that are there, in the order of their names. */
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
