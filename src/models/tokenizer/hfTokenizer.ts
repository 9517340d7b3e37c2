/**
 * Text ↔ ids from a `tokenizer.json`, over @huggingface/tokenizers 0.2.0; test/golden/tokenizer.py compares it with Python `tokenizers`. It
 * satisfies base/textCodec.ts `TextCodec` by shape. It departs from the library's defaults: no special tokens are added, decoding keeps specials
 * and never "cleans up" spaces, and special tokens can be read as plain text. The runtime's version of Unicode decides what is a letter
 * (tokenizers 0.23 has version 16): characters newer than either may be cut otherwise.
 */
import {
  ByteFallbackDecoder,
  type Decoder,
  type Normalizer,
  PrecompiledNormalizer,
  SequenceDecoder,
  SequenceNormalizer,
  Tokenizer,
  Unigram,
} from '@huggingface/tokenizers'
import { z } from 'zod'
import { CheckpointError } from '../weights/byteSource'
import { correctNormalForms } from './normalForms'
import { checkPatterns } from './patternLimits'
import { bytesFromBase64, createCharsmapNormalizer } from './precompiledCharsmap'
import { correctSplits } from './splitBehaviour'
import { createTextEncoder, type TextEncoder } from './textEncoder'
import { createUnigramSegmenter } from './unigram'

export interface EncodeOptions {
  /** Add what the post-processor adds, such as a BOS token. Default false: templates write their own. */
  readonly addSpecialTokens?: boolean
  /**
   * Default true. false reads `<|im_end|>` in the text as ordinary characters (Python: `encode_special_tokens = True`): for text
   * from outside, such as a tool's reply, which must not end a turn.
   */
  readonly parseSpecials?: boolean
}

export interface HfTokenizer {
  encode(text: string, options?: EncodeOptions): number[]
  /** Keeps special tokens. Ids without a token (rows of a padded vocabulary) decode to nothing, as in Python. */
  decode(ids: readonly number[]): string
  /** Id of a special or added token such as `<|im_end|>`. Throws when the vocabulary has none. */
  specialId(token: string): number
  /** Id of any token's text, or null. */
  tokenId(token: string): number | null
  /** The text each id of a sequence adds: a character of several ids stands at the id that completes it, the ids before add nothing. */
  tokenTexts(ids: readonly number[]): string[]
  /** Ids of tokens marked special. */
  readonly specialIds: ReadonlySet<number>
  /** Highest id + 1: the rows an embedding needs. */
  readonly vocabSize: number
}

const addedToken = z.looseObject({
  id: z.int().nonnegative(),
  content: z.string(),
  special: z.boolean().default(false),
  single_word: z.boolean().default(false),
  lstrip: z.boolean().default(false),
  rstrip: z.boolean().default(false),
  normalized: z.boolean().optional(),
})

const fileSchema = z.looseObject({
  added_tokens: z.array(addedToken).default([]),
  normalizer: z.unknown().default(null),
  pre_tokenizer: z.unknown().default(null),
  post_processor: z.unknown().default(null),
  decoder: z.unknown().default(null),
  model: z.looseObject({
    /** Token → id, or of a Unigram model token and score, in the order of ids. */
    vocab: z.union([z.record(z.string(), z.int().nonnegative()), z.array(z.tuple([z.string(), z.number()]))]),
    byte_fallback: z.boolean().nullish(),
  }),
})

// GPT-2's split. JavaScript's \s has U+FEFF and lacks U+0085; the library corrects that in Split patterns but not in ByteLevel's own.
const GPT2_SPLIT = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

const byteLevel = z.looseObject({
  type: z.literal('ByteLevel'),
  add_prefix_space: z.boolean().default(false),
  use_regex: z.boolean().default(true),
})
const digits = z.looseObject({ type: z.literal('Digits'), individual_digits: z.boolean().default(false) })
const punctuation = z.looseObject({ type: z.literal('Punctuation'), behavior: z.string().default('Isolated') })
// Rust's is_punctuation: Unicode's categories P and the rest of ASCII's.
const PUNCTUATION = '[\\p{P}$+<=>^`|~]'
const sequence = z.looseObject({ type: z.literal('Sequence'), pretokenizers: z.array(z.unknown()) })

/**
 * The same pre-tokenizer with the splits of ByteLevel, Digits and Punctuation made explicit: \s then means what it means in Rust, a digit is any
 * number, such as ½ and Ⅻ (the library's is a decimal one), and punctuation is cut by its behaviour, a character at a time.
 */
