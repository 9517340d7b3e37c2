/**
 * A checkpoint's tokenizer: tokenizer.json, else SentencePiece's tokenizer.model; tokenizer_config.json, with what older versions of transformers
 * wrote beside it; the chat template.
 */
import { z } from 'zod'
import { type TokenFiles, withNamedTokens } from './tokenizer/namedTokens'
import { tokenizerJsonFromSentencePiece } from './tokenizer/sentencePiece'
import { CheckpointError, type FolderSource, type JsonObject, readJsonObject, readText, missingFile } from './weights/byteSource'

export interface CheckpointTokenizer {
  readonly tokenizerFile: TokenizerFile
  /** The file with the tokens that are named beside it, or in its layout what tokenizer.model says. */
  readonly tokenizerJson: JsonObject
  /** Empty when the folder has no tokenizer_config.json. */
  readonly tokenizerConfig: JsonObject
  /** Jinja source: chat_template.jinja, else `chat_template` of tokenizer_config.json (its "default" when there are several). */
  readonly chatTemplate: string | null
}

export const TOKENIZER_JSON = 'tokenizer.json'
export const TOKENIZER_MODEL = 'tokenizer.model'
type TokenizerFile = typeof TOKENIZER_JSON | typeof TOKENIZER_MODEL
/** The maximum size; published files have 0.5 to 5 MB. */
const MOST_MODEL_BYTES = 64 << 20

/** The file the tokenizer is read from; tokenizer.json wins, as in transformers. */
export async function tokenizerFile(folder: FolderSource): Promise<TokenizerFile> {
  return (await folder.open(TOKENIZER_JSON)) ? TOKENIZER_JSON : TOKENIZER_MODEL
}

/**
 * For `createHfTokenizer`. With `vocabSize` no id is past the model's rows. Throws CheckpointError with the file, what was expected and what
 * was found.
 */
export async function openTokenizer(folder: FolderSource, vocabSize: number | null = null): Promise<CheckpointTokenizer> {
  const tokenizerConfig = (await readJsonObject(folder, 'tokenizer_config.json')) ?? {}
  const chatTemplate = (await readText(folder, 'chat_template.jinja')) ?? templateOf(tokenizerConfig)
  const json = await readJsonObject(folder, TOKENIZER_JSON)
  const tokenizer: CheckpointTokenizer = {
    tokenizerFile: json ? TOKENIZER_JSON : TOKENIZER_MODEL,
    ...(json ? withNamedTokens(json, await tokenFiles(folder, tokenizerConfig)) : await fromSentencePiece(folder, tokenizerConfig)),
    chatTemplate,
  }
  return vocabSize === null ? tokenizer : { ...tokenizer, tokenizerJson: withinVocabulary(tokenizer, vocabSize) }
}

/** The older files are read only if they are used. */
async function tokenFiles(folder: FolderSource, tokenizerConfig: JsonObject): Promise<TokenFiles> {
  const older = async (name: string): Promise<JsonObject> =>
    'added_tokens_decoder' in tokenizerConfig ? {} : ((await readJsonObject(folder, name)) ?? {})
  return { tokenizerConfig, specialTokensMap: await older('special_tokens_map.json'), addedTokens: await older('added_tokens.json') }
}

async function fromSentencePiece(
  folder: FolderSource,
  ownConfig: JsonObject,
): Promise<Pick<CheckpointTokenizer, 'tokenizerJson' | 'tokenizerConfig'>> {
  const source = await folder.open(TOKENIZER_MODEL)
  if (!source) throw missingFile(folder, `${TOKENIZER_JSON} or ${TOKENIZER_MODEL}`)
  if (source.size > MOST_MODEL_BYTES)
    throw new CheckpointError(`${TOKENIZER_MODEL}: expected at most ${MOST_MODEL_BYTES} bytes, found ${source.size}`)
  const tokenizerConfig = 'added_tokens_decoder' in ownConfig ? ownConfig : { ...ownConfig, ...(await olderFiles(folder)) }
  return {
    tokenizerJson: tokenizerJsonFromSentencePiece(await source.read(0, source.size), tokenizerConfig, TOKENIZER_MODEL),
    tokenizerConfig,
  }
}

