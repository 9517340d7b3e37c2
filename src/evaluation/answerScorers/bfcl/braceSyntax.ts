/** Where the call of an answer begins and ends, and whether the values in it are values: most sentences are not. */
import { after, isMark, splitAtCommas, type BraceLanguage, type Span, type Token } from './braceTokens'
import { ExpressionError } from './pythonExpression'

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

/** Words that stand before a value or a name. */
const wordsBeforeValues: Readonly<Record<BraceLanguage, ReadonlySet<string>>> = {
  java: new Set('new instanceof return throw final'.split(' ')),
  javascript: new Set('new typeof void await delete instanceof in of async function class return throw yield extends'.split(' ')),
}
/** Signs that need a value before them; in Java, angle brackets may hold types. */
const needsValueBefore: Readonly<Record<BraceLanguage, RegExp>> = {
  java: /^(?:[*/%=:.&|^]|[=!]=|[<>]=|&&|\|\||->|::)$/,
  javascript: /^(?:[*/%=<>?:.&|^]|[=!]==?|[<>]=|&&|\|\||\?\?|\?\.|\*\*|=>)$/,
}
/** Signs that never follow a value inside brackets. */
const NEEDS_NO_VALUE_BEFORE = /^[!~;]$/

/** @param before the token before it: behind a dot, every word is a name. */
function endsValue({ kind, text }: Token, before: Token | undefined, language: BraceLanguage): boolean {
  if (kind === 'mark') return /^(?:[)\]}]|\+\+|--)$/.test(text)
  return isMark(before, '.') || !wordsBeforeValues[language].has(text)
}

function refuseNeighbours(previous: Token, token: Token): never {
  throw new ExpressionError(`Expected an operator or a comma between "${previous.text}" and "${token.text}", found none.`)
}

/** Throws ExpressionError where a value is missing, or two stand side by side, as in a sentence. Blocks of statements are not looked into. */
export function checkValue(tokens: readonly Token[], span: Span, language: BraceLanguage): void {
  if (span.from >= span.to) throw new ExpressionError('Expected a value, found none.')
  /** Whether the token before belongs to a value that is complete, and whether that value may be a cast. */
  let [isAfterValue, mayBeCast] = [false, false]
  let previous: Token | undefined
  let questions = 0
  for (let at = span.from; at < span.to; at = after(tokens, at)) {
    const token = tokens[at] as Token
    if (previous && token.kind !== 'mark' && isAfterValue && !mayBeCast && !wordsBeforeValues[language].has(token.text))
      refuseNeighbours(previous, token)
    if (isMark(token, '?')) questions += 1
    if (isMark(token, ':') && --questions < 0) throw new ExpressionError('Expected a value, found a name with a colon.')
    const isMisplaced = token.kind === 'mark' && (isAfterValue ? NEEDS_NO_VALUE_BEFORE : needsValueBefore[language]).test(token.text)
    if (isMisplaced) throw new ExpressionError(`Expected a value, found "${token.text}".`)
    if (token.close >= 0) checkBrackets(tokens, at, { language, isAfterValue, previous })
    mayBeCast = language === 'java' && !isAfterValue && isMark(token, '(') && previous?.text.endsWith('>') !== true
    const last = tokens[after(tokens, at) - 1] as Token
    isAfterValue = endsValue(last, previous, language)
    previous = last
  }
  if (previous && !isAfterValue && !isMark(previous, '>'))
    throw new ExpressionError(`Expected a value after "${previous.text}", found none.`)
}

interface Before {
  readonly language: BraceLanguage
  readonly isAfterValue: boolean
  readonly previous: Token | undefined
}

function checkBrackets(tokens: readonly Token[], at: number, { language, isAfterValue, previous }: Before): void {
  const open = tokens[at] as Token
  const next = tokens[open.close + 1]
  const isEmpty = open.close === at + 1
  if (isMark(open, '<')) return
  if (isMark(open, '(') && isEmpty && !isAfterValue && !previous?.text.endsWith('>') && !isMark(next, '=>') && !isMark(next, '->'))
    throw new ExpressionError('Expected a value between brackets, found none.')
  if (isMark(open, '[') && language === 'java' && !isAfterValue && !previous?.text.endsWith('>'))
    throw new ExpressionError('Expected a Java value, found "[".')
  if (language === 'javascript' && isAfterValue && ((isMark(open, '[') && isEmpty) || (isMark(open, '{') && isMark(previous, ']'))))
    throw new ExpressionError(`Expected an operator before "${open.text}", found none.`)
  if (isMark(open, '{') && (isMark(previous, ')') || isMark(previous, '=>') || isMark(previous, '->'))) {
    if (language === 'java' && isMark(previous, ')')) checkClassBody(tokens, at)
    return
  }
  // The body of a class in JavaScript follows its name.
  if (isMark(open, '{') && language === 'javascript' && previous?.kind === 'word') return
  const isObject = isMark(open, '{') && language === 'javascript'
  for (const part of splitAtCommas(tokens, { from: at + 1, to: open.close })) {
    const value = isObject ? memberValue(tokens, part) : part
    if (value.from < value.to) checkPart(tokens, value, language)
  }
}

/** The value of a member of an object; a name alone is its own value. */
function memberValue(tokens: readonly Token[], part: Span): Span {
  const colon = after(tokens, part.from)
  if (isMark(tokens[colon], '=')) throw new ExpressionError('Expected ":" behind the name of a member, found "=".')
  return colon < part.to && isMark(tokens[colon], ':') ? { from: colon + 1, to: part.to } : part
}

/** What stands between two commas: a value, values spread with `...`, or an inner list of values in Java. */
function checkPart(tokens: readonly Token[], part: Span, language: BraceLanguage): void {
  const isSpread = isMark(tokens[part.from], '...')
  const isInitializer = language === 'java' && isMark(tokens[part.from], '{')
  if (isInitializer) for (const item of splitAtCommas(tokens, { from: part.from + 1, to: part.to - 1 })) checkPart(tokens, item, language)
  else if (part.from + (isSpread ? 1 : 0) < part.to) checkValue(tokens, { from: part.from + (isSpread ? 1 : 0), to: part.to }, language)
}

/** Statements in the body of an anonymous class stand in a block of their own, `{{ put("a", 1); }}`. */
function checkClassBody(tokens: readonly Token[], open: number): void {
  const [first, second] = [tokens[open + 1], tokens[open + 2]]
  if (first?.kind === 'word' && isMark(second, '('))
    throw new ExpressionError(`Expected a member of a class, found a call of ${first.text}.`)
}
