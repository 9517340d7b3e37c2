/**
 * Finds added tokens in text as Rust's `tokenizers` does (`AddedVocabulary::find_matches`): the first that begins, of those the longest;
 * `single_word` wants no letter, digit or underscore beside it, `lstrip` and `rstrip` take the white space beside it.
 */
import { UNICODE_SPACE } from '../../base/unicodeSpace'

export interface MatchedToken {
  readonly id: number
  /** As it is to be found: of a normalised token, its normalised text. */
  readonly content: string
  readonly special: boolean
  readonly single_word: boolean
  readonly lstrip: boolean
  readonly rstrip: boolean
}

/** Plain text, or a token in it. */
export type TextPart<Token> = { readonly text: string; readonly token: null } | { readonly text: string; readonly token: Token }

interface Node<Token> {
  readonly next: Map<string, Node<Token>>
  token: Token | null
}

/** Cuts a text at its added tokens; nothing of it is lost but what `lstrip` and `rstrip` take. `parseSpecials` false: special ones are text. */
export type TokenMatcher<Token> = (text: string, parseSpecials: boolean) => TextPart<Token>[]

export function createTokenMatcher<Token extends MatchedToken>(tokens: readonly Token[]): TokenMatcher<Token> {
  const root: Node<Token> = { next: new Map(), token: null }
  for (const token of tokens) insert(root, token)
  if (root.next.size === 0) return (text) => (text === '' ? [] : [{ text, token: null }])
  return (text, parseSpecials) => {
    const parts: TextPart<Token>[] = []
    let from = 0
    for (let at = 0; at < text.length;) {
      const token = longestAt(root, text, at)
      if (!token) {
        at += 1
        continue
      }
      let start = at
      let end = at + token.content.length
      at = end
      if ((token.special && !parseSpecials) || (token.single_word && isInsideWord(text, start, end))) continue
      if (token.lstrip) while (start > from && isSpace(text, start - 1)) start -= 1
      if (token.rstrip) while (end < text.length && isSpace(text, end)) end += 1
      if (start > from) parts.push({ text: text.slice(from, start), token: null })
      parts.push({ text: token.content, token })
      from = end
      at = end
    }
    if (from < text.length) parts.push({ text: text.slice(from), token: null })
    return parts
  }
}

function insert<Token extends MatchedToken>(root: Node<Token>, token: Token): void {
  if (token.content === '') return
  let node = root
  for (let at = 0; at < token.content.length; at++) {
    const letter = token.content.charAt(at)
    const next: Node<Token> = node.next.get(letter) ?? { next: new Map(), token: null }
    node.next.set(letter, next)
    node = next
  }
  // Of two that read the same, the first is found.
  node.token ??= token
}

function longestAt<Token>(root: Node<Token>, text: string, start: number): Token | null {
  let found: Token | null = null
  let node = root.next.get(text.charAt(start))
  for (let at = start + 1; node; at++) {
    if (node.token) found = node.token
    node = at < text.length ? node.next.get(text.charAt(at)) : undefined
  }
  return found
}

const SPACE = new RegExp(`[${UNICODE_SPACE}]`)
const isSpace = (text: string, at: number): boolean => SPACE.test(text.charAt(at))

// What \w is in Rust's regex.
const WORD = '[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]'
const [STARTS_WITH_WORD, ENDS_WITH_WORD] = [new RegExp(`^${WORD}`, 'u'), new RegExp(`${WORD}$`, 'u')]

/** Two units hold any character. */
const isInsideWord = (text: string, start: number, end: number): boolean =>
  ENDS_WITH_WORD.test(text.slice(Math.max(0, start - 2), start)) || STARTS_WITH_WORD.test(text.slice(end, end + 2))
