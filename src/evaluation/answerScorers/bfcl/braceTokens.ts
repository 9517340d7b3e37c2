/** The tokens of Java and JavaScript that tell where a call, its arguments and their values begin and end. */
import { ExpressionError } from './pythonExpression'

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
const NUMBER = String.raw`(?:\d|\.\d)(?:[eE][+-]?\d|[\p{L}\p{N}_.])*`
const STRING = String.raw`"""[^]*?"""|"(?:[^"\\\n]|\\[^])*"|'(?:[^'\\\n]|\\[^])*'`
const BACKQUOTES = String.raw`\x60(?:[^\x60\\]|\\[^])*\x60`
const MARK = String.raw`>>>=|\.\.\.|===|!==|\*\*=|&&=|\|\|=|\?\?=|<<=|>>=|=>|->|::|==|!=|<=|>=|\+\+|--|\+=|-=|\*=|\/=|%=|&=|\|=|\^=|&&|\|\||\?\?|\?\.|\*\*|[-+*/%=<>!~?:;,.&|^()[\]{}]`
const REGEX = String.raw`\/(?![*/])(?:[^/\\\n[]|\\[^\n]|\[(?:[^\]\\\n]|\\[^\n])*\])+\/[a-z]*`

const patterns = {
  java: new RegExp(`\\s+|${COMMENT}|(?<word>${WORD})|(?<number>${NUMBER})|(?<string>${STRING})|(?<mark>${MARK})`, 'uy'),
  javascript: new RegExp(`\\s+|${COMMENT}|(?<word>${WORD})|(?<number>${NUMBER})|(?<string>${STRING}|${BACKQUOTES})|(?<mark>${MARK})`, 'uy'),
}
const regex = new RegExp(REGEX, 'uy')
const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' }

/** Throws ExpressionError for characters that are no token, and for brackets that do not match. */
export function braceTokens(text: string, language: 'java' | 'javascript'): Token[] {
  const tokens: { -readonly [Field in keyof Token]: Token[Field] }[] = []
  const open: number[] = []
  for (let at = 0; at < text.length;) {
    const { kind, found } = tokenAt(text, at, { language, before: tokens.at(-1) })
    if (kind !== null) {
      tokens.push({ kind, text: found, start: at, end: at + found.length, close: -1 })
      if (kind === 'mark') match(tokens, open)
    }
    at += found.length
  }
  const [left] = open
  if (left !== undefined) throw new ExpressionError(`Expected a bracket that closes "${tokens[left]?.text ?? ''}", found the end.`)
  return tokens
}

interface Place {
  readonly language: 'java' | 'javascript'
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

function match(tokens: { text: string; close: number }[], open: number[]): void {
  const { text } = tokens.at(-1) ?? { text: '' }
  if (text in CLOSING) open.push(tokens.length - 1)
  if (!/^[)\]}]$/.test(text)) return
  const opening = tokens[open.pop() ?? -1]
  if (opening === undefined || CLOSING[opening.text] !== text)
    throw new ExpressionError(`Expected a bracket before "${text}", found none that matches.`)
  opening.close = tokens.length - 1
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

/** The call that the first statement is: the tokens of its name and of its arguments; null for another statement. */
export function firstCall(tokens: readonly Token[], text: string): { readonly name: Span; readonly arguments: Span } | null {
  if (tokens[0]?.text === 'new') return null
  let open = -1
  let at = 0
  for (; at < tokens.length; at = after(tokens, at)) {
    const token = tokens[at] as Token
    const previous = tokens[at - 1]
    const isNewLine = previous !== undefined && text.slice(previous.end, token.start).includes('\n')
    if (isMark(token, ';') || (isNewLine && token.kind === 'word')) break
    if (isMark(token, '(')) open = at
    else if (token.kind !== 'word' && !/^(?:\.|\?\.|\[|<|>)$/.test(token.text)) return null
    if (token.kind !== 'mark' && previous !== undefined && !isMark(previous, '.') && !isMark(previous, '?.'))
      refuseNeighbours(previous, token)
  }
  if (open <= 0 || after(tokens, open) !== at) return null
  return { name: { from: 0, to: open }, arguments: { from: open + 1, to: at - 1 } }
}

const WORDS_BEFORE_VALUES = new Set(
  'new typeof void await delete instanceof in of async function class return throw yield extends final'.split(' '),
)
const endsValue = ({ kind, text }: Token): boolean => (kind === 'mark' ? /^[)\]}]$/.test(text) : !WORDS_BEFORE_VALUES.has(text))

function refuseNeighbours(previous: Token, token: Token): void {
  throw new ExpressionError(`Expected an operator or a comma between "${previous.text}" and "${token.text}", found none.`)
}

/** Throws ExpressionError where two values stand side by side, as in a sentence. Blocks of statements are not looked into. */
export function checkValue(tokens: readonly Token[], { from, to }: Span): void {
  if (from >= to) throw new ExpressionError('Expected a value, found none.')
  for (let at = from; at < to;) {
    const token = tokens[at] as Token
    const previous = at > from ? tokens[at - 1] : undefined
    // A cast `(Type) value` is the one place where a value follows a bracket.
    const isBehindValue = previous !== undefined && endsValue(previous) && !isMark(previous, ')')
    if (token.kind !== 'mark' && isBehindValue && !WORDS_BEFORE_VALUES.has(token.text)) refuseNeighbours(previous, token)
    if (token.close >= 0 && token.text !== '{')
      for (const part of splitAtCommas(tokens, { from: at + 1, to: token.close })) if (part.from < part.to) checkValue(tokens, part)
    at = after(tokens, at)
  }
  const last = tokens[to - 1] as Token
  if (last.kind === 'mark' && !/^(?:[)\]}>]|\+\+|--)$/.test(last.text))
    throw new ExpressionError(`Expected a value after "${last.text}", found none.`)
}
