/**
 * Tokens that are named beside tokenizer.json: transformers adds them to the file's (`TokenizersBackend.__init__` of transformers 5 and what
 * `_from_pretrained` hands to it), and a text that spells one has one id there. test/golden/named_tokens.py compares the two.
 */
import { z } from 'zod'
import { CheckpointError, type JsonObject } from '../weights/byteSource'

export interface TokenFiles {
  readonly tokenizerConfig: JsonObject
  /** special_tokens_map.json; transformers reads it where tokenizer_config.json has no added_tokens_decoder. */
  readonly specialTokensMap: JsonObject
  /** added_tokens.json, read in the same case. */
  readonly addedTokens: JsonObject
}

const flags = {
  content: z.string(),
  single_word: z.boolean().default(false),
  lstrip: z.boolean().default(false),
  rstrip: z.boolean().default(false),
  normalized: z.boolean().optional(),
}
const entry = z
  .object({ ...flags, special: z.boolean().default(false) })
  .transform(({ normalized, ...token }) => ({ ...token, normalized: normalized ?? !token.special }))
type Token = z.output<typeof entry>
const specialNamed = (content: string): Token => ({
  ...{ content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true },
})
const named = z.union([z.string().transform(specialNamed), entry])
const special = z.union([
  z.string().transform(specialNamed),
  z.object(flags).transform(({ normalized = false, ...token }) => ({ ...token, normalized, special: true })),
])

/** In the order in which transformers gives new ids. */
const ROLES = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token'] as const
const LEGACY = { special: 'special_tokens_map.json', added: 'added_tokens.json', config: 'tokenizer_config.json' } as const

function read<Schema extends z.ZodType>(schema: Schema, value: unknown, file: string, key: string): z.output<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new CheckpointError(
    `${file}: ${key}: expected a token, or an object with its "content" and flags; ${parsed.error.issues[0]?.message ?? ''}`,
  )
}

/** tokenizer.json with the tokens that the other files name, and tokenizer_config.json with the roles that an older file gives. */
export function withNamedTokens(tokenizerJson: JsonObject, files: TokenFiles): { tokenizerJson: JsonObject; tokenizerConfig: JsonObject } {
  const own = ownSchema.safeParse(tokenizerJson)
  // What is wrong with tokenizer.json is said when the tokenizer is made.
  if (!own.success) return { tokenizerJson, tokenizerConfig: files.tokenizerConfig }
  const isOlder = !('added_tokens_decoder' in files.tokenizerConfig)
  const tokenizerConfig = isOlder ? withOlderRoles(files) : files.tokenizerConfig
  const pad = own.data.padding?.pad_token
  const config = pad === undefined || 'pad_token' in tokenizerConfig ? tokenizerConfig : { ...tokenizerConfig, pad_token: pad }
  const roles = roleTokens(config)
  const extra = extraTokens(config)
  const first = isOlder ? olderTokens(files.addedTokens, [...roles, ...extra]) : decoderTokens(files.tokenizerConfig.added_tokens_decoder)
  const byRole = new Set(roles.map(({ content }) => content))
  const listedTokens = first.map((token) => (byRole.has(token.content) ? { ...token, special: true } : token))
  const known = new Set([...own.data.added_tokens, ...listedTokens].map(({ content }) => content))
  const others = [...roles, ...extra].filter(({ content }) => !known.has(content))
  const tokens = [...listedTokens, ...others]
  return {
    tokenizerJson: tokens.length > 0 ? { ...tokenizerJson, added_tokens: addTokens(own.data, tokens) } : tokenizerJson,
    tokenizerConfig,
  }
}

function decoderTokens(value: unknown): Token[] {
  const decoder = read(z.record(z.string().regex(/^\d+$/), entry), value ?? {}, LEGACY.config, 'added_tokens_decoder')
  // Their order counts, not their number: a new token gets the next free id.
  return Object.entries(decoder)
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([, token]) => token)
}

