/**
 * What a SentencePiece `tokenizer.model` says: the parts of ModelProto that encoding and decoding need
 * (https://github.com/google/sentencepiece/blob/v0.2.1/src/sentencepiece_model.proto; defaults are that file's).
 */
import { CheckpointError } from '../weights/byteSource'
import { boolOf, floatOf, int32Of, messageOf, protobufError, readFields, stringOf, type ProtobufMessage } from './protobuf'

const PIECE_TYPES = ['NORMAL', 'UNKNOWN', 'CONTROL', 'USER_DEFINED', 'UNUSED', 'BYTE'] as const
const MODEL_TYPES = ['UNIGRAM', 'BPE', 'WORD', 'CHAR'] as const

export interface SentencePiece {
  readonly text: string
  /** Unigram: log-probability in nats. BPE: minus the rank of the merge that makes the piece. 0 for pieces that are not text. */
  readonly score: number
  readonly type: (typeof PIECE_TYPES)[number]
}

export interface TrainerSpec {
  readonly modelType: (typeof MODEL_TYPES)[number]
  readonly byteFallback: boolean
  readonly treatWhitespaceAsSuffix: boolean
  /** −1: the model has none. */
  readonly unkId: number
  readonly bosId: number
  readonly eosId: number
  readonly padId: number
}

export interface NormalizerSpec {
  /** `identity`, `nmt_nfkc`, `user_defined` … */
  readonly name: string
  readonly addDummyPrefix: boolean
  readonly removeExtraWhitespaces: boolean
  readonly escapeWhitespaces: boolean
  /** Empty: characters stay as they are. */
  readonly precompiledCharsmap: Uint8Array
}

export interface SentencePieceModel {
  /** A piece's index is its id. Texts are unique, scores finite; exactly one is UNKNOWN. */
  readonly pieces: readonly SentencePiece[]
  readonly trainer: TrainerSpec
  readonly normalizer: NormalizerSpec
}

/** Throws CheckpointError with the file, the byte or piece, what was expected and what was found. */
export function parseSentencePieceModel(bytes: Uint8Array, file = 'tokenizer.model'): SentencePieceModel {
  refuseRanksFile(bytes, file)
  const pieces: SentencePiece[] = []
  let trainer: TrainerSpec | null = null
  let normalizer: NormalizerSpec | null = null
  for (const field of readFields({ file, bytes, at: 0 })) {
    if (field.number === 1) pieces.push(parsePiece(messageOf(field, 'pieces'), pieces.length))
    else if (field.number === 2) trainer = parseTrainer(messageOf(field, 'trainer_spec'))
    else if (field.number === 3) normalizer = parseNormalizer(messageOf(field, 'normalizer_spec'))
  }
  if (pieces.length === 0)
    throw new CheckpointError(`${file}: expected a SentencePiece model with pieces, found none in ${bytes.length} bytes`)
  // Both are always written, after the pieces: without them the file may end early at the border of two pieces.
  const missing = trainer ? (normalizer ? null : 'normalizer_spec') : 'trainer_spec'
  if (!trainer || !normalizer)
    throw new CheckpointError(`${file}: expected a ${missing ?? ''} after the ${pieces.length} pieces, found the end of the file`)
  checkPieces(pieces, trainer, file)
  return { pieces, trainer, normalizer }
}

/** Llama 3's original folder has a `tokenizer.model` of another kind: lines of base64 and rank. */
function refuseRanksFile(bytes: Uint8Array, file: string): void {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, 200))
  if (/^[A-Za-z0-9+/]+=* \d+\r?\n/.test(head))
    throw new CheckpointError(
      `${file}: expected a SentencePiece model, found lines of tiktoken ranks: such a model needs its tokenizer.json`,
    )
}

