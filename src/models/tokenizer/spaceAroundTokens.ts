/** Added tokens that take the white space beside them (`lstrip`, `rstrip`): by Rust's white space, where the library goes by JavaScript's. */
import { UNICODE_SPACE } from '../../base/unicodeSpace'

interface AddedToken {
  readonly content: string
  readonly special: boolean
  readonly lstrip: boolean
  readonly rstrip: boolean
  /** Absent: unless it is special. Such a token is looked for in normalised text, which is the library's to do. */
  readonly normalized?: boolean | undefined
}

/** Tokens as the library is to be given them, and what is to be done to a text before. */
export function takeSpaces<Token extends AddedToken>(tokens: readonly Token[]): { tokens: Token[]; strip: (text: string) => string } {
  const isOwn = ({ lstrip, rstrip, normalized, special }: Token): boolean => (lstrip || rstrip) && !(normalized ?? !special)
  if (!tokens.some(isOwn)) return { tokens: [...tokens], strip: (text) => text }
  const taking = new Map(tokens.filter(isOwn).map((token) => [token.content, token]))
  // The first that begins, and of those the longest: as the library finds them.
  const longestFirst = tokens.map(({ content }) => content).sort((a, b) => b.length - a.length)
  const found = new RegExp(`(${longestFirst.map((content) => content.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|')})`)
  const [front, end] = [new RegExp(`^[${UNICODE_SPACE}]+`), new RegExp(`[${UNICODE_SPACE}]+$`)]
  return {
    tokens: tokens.map((token) => (isOwn(token) ? { ...token, lstrip: false, rstrip: false } : token)),
    strip: (text) => {
      const parts = text.split(found)
      return parts
        .map((part, at) => {
          if (at % 2 === 1) return part
          const after = taking.get(parts[at - 1] ?? '')?.rstrip === true ? part.replace(front, '') : part
          return taking.get(parts[at + 1] ?? '')?.lstrip === true ? after.replace(end, '') : after
        })
        .join('')
    },
  }
}