/** Before transformers 4.34 added tokens had a file of their own; those with a role are special. */
function olderTokens(addedTokens: JsonObject, special: readonly Token[]): Token[] {
  const ids = read(z.record(z.string(), z.int().nonnegative()), addedTokens, LEGACY.added, 'the file')
  const isSpecial = (content: string): boolean => special.some((token) => token.content === content)
  return Object.entries(ids)
    .sort(([, a], [, b]) => a - b)
    .map(([content]) => ({ ...specialNamed(content), special: isSpecial(content), normalized: !isSpecial(content) }))
}

/** The file of roles wins over tokenizer_config.json, except that lists of further tokens are joined. */
function withOlderRoles({ tokenizerConfig, specialTokensMap }: TokenFiles): JsonObject {
  const roles = Object.entries(specialTokensMap).map(([key, value]) => {
    const tokens = Array.isArray(value) ? value.map((token: unknown) => read(special, token, LEGACY.special, key)) : null
    if (tokens && key === 'extra_special_tokens') return [key, [...listed(tokenizerConfig[key]), ...tokens]] as const
    return [key, tokens ?? (isTokenObject(value) ? read(special, value, LEGACY.special, key) : value)] as const
  })
  return { ...tokenizerConfig, ...Object.fromEntries(roles) }
}

const listed = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
const isTokenObject = (value: unknown): boolean => typeof value === 'object' && value !== null && 'content' in value

/** Tokens with a role: the usual ones, then those of the model's own. */
function roleTokens(config: JsonObject): Token[] {
  const usual = ROLES.flatMap((role) =>
    config[role] === undefined || config[role] === null ? [] : [read(named, config[role], LEGACY.config, role)],
  )
  return [...usual, ...ownRoleTokens(config)]
}

/** Roles of the model's own: every key that ends in `_token` and is none of the usual ones, and a map of further tokens. */
export function ownRoleTokens(config: JsonObject): Token[] {
  const isUsual = (key: string): boolean => ROLES.some((role) => role === key)
  const own = Object.entries(config).filter(([key]) => key.endsWith('_token') && !isUsual(key))
  const objects = own.filter(([, value]) => isTokenObject(value))
  const texts = own.filter(([, value]) => typeof value === 'string')
  const extra = config.extra_special_tokens
  const map = typeof extra === 'object' && extra !== null && !Array.isArray(extra) ? Object.entries(extra) : []
  return [...objects, ...texts, ...map].map(([key, value]) => read(named, value, LEGACY.config, key))
}

/** `additional_special_tokens` is the older name, read where the newer one is absent or empty. */
export function extraTokens(config: JsonObject): Token[] {
  const extra = config.extra_special_tokens
  const isGiven = typeof extra === 'object' && extra !== null && Object.keys(extra).length > 0
  const key = isGiven ? 'extra_special_tokens' : 'additional_special_tokens'
  return listed(config[key]).map((token) => read(named, token, LEGACY.config, key))
}

const ownSchema = z.object({
  added_tokens: z.array(z.looseObject({ id: z.int().nonnegative(), content: z.string() })).default([]),
  padding: z.object({ pad_token: z.string().optional() }).nullish(),
  model: z.object({ vocab: z.union([z.record(z.string(), z.int().nonnegative()), z.array(z.tuple([z.string(), z.number()]))]) }),
})
type Own = z.output<typeof ownSchema>

/**
 * Rust's `AddedVocabulary::add_tokens`: a token of the vocabulary keeps its id, any other gets the next free one; of a token that is there already
 * the flags are replaced, except that what was special once is never read from text that may not hold special tokens.
 */
function addTokens({ added_tokens: held, model: { vocab } }: Own, tokens: readonly Token[]): JsonObject[] {
  const ids = Array.isArray(vocab) ? new Map(vocab.map(([token], id) => [token, id])) : new Map(Object.entries(vocab))
  const added = new Map<string, Own['added_tokens'][number]>(held.map((token) => [token.content, token]))
  let next = held.reduce((most, { id }) => Math.max(most, id + 1), ids.size)
  for (const token of tokens) {
    if (token.content === '') continue
    const before = added.get(token.content)
    const id = before?.id ?? ids.get(token.content) ?? next++
    added.set(token.content, { ...before, ...token, id, special: token.special || before?.special === true })
  }
  return [...added.values()]
}