function parsePiece(message: ProtobufMessage, id: number): SentencePiece {
  let text = ''
  let score = 0
  let type = 1
  for (const field of readFields(message)) {
    if (field.number === 1) text = stringOf(field, `piece ${id}: piece`)
    else if (field.number === 2) score = floatOf(field, `piece ${id}: score`)
    else if (field.number === 3) type = int32Of(field, `piece ${id}: type`)
  }
  const typeName = PIECE_TYPES[type - 1]
  if (!typeName) throw protobufError(message, `piece ${id}: a type from 1 to ${PIECE_TYPES.length}`, String(type))
  if (text === '') throw protobufError(message, `piece ${id}: a text`, 'none')
  if (!Number.isFinite(score)) throw protobufError(message, `piece ${id}: a finite score`, String(score))
  return { text, score, type: typeName }
}

function parseTrainer(message: ProtobufMessage): TrainerSpec {
  let modelType = 1
  let [byteFallback, treatWhitespaceAsSuffix] = [false, false]
  let [unkId, bosId, eosId, padId] = [0, 1, 2, -1]
  for (const field of readFields(message)) {
    if (field.number === 3) modelType = int32Of(field, 'trainer_spec.model_type')
    else if (field.number === 24) treatWhitespaceAsSuffix = boolOf(field, 'trainer_spec.treat_whitespace_as_suffix')
    else if (field.number === 35) byteFallback = boolOf(field, 'trainer_spec.byte_fallback')
    else if (field.number === 40) unkId = int32Of(field, 'trainer_spec.unk_id')
    else if (field.number === 41) bosId = int32Of(field, 'trainer_spec.bos_id')
    else if (field.number === 42) eosId = int32Of(field, 'trainer_spec.eos_id')
    else if (field.number === 43) padId = int32Of(field, 'trainer_spec.pad_id')
  }
  const name = MODEL_TYPES[modelType - 1]
  if (!name) throw protobufError(message, `a trainer_spec.model_type from 1 to ${MODEL_TYPES.length}`, String(modelType))
  return { modelType: name, byteFallback, treatWhitespaceAsSuffix, unkId, bosId, eosId, padId }
}

function parseNormalizer(message: ProtobufMessage): NormalizerSpec {
  let name = ''
  let [addDummyPrefix, removeExtraWhitespaces, escapeWhitespaces] = [true, true, true]
  let precompiledCharsmap: Uint8Array = new Uint8Array(0)
  for (const field of readFields(message)) {
    if (field.number === 1) name = stringOf(field, 'normalizer_spec.name')
    else if (field.number === 2) precompiledCharsmap = messageOf(field, 'normalizer_spec.precompiled_charsmap').bytes
    else if (field.number === 3) addDummyPrefix = boolOf(field, 'normalizer_spec.add_dummy_prefix')
    else if (field.number === 4) removeExtraWhitespaces = boolOf(field, 'normalizer_spec.remove_extra_whitespaces')
    else if (field.number === 5) escapeWhitespaces = boolOf(field, 'normalizer_spec.escape_whitespaces')
  }
  return { name, addDummyPrefix, removeExtraWhitespaces, escapeWhitespaces, precompiledCharsmap }
}

function checkPieces(pieces: readonly SentencePiece[], { byteFallback, unkId }: TrainerSpec, file: string): void {
  const ids = new Map<string, number>()
  for (const [id, { text }] of pieces.entries()) {
    const first = ids.get(text)
    if (first !== undefined)
      throw new CheckpointError(`${file}: expected unique pieces, found ${JSON.stringify(text)} as piece ${first} and ${id}`)
    ids.set(text, id)
  }
  const unknown = pieces.flatMap(({ type }, id) => (type === 'UNKNOWN' ? [id] : []))
  if (unknown.length !== 1 || unknown[0] !== unkId) {
    const found = unknown.length === 0 ? 'none' : `${unknown.length}: id ${unknown.slice(0, 4).join(', ')}`
    throw new CheckpointError(`${file}: expected one piece of type UNKNOWN with trainer_spec.unk_id ${unkId}, found ${found}`)
  }
  if (!byteFallback) return
  const bytes = pieces.filter(({ text, type }) => type === 'BYTE' && /^<0x[0-9A-F]{2}>$/.test(text)).length
  if (bytes !== 256)
    throw new CheckpointError(`${file}: expected 256 pieces of type BYTE from <0x00> to <0xFF>, as byte_fallback is on, found ${bytes}`)
}
