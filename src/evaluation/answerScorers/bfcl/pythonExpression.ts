/**
 * Python expressions as answers hold them: literals, names, calls, subscripts and arithmetic. What else Python has (comparisons, lambdas,
 * comprehensions, formatted strings) makes an answer unreadable for bfcl-eval too, and is refused here.
 */
import { parsePythonLiteralPrefix, PythonLiteralError } from '../../../base/pythonLiteral'
import type { PythonValue } from '../../../base/pythonValue'

export type Expression =
  | { readonly kind: 'constant'; readonly value: PythonValue }
  | { readonly kind: 'ellipsis' }
  | { readonly kind: 'name'; readonly id: string }
  | { readonly kind: 'attribute'; readonly of: Expression; readonly name: string }
  | { readonly kind: 'subscript'; readonly of: Expression; readonly index: Expression }
  | { readonly kind: 'list' | 'tuple'; readonly items: readonly Expression[] }
  | { readonly kind: 'dict'; readonly entries: readonly (readonly [Expression, Expression])[] }
  | { readonly kind: 'unary'; readonly operator: string; readonly operand: Expression }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: Expression; readonly right: Expression }
  | CallExpression

export interface CallExpression {
  readonly kind: 'call'
  readonly callee: Expression
  readonly positional: readonly Expression[]
  /** The name is null for `**mapping`. */
  readonly keywords: readonly { readonly name: string | null; readonly value: Expression }[]
}

/** The text is no expression of these. The message says what was expected and what was found. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError'
}

const RESERVED = new Set(
  (
    'False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda ' +
    'nonlocal not or pass raise return try while with yield'
  ).split(' '),
)
const CONSTANTS: ReadonlyMap<string, PythonValue> = new Map<string, PythonValue>([
  ['None', null],
  ['True', true],
  ['False', false],
])
const MAX_DEPTH = 100
/** Operators or parts of one chain, `a + b + c` or `a.b.c`: they nest too. */
const MAX_CHAIN = 1000
/** From weakest to strongest; `**` and the signs are read apart. */
const BINARY: readonly (readonly string[])[] = [['|'], ['^'], ['&'], ['<<', '>>'], ['+', '-'], ['*', '/', '//', '%', '@']]

export function parseExpression(text: string): Expression {
  return new Reader(text).whole()
}

class Reader {
  readonly #text: string
  #at = 0
  #depth = 0

  constructor(text: string) {
    this.#text = text
  }

