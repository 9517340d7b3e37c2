/** Text as token ids: what agents and training ask of a tokenizer. */

/** Text → ids, as training needs it. */
export interface TextEncoding {
  /** `addSpecialTokens`: with what the tokenizer puts around a text, such as a first BOS. */
  encode(text: string, options?: { readonly addSpecialTokens?: boolean }): readonly number[]
}

/** Text ↔ ids, as an agent needs it. */
export interface TextCodec extends TextEncoding {
  encode(text: string, options?: { readonly addSpecialTokens?: boolean }): number[]
  /** The text of ids, special tokens included. */
  decode(ids: readonly number[]): string
  /** Id of a special token such as `<|im_end|>`; throws when the vocabulary has none. */
  specialId(token: string): number
}
