/** The tokens beside the pieces of text: control and user-defined pieces, and what tokenizer_config.json adds, as transformers adds it. */
import { z } from 'zod'
import { CheckpointError } from '../weights/byteSource'
import { extraTokens, ownRoleTokens } from './namedTokens'
import type { SentencePieceModel } from './sentencePieceModel'

export interface AddedToken {
  readonly id: number
  readonly content: string
  readonly single_word: boolean
  readonly lstrip: boolean
  readonly rstrip: boolean
  readonly normalized: boolean
  readonly special: boolean
}

const flags = {
  content: z.string().min(1),
  single_word: z.boolean().default(false),
  lstrip: z.boolean().default(false),
  rstrip: z.boolean().default(false),
}
// `normalized` of this older form is not read: Llama 2's says true, by which `<s>` would be found after a space alone.
const named = z.union([
  z
    .string()
    .min(1)
    .transform((content) => ({ content, single_word: false, lstrip: false, rstrip: false })),
  z.object(flags),
])
const decoderEntry = z.object({ ...flags, normalized: z.boolean().default(false), special: z.boolean().default(false) })

/** In the order transformers gives new ids in. */
const NAMES = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token'] as const

const configSchema = z.looseObject({
  added_tokens_decoder: z.record(z.string().regex(/^\d+$/), decoderEntry).default({}),
  bos_token: named.nullish(),
  eos_token: named.nullish(),
  unk_token: named.nullish(),
  sep_token: named.nullish(),
  pad_token: named.nullish(),
  cls_token: named.nullish(),
  mask_token: named.nullish(),
})

/**
 * The tokens are sorted by id. `bos` and `eos` are those of the config, else the model's own; null in the config means none. Named tokens that no
 * piece has get the next free ids. Throws CheckpointError when the config contradicts the model.
 */
export function addedTokens(
  { pieces, trainer }: SentencePieceModel,
  tokenizerConfig: unknown,
  file: string,
): { tokens: AddedToken[]; bos: AddedToken | null; eos: AddedToken | null } {
  const parsed = configSchema.safeParse(tokenizerConfig)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new CheckpointError(`tokenizer_config.json: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not an object'}`)
  }
  const config = parsed.data
  const pieceIds = new Map(pieces.map(({ text }, id) => [text, id]))
  const tokens = new Map<string, AddedToken>()
  const plain = { single_word: false, lstrip: false, rstrip: false, normalized: false }

  for (const [id, { text, type }] of pieces.entries()) {
    if (type === 'CONTROL' || type === 'UNKNOWN' || type === 'USER_DEFINED')
      tokens.set(text, { id, content: text, ...plain, special: type !== 'USER_DEFINED' })
  }
  const listed = Object.entries(config.added_tokens_decoder).map(([id, entry]) => ({ id: Number(id), ...entry }))
  for (const token of listed.sort((a, b) => a.id - b.id)) {
    const own = pieceIds.get(token.content)
    if (own !== undefined && own !== token.id) {
      throw new CheckpointError(
        `tokenizer_config.json: added_tokens_decoder: expected ${JSON.stringify(token.content)} with id ${own}, as in ${file}, found id ${token.id}`,
      )
    }
    const renamed = pieces[token.id]?.text
    if (renamed !== undefined) tokens.delete(renamed)
    tokens.set(token.content, token)
  }
  let nextId = pieces.length
  for (const { id } of tokens.values()) nextId = Math.max(nextId, id + 1)

  const special = (token: z.output<typeof named> & { readonly normalized?: boolean }): AddedToken => {
    const known = tokens.get(token.content)
    const made = known ? { ...known, special: true } : { ...plain, ...token, id: pieceIds.get(token.content) ?? nextId++, special: true }
    tokens.set(token.content, made)
    return made
  }
  const roles = new Map<string, AddedToken>()
  for (const name of NAMES) {
    const token = config[name]
    if (token) roles.set(name, special(token))
  }
  for (const token of [...ownRoleTokens(config), ...extraTokens(config)]) special({ ...token, normalized: false })

  const ownToken = (id: number): AddedToken | null => {
    const piece = pieces[id]
    return piece?.type === 'CONTROL' ? (tokens.get(piece.text) ?? null) : null
  }
  return {
    tokens: [...tokens.values()].sort((a, b) => a.id - b.id),
    bos: config.bos_token === undefined ? ownToken(trainer.bosId) : (roles.get('bos_token') ?? null),
    eos: config.eos_token === undefined ? ownToken(trainer.eosId) : (roles.get('eos_token') ?? null),
  }
}