const addedIds = z.record(z.string(), z.int().nonnegative())

/** The separate files of transformers before 4.34: the tokens with a role, and the ids of added tokens. */
async function olderFiles(folder: FolderSource): Promise<JsonObject> {
  const roles = (await readJsonObject(folder, 'special_tokens_map.json')) ?? {}
  const added = addedIds.safeParse((await readJsonObject(folder, 'added_tokens.json')) ?? {})
  if (!added.success) throw new CheckpointError('added_tokens.json: expected {token: id}')
  const special = new Set(Object.values(roles).flat().map(contentOf))
  const entries = Object.entries(added.data).map(([content, id]) => {
    const isSpecial = special.has(content)
    return [id, { content, special: isSpecial, normalized: !isSpecial }] as const
  })
  return { ...roles, added_tokens_decoder: Object.fromEntries(entries) }
}

const named = z
  .union([z.string(), z.object({ content: z.string() }).transform(({ content }) => content)])
  .nullable()
  .catch(null)
/** Of a token as configurations write it: its text, or an object with it. */
const contentOf = (token: unknown): string | null => named.parse(token ?? null)

const tokenizerShape = z.object({
  model: z.union([
    z.object({ vocab: z.record(z.string(), z.int().nonnegative()) }),
    z.object({ type: z.literal('Unigram'), vocab: z.array(z.tuple([z.string(), z.number()])) }),
  ]),
  added_tokens: z.array(z.object({ id: z.int().nonnegative(), content: z.string() })).default([]),
})

/**
 * The tokenizer without added tokens whose id has no row in the embedding, which would be read past its end: a model cannot have learned them,
 * and text that spells one is ordinary text. Some Llama 2 checkpoints bring a `<pad>` so. Throws when such a token is needed: it belongs to the
 * vocabulary proper, begins or ends a text, or the chat template writes it. A smaller tokenizer is fine (padded vocabularies are common).
 * Byte-pair tokenizers, whose `model.vocab` is an object, and Unigram ones, whose ids are positions.
 */
export function withinVocabulary(
  { tokenizerFile: file, tokenizerJson, tokenizerConfig, chatTemplate }: CheckpointTokenizer,
  vocabSize: number,
): JsonObject {
  const parsed = tokenizerShape.safeParse(tokenizerJson)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new CheckpointError(
      `${file}: expected a byte-pair tokenizer with model.vocab {token: id} or a Unigram one with [[token, score]]; ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`,
    )
  }
  const { model, added_tokens: added } = parsed.data
  const ends = ['bos_token', 'eos_token', 'unk_token'].map((role) => contentOf(tokenizerConfig[role]))
  const wrapping = JSON.stringify(tokenizerJson.post_processor ?? null)
  const isNeeded = (content: string): boolean =>
    ends.includes(content) || wrapping.includes(JSON.stringify(content)) || chatTemplate?.includes(content) === true
  let worst: { token: string; id: number } = { token: '', id: -1 }
  if (Array.isArray(model.vocab)) worst = { token: model.vocab.at(-1)?.[0] ?? '', id: model.vocab.length - 1 }
  else
    for (const [token, id] of Object.entries(model.vocab))
      if (id > worst.id && !(id >= vocabSize && added.some(({ content }) => content === token))) worst = { token, id }
  for (const { id, content } of added) if (id > worst.id && (id < vocabSize || isNeeded(content))) worst = { token: content, id }
  if (worst.id >= vocabSize)
    throw new CheckpointError(
      `${file}: tokenizer does not fit the vocabulary: token ${JSON.stringify(worst.token)} has id ${worst.id}, but vocab_size in config.json is ${vocabSize} (ids 0 to ${vocabSize - 1})`,
    )
  const raw = tokenizerJson.added_tokens
  return added.every(({ id }) => id < vocabSize) || !Array.isArray(raw)
    ? tokenizerJson
    : { ...tokenizerJson, added_tokens: raw.filter((_, index) => (added[index]?.id ?? 0) < vocabSize) }
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