function withExplicitSplit(preTokenizer: unknown): unknown {
  const several = sequence.safeParse(preTokenizer)
  if (several.success) return { ...several.data, pretokenizers: several.data.pretokenizers.map(withExplicitSplit) }
  const numbers = digits.safeParse(preTokenizer)
  if (numbers.success)
    return { type: 'Split', pattern: { Regex: numbers.data.individual_digits ? '\\p{N}' : '\\p{N}+' }, behavior: 'Isolated', invert: false }
  const marks = punctuation.safeParse(preTokenizer)
  if (marks.success) return { type: 'Split', pattern: { Regex: PUNCTUATION }, behavior: marks.data.behavior, invert: false }
  const own = byteLevel.safeParse(preTokenizer)
  // With add_prefix_space the space must come before the split: left to the library.
  if (!own.success || !own.data.use_regex || own.data.add_prefix_space) return preTokenizer
  const split = { type: 'Split', pattern: { Regex: GPT2_SPLIT }, behavior: 'Isolated', invert: false }
  return { type: 'Sequence', pretokenizers: [split, { ...own.data, use_regex: false }] }
}

const BYTE_TOKEN = /^<0x([0-9a-fA-F]{2})>$/

/** Runs of `<0xE4>` tokens → text; a run that is not UTF-8 gives one U+FFFD per byte, as in Rust (the library gives fewer and eats a BOM). */
function decodeByteTokens(tokens: string[]): string[] {
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const out: string[] = []
  let run: number[] = []
  const flush = (): void => {
    if (run.length === 0) return
    try {
      out.push(strict.decode(Uint8Array.from(run)))
    } catch {
      out.push('\ufffd'.repeat(run.length))
    }
    run = []
  }
  for (const token of tokens) {
    const byte = BYTE_TOKEN.exec(token)?.[1]
    if (byte !== undefined) {
      run.push(Number.parseInt(byte, 16))
      continue
    }
    flush()
    out.push(token)
  }
  flush()
  return out
}

function correctByteFallback(decoder: Decoder | null): void {
  if (decoder instanceof SequenceDecoder) decoder.decoders.forEach(correctByteFallback)
  else if (decoder instanceof ByteFallbackDecoder) decoder.decode_chain = decodeByteTokens
}

const precompiled = z.looseObject({ precompiled_charsmap: z.base64() })

function correctCharsmap(normalizer: Normalizer | null): void {
  if (normalizer instanceof SequenceNormalizer) normalizer.normalizers.forEach(correctCharsmap)
  if (!(normalizer instanceof PrecompiledNormalizer)) return
  const config = precompiled.safeParse(normalizer.config)
  if (config.success) normalizer.normalize = createCharsmapNormalizer(bytesFromBase64(config.data.precompiled_charsmap), 'tokenizer')
}

/** @param notText tokens that are ids only: text that spells one is ordinary text. */
function correctUnigram(model: Unigram, notText: ReadonlySet<string>, byteFallback: boolean): void {
  const isByte = (token: string): boolean => byteFallback && BYTE_TOKEN.test(token)
  const scores = model.vocab.flatMap((token, id) => {
    const isText = id !== model.unk_token_id && !notText.has(token) && !isByte(token)
    return isText ? [[token, model.scores[id] ?? 0] as const] : []
  })
  const segment = createUnigramSegmenter({
    scores: new Map(scores),
    unkScore: Math.fround(model.unk_score),
    byteFallback,
    unkToken: model.unk_token ?? '',
  })
  model.encode = (tokens) => tokens.flatMap(segment)
}

type TokenizerFile = z.output<typeof fileSchema>

/** @throws CheckpointError naming the first field that is not as `tokenizers` writes it. */
function readTokenizerFile(tokenizerJson: unknown): TokenizerFile {
  const parsed = fileSchema.safeParse(tokenizerJson)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new CheckpointError(`tokenizer.json: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not a tokenizer'}`)
  }
  for (const part of ['normalizer', 'pre_tokenizer', 'post_processor', 'decoder'] as const) checkPatterns(parsed.data[part], part)
  return { ...parsed.data, pre_tokenizer: withExplicitSplit(parsed.data.pre_tokenizer) }
}

type Added = TokenizerFile['added_tokens'][number]