  whole(): Expression {
    const found = this.#expression()
    this.#space()
    if (this.#at < this.#text.length) this.#fail('the end')
    return found
  }

  #expression(): Expression {
    this.#depth += 1
    if (this.#depth > MAX_DEPTH) this.#fail(`at most ${MAX_DEPTH} nested expressions`)
    const found = this.#binary(0)
    this.#depth -= 1
    return found
  }

  #binary(level: number): Expression {
    const operators = BINARY[level]
    if (operators === undefined) return this.#signed()
    let left = this.#binary(level + 1)
    let operator = this.#operator(operators)
    for (let links = 0; operator !== null; operator = this.#operator(operators)) {
      if (++links > MAX_CHAIN) this.#fail(`at most ${MAX_CHAIN} operators`)
      left = { kind: 'binary', operator, left, right: this.#binary(level + 1) }
    }
    return left
  }

  #operator(among: readonly string[]): string | null {
    this.#space()
    const found = /^(?:\*\*|\/\/|<<|>>|[|^&+\-*/%@])/.exec(this.#text.slice(this.#at, this.#at + 2))?.[0]
    if (found === undefined || !among.includes(found)) return null
    this.#at += found.length
    return found
  }

  #signed(): Expression {
    this.#space()
    const sign = /^(?:[+\-~]|not\b)/.exec(this.#text.slice(this.#at, this.#at + 4))?.[0]
    if (sign === undefined) return this.#power()
    this.#at += sign.length
    this.#depth += 1
    if (this.#depth > MAX_DEPTH) this.#fail(`at most ${MAX_DEPTH} signs`)
    const operand = this.#signed()
    this.#depth -= 1
    return { kind: 'unary', operator: sign, operand }
  }

  #power(): Expression {
    const left = this.#primary()
    return this.#operator(['**']) === null ? left : { kind: 'binary', operator: '**', left, right: this.#signed() }
  }

  #primary(): Expression {
    let found = this.#atom()
    for (let links = 0; ; links++) {
      if (links > MAX_CHAIN) this.#fail(`at most ${MAX_CHAIN} parts`)
      this.#space()
      if (this.#take('(')) found = this.#call(found)
      else if (this.#take('[')) {
        found = { kind: 'subscript', of: found, index: this.#expression() }
        this.#must(']')
      } else if (this.#text[this.#at] === '.' && !this.#text.startsWith('...', this.#at)) {
        this.#at += 1
        this.#space()
        found = { kind: 'attribute', of: found, name: this.#identifier() }
      } else return found
    }
  }

  #atom(): Expression {
    this.#space()
    if (this.#take('[')) return { kind: 'list', items: this.#items(']').items }
    if (this.#take('(')) return this.#parenthesised()
    if (this.#take('{')) return this.#dict()
    if (this.#text.startsWith('...', this.#at)) {
      this.#at += 3
      return { kind: 'ellipsis' }
    }
    if (/^(?:["'\d.]|[rRbBuU]{1,2}["'])/.test(this.#text.slice(this.#at, this.#at + 3))) return this.#literal()
    const word = this.#word()
    const constant = CONSTANTS.get(word)
    if (constant !== undefined) return { kind: 'constant', value: constant }
    if (word === '' || RESERVED.has(word)) return this.#fail('a value', word)
    return { kind: 'name', id: word }
  }

  #literal(): Expression {
    try {
      const { value, end } = parsePythonLiteralPrefix(this.#text.slice(this.#at), { keepFloats: true })
      this.#at += end
      return { kind: 'constant', value }
    } catch (error) {
      if (error instanceof PythonLiteralError) throw new ExpressionError(error.message)
      throw error
    }
  }

  #parenthesised(): Expression {
    const { items, hasComma } = this.#items(')')
    const [only] = items
    return only !== undefined && items.length === 1 && !hasComma ? only : { kind: 'tuple', items }
  }

  #items(close: string): { readonly items: Expression[]; readonly hasComma: boolean } {
    const items: Expression[] = []
    let hasComma = false
    for (;;) {
      this.#space()
      if (this.#take(close)) return { items, hasComma }
      if (items.length > 0 && !hasComma) this.#fail(`"," or "${close}"`)
      items.push(this.#expression())
      this.#space()
      hasComma = this.#take(',')
    }
  }

  #dict(): Expression {
    const entries: (readonly [Expression, Expression])[] = []
    let hasComma = true
    for (;;) {
      this.#space()
      if (this.#take('}')) return { kind: 'dict', entries }
      if (!hasComma) this.#fail('"," or "}"')
      const key = this.#expression()
      this.#must(':')
      entries.push([key, this.#expression()])
      this.#space()
      hasComma = this.#take(',')
    }
  }

  #call(callee: Expression): Expression {
    const positional: Expression[] = []
    const keywords: { name: string | null; value: Expression }[] = []
    let hasComma = true
    for (;;) {
      this.#space()
      if (this.#take(')')) return { kind: 'call', callee, positional, keywords }
      if (!hasComma) this.#fail('"," or ")"')
      const name = /^([\p{L}_][\p{L}\p{N}_]*)\s*=(?!=)/u.exec(this.#text.slice(this.#at, this.#at + 400))
      if (this.#text.startsWith('**', this.#at)) {
        this.#at += 2
        keywords.push({ name: null, value: this.#expression() })
      } else if (name?.[1] !== undefined && !RESERVED.has(name[1])) {
        this.#at += name[0].length
        keywords.push({ name: name[1], value: this.#expression() })
      } else {
        const isStarred = this.#take('*')
        if (keywords.length > 0 && !isStarred) this.#fail('a named argument, because one stands before')
        positional.push(this.#expression())
      }
      this.#space()
      hasComma = this.#take(',')
    }
  }

  #identifier(): string {
    const word = this.#word()
    return word === '' || RESERVED.has(word) ? this.#fail('a name', word) : word
  }

  #word(): string {
    const word = /[\p{L}_][\p{L}\p{N}_]*/uy
    word.lastIndex = this.#at
    const found = word.exec(this.#text)?.[0] ?? ''
    this.#at += found.length
    return found
  }

  #space(): void {
    const gap = /(?:[ \t\f\r\n]|\\\r?\n|#[^\r\n]*)*/y
    gap.lastIndex = this.#at
    this.#at += gap.exec(this.#text)?.[0].length ?? 0
  }

  #take(mark: string): boolean {
    if (this.#text[this.#at] !== mark) return false
    this.#at += 1
    return true
  }

  #must(mark: string): void {
    this.#space()
    if (!this.#take(mark)) this.#fail(`"${mark}"`)
  }

  #fail(expected: string, found = this.#text.slice(this.#at, this.#at + 20)): never {
    throw new ExpressionError(
      `Expected ${expected} at character ${this.#at + 1}, found ${found === '' ? 'the end' : JSON.stringify(found)}.`,
    )
  }
}
