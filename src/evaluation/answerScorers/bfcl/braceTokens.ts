/** The tokens of Java and JavaScript that tell where a call, its arguments and their values begin and end. */
import { ExpressionError } from './pythonExpression'

export type BraceLanguage = 'java' | 'javascript'

export interface Token {
  readonly kind: 'word' | 'number' | 'string' | 'mark'
  readonly text: string
  readonly start: number
  readonly end: number
  /** Of an opening bracket: the place of its closing one in the list; −1 for other tokens. */
  readonly close: number
}

const COMMENT = String.raw`\/\/[^\n]*|\/\*[^]*?\*\/`
const WORD = String.raw`[\p{L}_$@#][\p{L}\p{N}_$]*`
const DIGITS = String.raw`\d(?:_*\d)*`
const DECIMAL = String.raw`(?:${DIGITS}(?:\.(?:${DIGITS})?)?|\.${DIGITS})(?:[eE][+-]?${DIGITS})?`
const HEX = String.raw`0(?:[xX][\da-fA-F_]+|[bB][01_]+|[oO][0-7_]+)`
/** Behind a number, nothing that belongs to a word may follow. */
const NUMBER_END = String.raw`(?![\p{L}\p{N}_$.])`
/** A line may end before the closing quotes, as in the grammars that bfcl-eval parses with. */
const TRIPLE = String.raw`"""[^]*?"""`
const DOUBLE = String.raw`"(?:[^"\\\n]|\\[^])*(?:\n\s*)?"`
const CHARACTER = String.raw`'(?:[^'\\\n]|\\[^])+'`
const SINGLE = String.raw`'(?:[^'\\\n]|\\[^])*(?:\n\s*)?'`
const BACKQUOTES = String.raw`\x60(?:[^\x60\\]|\\[^])*\x60`
const MARK = String.raw`>>>=|\.\.\.|===|!==|\*\*=|&&=|\|\|=|\?\?=|<<=|>>=|=>|->|::|==|!=|<=|>=|\+\+|--|\+=|-=|\*=|\/=|%=|&=|\|=|\^=|&&|\|\||\?\?|\?\.|\*\*|[-+*/%=<>!~?:;,.&|^()[\]{}]`
const REGEX = String.raw`\/(?![*/])(?:[^/\\\n[]|\\[^\n]|\[(?:[^\]\\\n]|\\[^\n])*\])+\/[a-z]*`

const patterns = {
  java: new RegExp(
    `\\s+|${COMMENT}|(?<word>${WORD})|(?<number>(?:${HEX}[lL]?|${DIGITS}[lL]|${DECIMAL}[fFdD]?)${NUMBER_END})|(?<string>${TRIPLE}|${DOUBLE}|${CHARACTER})|(?<mark>${MARK})`,
    'uy',
  ),
  javascript: new RegExp(
    `\\s+|${COMMENT}|(?<word>${WORD})|(?<number>(?:${HEX}|${DECIMAL})n?${NUMBER_END})|(?<string>${DOUBLE}|${SINGLE}|${BACKQUOTES})|(?<mark>${MARK})`,
    'uy',
  ),
}
const regex = new RegExp(REGEX, 'uy')
const MAX_DEPTH = 200
const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' }

/** Throws ExpressionError for characters that are no token, and for brackets that do not match. */
export function braceTokens(text: string, language: BraceLanguage): Token[] {
  const tokens: { -readonly [Field in keyof Token]: Token[Field] }[] = []
  const open: Open = { places: [], hasRepaired: false }
  for (let at = 0; at < text.length;) {
    const { kind, found } = tokenAt(text, at, { language, before: tokens.at(-1) })
    if (kind !== null) {
      tokens.push({ kind, text: found, start: at, end: at + found.length, close: -1 })
      if (kind === 'mark') match(tokens, open)
    }
    at += found.length
  }
  const [left] = open.places
  if (left !== undefined) throw new ExpressionError(`Expected a bracket that closes "${tokens[left]?.text ?? ''}", found the end.`)
  if (language === 'java') closeTypeArguments(tokens)
  return tokens
}

interface Place {
  readonly language: BraceLanguage
  readonly before: Token | undefined
}

