/**
 * The call of an answer in Java: `Names.store(names=new ArrayList<>(Arrays.asList("a")))`. The value of an argument is text again, in the
 * spelling that bfcl-eval's decoder gives it: without blanks between tokens, without the body of an anonymous class, calls as they stand.
 */
import type { PythonValue } from '../../../base/pythonValue'
import type { Call } from '../../../environments/bfcl/checker/checkCall'
import { firstCall } from './braceSyntax'
import { after, braceTokens, isMark, splitAtCommas, type Span, type Token } from './braceTokens'
import { addArgument, argumentIn } from './javascriptCalls'
import { ExpressionError } from './pythonExpression'

/**
 * null: the text is no call. Throws ExpressionError where it is no Java. A call without arguments is read; bfcl-eval's parser, which misses
 * the semicolon behind it, refuses some of the shortest.
 */
export function javaCalls(text: string): Call[] | null {
  const tokens = braceTokens(text, 'java')
  if (splitAtCommas(tokens, { from: 0, to: tokens.length }).length > 1) throw new ExpressionError('Expected one call, found several.')
  const found = firstCall(tokens, text)
  if (found === null) return null
  const writer = new JavaWriter(text, tokens)
  const given = new Map<string, PythonValue>()
  const parts = splitAtCommas(tokens, found.arguments)
  if (parts.some(({ from, to }) => from >= to)) throw new ExpressionError('Expected an argument between two commas, found none.')
  for (const part of parts)
    addArgument(
      given,
      argumentIn(tokens, part, {
        language: 'java',
        nameOf: (span) => writer.raw(span.from, span.to - 1),
        valueOf: (span) => writer.value(span),
      }),
    )
  return [{ name: writer.raw(found.name.from, found.name.to - 1), arguments: given }]
}

interface Written {
  readonly text: string
  /** The token behind it. */
  readonly next: number
}

class JavaWriter {
  readonly #tokens: readonly Token[]
  /** The text from one place to another. The decoder counts in bytes and cuts by characters, so that text behind an "é" is shifted. */
  readonly #cut: (start: number, end: number) => string

  constructor(text: string, tokens: readonly Token[]) {
    this.#tokens = tokens
    this.#cut = /^[\0-\x7f]*$/.test(text) ? (start, end) => text.slice(start, end) : cutByBytes(text)
  }

  /** The text of the tokens from the first to the last one. */
  raw(first: number, last: number): string {
    return this.#cut(this.#token(first).start, this.#token(last).end)
  }

  /** The value of an argument; a string alone loses its quotes. */
  value(span: Span): string {
    const first = this.#token(span.from)
    if (isMark(first, '[') || isMark(first, '{')) throw new ExpressionError(`Expected a Java value, found "${first.text}".`)
    if (span.to - span.from === 1 && first.kind === 'string') return this.raw(span.from, span.from).slice(1, -1)
    return this.#written(span)
  }

  #token(at: number): Token {
    const token = this.#tokens[at]
    if (token === undefined) throw new ExpressionError('Expected more of a Java value, found the end.')
    return token
  }

  /** Tokens side by side, with calls, objects and arrays written as wholes. */
  #written({ from, to }: Span): string {
    let text = ''
    for (let at = from; at < to;) {
      const part = this.#primary(at)
      text += part.text
      at = part.next
    }
    return text
  }

  #primary(start: number): Written {
    let { text, next } = this.#atom(start)
    const isValue = next - start > 1 || this.#token(start).kind !== 'mark'
    for (; isValue;) {
      const token = this.#tokens[next]
      const name = next + 1
      if (isMark(token, '.') && isMark(this.#tokens[name + 1], '(') && this.#tokens[name]?.kind === 'word') {
        // A call is written as it stands, with everything before it.
        const close = this.#token(name + 1).close
        text = this.raw(start, close)
        next = close + 1
      } else if ((isMark(token, '.') || isMark(token, '::')) && this.#tokens[name]?.kind === 'word') {
        text += this.raw(next, next) + this.raw(name, name)
        next = name + 1
      } else break
    }
    return { text, next }
  }

  #atom(at: number): Written {
    const token = this.#token(at)
    if (token.kind === 'word' && token.text === 'new') return this.#created(at)
    if (token.kind === 'word' && isMark(this.#tokens[at + 1], '(')) {
      const close = this.#token(at + 1).close
      return { text: this.raw(at, close), next: close + 1 }
    }
    if (token.close < 0) return { text: this.raw(at, at), next: at + 1 }
    return {
      text: this.raw(at, at) + this.#written({ from: at + 1, to: token.close }) + this.raw(token.close, token.close),
      next: token.close + 1,
    }
  }

  /** `new Type(…)` without the body of a class, or `new Type[]{…}`. */
  #created(at: number): Written {
    const end = this.#typeEnd(at + 1)
    const type = this.#joined(at + 1, end)
    const open = this.#token(end)
    if (isMark(open, '(')) {
      const given = splitAtCommas(this.#tokens, { from: end + 1, to: open.close }).map((part) => this.#written(part))
      const body = this.#tokens[open.close + 1]
      const next = isMark(body, '{') ? after(this.#tokens, open.close + 1) : open.close + 1
      return { text: `new ${type}(${given.join(', ')})`, next }
    }
    let dimension = end
    while (isMark(this.#tokens[dimension], '[') && isMark(this.#tokens[dimension + 1], ']')) dimension += 2
    const values = this.#tokens[dimension]
    if (dimension === end || !isMark(values, '{'))
      throw new ExpressionError('Expected an array with its values, or an object with its arguments.')
    const closing = this.#token(dimension).close
    return { text: `new ${type}[]${this.#atom(dimension).text}`, next: closing + 1 }
  }

  #joined(from: number, to: number): string {
    return this.#tokens
      .slice(from, to)
      .map(({ start, end }) => this.#cut(start, end))
      .join('')
  }

  /** Behind a type: names with dots and type arguments in angle brackets. */
  #typeEnd(from: number): number {
    let depth = 0
    for (let at = from; ; at++) {
      const token = this.#token(at)
      if (token.kind === 'mark' && /^[<>]+$/.test(token.text)) depth += token.text.startsWith('<') ? 1 : -token.text.length
      else if (depth <= 0 && token.kind === 'mark' && token.text !== '.') return at
    }
  }
}

function cutByBytes(text: string): (start: number, end: number) => string {
  const characters = Array.from(text)
  const bytes = new Int32Array(text.length + 1)
  let count = 0
  let at = 0
  for (const character of characters) {
    bytes.fill(count, at, at + character.length)
    count += new TextEncoder().encode(character).length
    at += character.length
  }
  bytes[text.length] = count
  return (start, end) => characters.slice(bytes[start], bytes[end]).join('')
}
