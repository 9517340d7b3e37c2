/**
 * Text → ids, with added tokens found as Rust's `tokenizers` finds them (`AddedVocabulary::extract_and_normalize`): those that are not
 * normalised in the text as it stands, the others in the normalised text between them. The library's own `encode` does not know
 * `single_word`, and takes other white space for `lstrip` and `rstrip`.
 */
import type { Tokenizer } from '@huggingface/tokenizers'
import { createTokenMatcher, type MatchedToken } from './addedTokenMatcher'

export interface EncodedToken extends MatchedToken {
  /** Absent: unless it is special. */
  readonly normalized?: boolean | undefined
}

/** `parseSpecials` false: special tokens in the text are ordinary characters. `addSpecialTokens`: with what the post-processor adds. */
export type TextEncoder = (text: string, options: { readonly parseSpecials: boolean; readonly addSpecialTokens: boolean }) => number[]

export function createTextEncoder(tokenizer: Tokenizer, added: readonly EncodedToken[]): TextEncoder {
  const { normalizer, pre_tokenizer: preTokenizer, model, post_processor: postProcessor } = tokenizer
  if (!model) return () => []
  const normalize = (text: string): string => normalizer?.normalize(text) ?? text
  const isNormalized = ({ normalized, special }: EncodedToken): boolean => normalized ?? !special
  const matchRaw = createTokenMatcher(added.filter((token) => !isNormalized(token)))
  const matchNormalized = createTokenMatcher(
    added.filter(isNormalized).map((token) => ({ ...token, content: normalize(token.content), text: token.content })),
  )
  const ids = new Map(added.map(({ content, id }) => [content, id]))
  /** Tokens by their text; what begins the text has `section_index` 0, by which SentencePiece's pre-tokenizers know where to put a space. */
  const tokensOf = (text: string, parseSpecials: boolean): string[] =>
    matchRaw(text, parseSpecials).flatMap((part, section) => {
      if (part.token) return [part.token.content]
      return matchNormalized(normalize(part.text), parseSpecials).flatMap((piece, index) => {
        if (piece.token) return [piece.token.text]
        const pieces = preTokenizer?.pre_tokenize(piece.text, { section_index: section + index }) ?? [piece.text]
        return model._call(pieces)
      })
    })
  return (text, { parseSpecials, addSpecialTokens }) => {
    const tokens = tokensOf(text, parseSpecials)
    const whole = postProcessor?.post_process(tokens, null, addSpecialTokens).tokens ?? tokens
    // A model without a token for what it does not know leaves it out, as in Rust.
    return whole.flatMap((token) => ids.get(token) ?? model.tokens_to_ids.get(token) ?? model.unk_token_id ?? [])
  }
}