function tokenAt(text: string, at: number, { language, before }: Place): { readonly kind: Token['kind'] | null; readonly found: string } {
  if (
    language === 'javascript' &&
    text[at] === '/' &&
    (before === undefined || (before.kind === 'mark' && !/^[)\]}]$/.test(before.text)))
  ) {
    regex.lastIndex = at
    const found = regex.exec(text)?.[0]
    if (found !== undefined) return { kind: 'string', found }
  }
  const pattern = patterns[language]
  pattern.lastIndex = at
  const found = pattern.exec(text)
  if (found === null) throw new ExpressionError(`Expected a call at character ${at + 1}, found ${JSON.stringify(text.slice(at, at + 20))}.`)
  const { word, number, string, mark } = found.groups ?? {}
  const kind =
    word !== undefined ? 'word' : number !== undefined ? 'number' : string !== undefined ? 'string' : mark !== undefined ? 'mark' : null
  return { kind, found: found[0] }
}

/** Brackets that are open: the places of their tokens. */
interface Open {
  readonly places: number[]
  /** One closing bracket may be missing before another, as in `f(a=[1, 2)`: the parsers of bfcl-eval set it there. */
  hasRepaired: boolean
}

function match(tokens: { -readonly [Field in keyof Token]: Token[Field] }[], open: Open): void {
  const last = tokens.at(-1) as Token
  if (last.text in CLOSING) open.places.push(tokens.length - 1)
  if (open.places.length > MAX_DEPTH) throw new ExpressionError(`Expected at most ${MAX_DEPTH} nested brackets, found more.`)
  if (!/^[)\]}]$/.test(last.text)) return
  const closes = (place: number | undefined): boolean => CLOSING[tokens[place ?? -1]?.text ?? ''] === last.text
  if (!closes(open.places.at(-1)) && closes(open.places.at(-2)) && !open.hasRepaired) {
    const end = tokens.at(-2)?.end ?? 0
    const unclosed = tokens[open.places.pop() ?? -1]
    tokens.splice(-1, 0, { kind: 'mark', text: CLOSING[unclosed?.text ?? ''] ?? '', start: end, end, close: -1 })
    if (unclosed) unclosed.close = tokens.length - 2
    open.hasRepaired = true
  }
  const opening = closes(open.places.at(-1)) ? tokens[open.places.pop() ?? -1] : undefined
  if (opening === undefined) throw new ExpressionError(`Expected a bracket before "${last.text}", found none that matches.`)
  opening.close = tokens.length - 1
}

/** In `new Map<String, List<Integer>>()` the commas belong to the type: `<` opens a bracket there. */
function closeTypeArguments(tokens: { kind: Token['kind']; text: string; close: number }[]): void {
  for (const [index, { text, kind }] of tokens.entries()) {
    if (text !== 'new' || kind !== 'word') continue
    let open = index + 1
    while (tokens[open]?.kind === 'word' || tokens[open]?.text === '.') open += 1
    const first = tokens[open]
    if (first?.text !== '<') continue
    let depth = 0
    for (let at = open; at < tokens.length; at++) {
      const token = tokens[at]
      if (token?.kind === 'mark' && /^<$|^>+$/.test(token.text)) depth += token.text === '<' ? 1 : -token.text.length
      if (depth > 0) continue
      first.close = at
      break
    }
  }
}

/** A part of a list of tokens, its end excluded. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** The parts between the commas that are in no brackets. */
export function splitAtCommas(tokens: readonly Token[], { from, to }: Span): Span[] {
  const parts: Span[] = []
  let start = from
  for (let at = from; at < to; at = after(tokens, at))
    if (isMark(tokens[at], ',')) {
      parts.push({ from: start, to: at })
      start = at + 1
    }
  return start === to && parts.length === 0 ? [] : [...parts, { from: start, to }]
}

/** The place behind a token, or behind the brackets that it opens. */
export const after = (tokens: readonly Token[], at: number): number => Math.max(at, tokens[at]?.close ?? at) + 1

export const isMark = (token: Token | undefined, text: string): boolean => token?.kind === 'mark' && token.text === text
