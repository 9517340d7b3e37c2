/**
 * SentencePiece's `tokenizer.model` → an object in `tokenizer.json` layout, for checkpoints of the Llama 2 family that ship no
 * tokenizer.json. It follows `LlamaConverter` of transformers 4 (convert_slow_tokenizer.py); test/golden/sentencepiece.py compares it
 * with that and with sentencepiece. Departures: whether a prefix space is added, spaces are collapsed and characters are mapped is the
 * model's own word (the converter assumes Llama's), and no merge makes a control or byte piece, as in sentencepiece.
 */
import { z } from 'zod'
import { CheckpointError } from '../weights/byteSource'
import { addedTokens, type AddedToken } from './addedTokens'
import { base64FromBytes, createCharsmapNormalizer } from './precompiledCharsmap'
import { parseSentencePieceModel, type NormalizerSpec, type SentencePiece, type SentencePieceModel } from './sentencePieceModel'

/** SentencePiece's stand-in for a space. */
const SPACE = '▁'

const configSchema = z.looseObject({
  /** Absent in configs older than the switch, which all mean true. */
  legacy: z.boolean().nullish(),
  add_prefix_space: z.boolean().nullish(),
  add_bos_token: z.boolean().nullish(),
  add_eos_token: z.boolean().nullish(),
})

/**
 * @param tokenizerConfig parsed `tokenizer_config.json`: added tokens, `legacy`, `add_prefix_space`, `add_bos_token`, `add_eos_token`.
 * @param file name for messages.
 * Throws CheckpointError with the file, what was expected and what was found.
 */
export function tokenizerJsonFromSentencePiece(bytes: Uint8Array, tokenizerConfig: unknown = {}, file = 'tokenizer.model') {
  const model = parseSentencePieceModel(bytes, file)
  refuseUnsupported(model, file)
  const config = configSchema.safeParse(tokenizerConfig)
  if (!config.success) {
    const [issue] = config.error.issues
    throw new CheckpointError(`tokenizer_config.json: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not an object'}`)
  }
  const { legacy, add_prefix_space, add_bos_token, add_eos_token } = config.data
  const added = addedTokens(model, tokenizerConfig, file)
  const hasPrefix = add_prefix_space ?? model.normalizer.addDummyPrefix
  const isLegacy = legacy ?? true
  // Where spaces are collapsed, sentencepiece takes every space in front for the prefix.
  const strippedSpaces = model.normalizer.removeExtraWhitespaces ? 2 ** 31 - 1 : hasPrefix ? 1 : 0
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added.tokens,
    normalizer: normalizer(model.normalizer, isLegacy, hasPrefix),
    // Since `legacy: false` only what the text starts with gets the prefix, not what follows a special token.
    pre_tokenizer: isLegacy ? null : { type: 'Metaspace', replacement: SPACE, prepend_scheme: hasPrefix ? 'first' : 'never', split: false },
    post_processor: template((add_bos_token ?? true) ? added.bos : null, (add_eos_token ?? false) ? added.eos : null),
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: SPACE }, content: ' ' },
        ...(model.trainer.byteFallback ? [{ type: 'ByteFallback' }] : []),
        { type: 'Fuse' },
        ...(strippedSpaces > 0 ? [{ type: 'Strip', content: ' ', start: strippedSpaces, stop: 0 }] : []),
      ],
    },
    model: modelJson(model, file),
  }
}

function refuseUnsupported({ trainer, normalizer }: SentencePieceModel, file: string): void {
  const { modelType } = trainer
  if (modelType !== 'BPE' && modelType !== 'UNIGRAM')
    throw new CheckpointError(`${file}: expected a BPE or UNIGRAM model, found ${modelType}`)
  if (trainer.treatWhitespaceAsSuffix)
    throw new CheckpointError(
      `${file}: expected spaces at the front of words, found treat_whitespace_as_suffix: true, which is not supported`,
    )
  if (!normalizer.escapeWhitespaces)
    throw new CheckpointError(`${file}: expected spaces written as ${SPACE}, found escape_whitespaces: false, which is not supported`)
  // Checks the map's size now, while the file's name is known.
  if (normalizer.precompiledCharsmap.length > 0) createCharsmapNormalizer(normalizer.precompiledCharsmap, file)
}