/** The library's tokenizer with what it does differently from Python corrected, for `addedTokens` of the file. Throws CheckpointError. */
function buildTokenizer(
  file: TokenizerFile,
  config: Record<string, unknown>,
  specials: ReadonlySet<string>,
  addedTokens: readonly Added[],
): Tokenizer {
  try {
    const tokenizer = new Tokenizer({ ...file, added_tokens: addedTokens }, config)
    if (tokenizer.model instanceof Unigram) correctUnigram(tokenizer.model, specials, file.model.byte_fallback ?? false)
    correctCharsmap(tokenizer.normalizer)
    correctNormalForms(tokenizer.normalizer)
    correctByteFallback(tokenizer.decoder)
    correctSplits(tokenizer.pre_tokenizer)
    return tokenizer
  } catch (error) {
    if (error instanceof CheckpointError) throw error
    throw new CheckpointError(`tokenizer.json: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** The highest id of the vocabulary and of the added tokens, plus 1. */
function vocabSizeOf({ model: { vocab }, added_tokens }: TokenizerFile): number {
  let size = 0
  if (Array.isArray(vocab)) size = vocab.length
  else for (const id of Object.values(vocab)) size = Math.max(size, id + 1)
  for (const { id } of added_tokens) size = Math.max(size, id + 1)
  return size
}

/** Decodes the ids that have a token; throws RangeError for what is no id. */
function decodeWith(tokenizer: Tokenizer, ids: readonly number[]): string {
  const known: number[] = []
  for (const id of ids) {
    if (!Number.isInteger(id) || id < 0) throw new RangeError(`token ids are integers from 0, found ${id}`)
    if (tokenizer.id_to_token(id) !== undefined) known.push(id)
  }
  return known.length === 0 ? '' : tokenizer.decode(known, { skip_special_tokens: false, clean_up_tokenization_spaces: false })
}

/** Builds a tokenizer from parsed `tokenizer.json` and `tokenizer_config.json`. Throws CheckpointError when they cannot be used. */
export function createHfTokenizer(tokenizerJson: unknown, tokenizerConfig: unknown = {}): HfTokenizer {
  const file = readTokenizerFile(tokenizerJson)
  const config = z.record(z.string(), z.unknown()).catch({}).parse(tokenizerConfig)
  const specialTokens = file.added_tokens.filter(({ special }) => special)
  const specials = new Set(specialTokens.map(({ content }) => content))
  const tokenizer = buildTokenizer(file, config, specials, file.added_tokens)
  const encodeWhole = createTextEncoder(tokenizer, file.added_tokens)
  let plain: TextEncoder | null = null
  /** By a model that does not know the special tokens either. */
  const encodePlain = (): TextEncoder =>
    (plain ??= createTextEncoder(
      buildTokenizer(
        file,
        config,
        specials,
        file.added_tokens.filter(({ special }) => !special),
      ),
      file.added_tokens,
    ))

  const added = new Map(file.added_tokens.map(({ content, id }) => [content, id]))
  const decode = (ids: readonly number[]): string => decodeWith(tokenizer, ids)
  let letter: { readonly ids: readonly number[]; readonly text: string } | null = null
  /** As `decode`, but not at the start of a text, where SentencePiece's decoders drop a space: after a letter. */
  const decodeWithin = (ids: readonly number[]): string => {
    letter ??= letterOf(encodeWhole('a', { parseSpecials: true, addSpecialTokens: false }), decode)
    const text = decode([...letter.ids, ...ids])
    return text.startsWith(letter.text) ? text.slice(letter.text.length) : decode(ids)
  }
  return {
    encode: (text, { addSpecialTokens = false, parseSpecials = true } = {}) => {
      const encode = parseSpecials ? encodeWhole : encodePlain()
      return encode(text, { parseSpecials, addSpecialTokens })
    },
    decode,
    specialId(token) {
      const id = added.get(token)
      if (id === undefined) {
        const some = [...added.keys()].slice(0, 8).join(' ')
        throw new CheckpointError(`the tokenizer has no special token "${token}"; it has ${some || 'none'}`)
      }
      return id
    },
    tokenId: (token) => added.get(token) ?? tokenizer.token_to_id(token) ?? null,
    tokenTexts: (ids) => textsOf(ids, decode, decodeWithin),
    specialIds: new Set(specialTokens.map(({ id }) => id)),
    vocabSize: vocabSizeOf(file),
  }
}

/** UTF-8 writes a character in at most so many bytes. */
const MOST_BYTES = 4

type Decode = (ids: readonly number[]) => string

/** Empty where a vocabulary has no letter. */
function letterOf(ids: readonly number[], decode: Decode): { readonly ids: readonly number[]; readonly text: string } {
  const text = decode(ids)
  return text === 'a' ? { ids, text } : { ids: [], text: '' }
}

function textsOf(ids: readonly number[], atStart: Decode, within: Decode): string[] {
  const texts: string[] = []
  while (texts.length < ids.length) {
    const first = texts.length
    const decode = first === 0 ? atStart : within
    let length = 1
    let text = decode(ids.slice(first, first + 1))
    while (text.endsWith('\uFFFD') && length < MOST_BYTES && first + length < ids.length) {
      length++
      text = decode(ids.slice(first, first + length))
    }
    // Bytes that never make a character show as what they are, one by one.
    if (text.endsWith('\uFFFD')) texts.push(decode(ids.slice(first, first + 1)))
    else texts.push(...Array.from({ length: length - 1 }, () => ''), text)
  }
  return texts
}