function normalizer(spec: NormalizerSpec, isLegacy: boolean, hasPrefix: boolean): object | null {
  const replace = (pattern: string, content: string): object => ({ type: 'Replace', pattern: { Regex: pattern }, content })
  const charsmap = spec.precompiledCharsmap
  const normalizers = [
    ...(charsmap.length > 0 ? [{ type: 'Precompiled', precompiled_charsmap: base64FromBytes(charsmap) }] : []),
    ...(spec.removeExtraWhitespaces ? [replace('\\A +', ''), replace(`[ ${SPACE}]+\\z`, ''), replace(' {2,}', ' ')] : []),
    // Collapsing may leave nothing, and nothing gets no prefix.
    ...(isLegacy && hasPrefix ? [spec.removeExtraWhitespaces ? replace('\\A(?!\\z)', SPACE) : { type: 'Prepend', prepend: SPACE }] : []),
    ...(isLegacy ? [{ type: 'Replace', pattern: { String: ' ' }, content: SPACE }] : []),
  ]
  return normalizers.length === 0 ? null : { type: 'Sequence', normalizers }
}

function template(bos: AddedToken | null, eos: AddedToken | null): object | null {
  const ends = [bos, eos].flatMap((token) => (token ? [token] : []))
  if (ends.length === 0) return null
  const item = (token: AddedToken | null, type: number): object[] => (token ? [{ SpecialToken: { id: token.content, type_id: type } }] : [])
  const sequence = (id: 'A' | 'B', type: number): object[] => [...item(bos, type), { Sequence: { id, type_id: type } }, ...item(eos, type)]
  return {
    type: 'TemplateProcessing',
    single: sequence('A', 0),
    pair: [...sequence('A', 0), ...sequence('B', 1)],
    special_tokens: Object.fromEntries(ends.map(({ content, id }) => [content, { id: content, ids: [id], tokens: [content] }])),
  }
}

function modelJson({ pieces, trainer }: SentencePieceModel, file: string): object {
  if (trainer.modelType === 'UNIGRAM')
    return {
      type: 'Unigram',
      unk_id: trainer.unkId,
      vocab: pieces.map(({ text, score }) => [text, score]),
      byte_fallback: trainer.byteFallback,
    }
  return {
    type: 'BPE',
    dropout: null,
    unk_token: pieces[trainer.unkId]?.text,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: true,
    byte_fallback: trainer.byteFallback,
    ignore_merges: false,
    vocab: Object.fromEntries(pieces.map(({ text }, id) => [text, id])),
    merges: mergesFromScores(pieces, file),
  }
}

interface Merge {
  readonly left: string
  readonly right: string
  readonly leftId: number
  readonly rightId: number
  readonly leftLength: number
  readonly rightLength: number
  readonly score: number
}

/**
 * Every way to make a piece of two others, best score first: `generate_merges` of transformers. Ties keep its order: the longer left
 * part (in characters), then the order of the pieces' ids.
 */
function mergesFromScores(pieces: readonly SentencePiece[], file: string): [string, string][] {
  const isText = ({ type }: SentencePiece): boolean => type === 'NORMAL' || type === 'USER_DEFINED' || type === 'UNUSED'
  const ids = new Map(pieces.flatMap((piece, id) => (isText(piece) ? [[piece.text, id] as const] : [])))
  const merges: Merge[] = []
  let longPieces = 0
  for (const piece of pieces) {
    if (!isText(piece)) continue
    const { text, score } = piece
    const characters = Array.from(text)
    if (characters.length > 1 && piece.type === 'NORMAL') longPieces++
    const ways: Merge[] = []
    let cut = 0
    for (let leftLength = 1; leftLength < characters.length; leftLength++) {
      cut += characters[leftLength - 1]?.length ?? 0
      const [left, right] = [text.slice(0, cut), text.slice(cut)]
      const [leftId, rightId] = [ids.get(left), ids.get(right)]
      if (leftId === undefined || rightId === undefined) continue
      ways.push({ left, right, leftId, rightId, leftLength, rightLength: characters.length - leftLength, score })
    }
    merges.push(...ways.sort((a, b) => a.leftId - b.leftId || a.rightId - b.rightId))
  }
  if (longPieces > 0 && merges.length === 0)
    throw new CheckpointError(
      `${file}: expected a BPE model whose longer pieces are made of two shorter ones, found ${longPieces} pieces of several characters and no such pair`,
    )
  merges.sort((a, b) => b.score - a.score || b.leftLength - a.leftLength || b.rightLength - a.rightLength)
  return merges.map(({ left, right }) => [left, right])
}
