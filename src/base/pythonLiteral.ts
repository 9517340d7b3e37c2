/**
 * Reads the literals Python's `ast.literal_eval` reads, without evaluating anything. StepTool's files keep lists as
 * `repr()` text in CSV cells, ToolBench keys its caches by `str(dict)`: JSON tools corrupt both.
 */

import {
  DTYPE,
  IDENTIFIER,
  integer,
  JSON_NAMES,
  keyIdentity,
  nonFiniteNamed,
  NUMBER,
  NUMPY,
  NUMPY_CONSTANTS,
  SIMPLE_ESCAPES,
} from './pythonTokens'
import { PythonBytes, PythonFloat, PythonSet, PythonTuple, type PythonDict, type PythonValue } from './pythonValue'

export interface PythonLiteralOptions {
  /** Accept the bare names nan, inf, NaN and Infinity (written by `repr` and by JSON dumps), with a sign. Default false. */
  readonly nonFinite?: boolean
  /** Give every float as a PythonFloat, so that a value can be written back exactly. Default false: plain numbers. */
  readonly keepFloats?: boolean
  /** Accept numpy's scalars and arrays as `repr` writes them since numpy 2 (`np.float64(1.0)`, `np.True_`, `array([1., 0.])`). Default false. */
  readonly numpy?: boolean
  /** Accept JSON's null, true and false beside Python's names. Default false. */
  readonly jsonNames?: boolean
}

/** The text is no literal. `position` counts UTF-16 units from 0. */
export class PythonLiteralError extends Error {
  override readonly name = 'PythonLiteralError'
  readonly position: number
  readonly expected: string
  readonly found: string
  constructor(position: number, expected: string, found: string) {
    super(`Expected ${expected} at character ${String(position + 1)}, found ${found}.`)
    this.position = position
    this.expected = expected
    this.found = found
  }
}

/** Python's own parser gives up at 200 open brackets; the limit also keeps our stack safe. */
const MAX_DEPTH = 200

/**
 * Value of a Python literal: strings with any prefix and quotes, numbers, True, False, None, lists, tuples, sets, dicts.
 * Throws PythonLiteralError for anything else: names, calls, arithmetic, complex numbers, f-strings, `\N{…}` escapes.
 */
export function parsePythonLiteral(text: string, options: PythonLiteralOptions = {}): PythonValue {
  return new Reader(text, options).whole()
}

/** The literal that a text begins with, and where it ends; what follows is not looked at. Throws PythonLiteralError when it begins with none. */
export function parsePythonLiteralPrefix(text: string, options: PythonLiteralOptions = {}): { value: PythonValue; end: number } {
  return new Reader(text, options).prefix()
}

class Reader {
  readonly #text: string
  readonly #options: PythonLiteralOptions
  #at = 0
  #depth = 0

  constructor(text: string, options: PythonLiteralOptions) {
    this.#text = text
    this.#options = options
  }

  whole(): PythonValue {
    this.#space()
    const first = this.#value('a Python literal')
    this.#space()
    // `1, 2` without brackets is a tuple.
    if (this.#peek() !== ',') return this.#end(first)
    const items = [first]
    while (this.#take(',')) {
      this.#space()
      if (this.#at >= this.#text.length) break
      items.push(this.#value('an item'))
      this.#space()
    }
    return this.#end(new PythonTuple(items))
  }

  prefix(): { value: PythonValue; end: number } {
    this.#space()
    return { value: this.#value('a Python literal'), end: this.#at }
  }

  #end(value: PythonValue): PythonValue {
    if (this.#at < this.#text.length) this.#fail('the end of the literal')
    return value
  }

  #value(expected: string): PythonValue {
    const char = this.#peek()
    if (char === '[') return this.#list()
    if (char === '(') return this.#tuple()
    if (char === '{') return this.#braces()
    if (char === "'" || char === '"') return this.#strings()
    if (char === '+' || char === '-') return this.#signed()
    if (/[0-9.]/.test(char)) return this.#number()
    const word = this.#word()
    if (word === null) return this.#fail(expected)
    const next = this.#text[this.#at + word.length]
    if ((next === "'" || next === '"') && /^(?:[rbuft]|rb|br|fr|rf|tr|rt)$/i.test(word)) return this.#strings()
    return this.#named(word, expected)
  }

  #named(word: string, expected: string): PythonValue {
    const start = this.#at
    this.#at += word.length
    if (word === 'None') return null
    if (word === 'True') return true
    if (word === 'False') return false
    if (this.#options.jsonNames === true && JSON_NAMES.has(word)) return JSON_NAMES.get(word) ?? null
    if (word === 'set' && /^\(\s*\)/.test(this.#text.slice(this.#at, this.#at + 16))) {
      this.#at = this.#text.indexOf(')', this.#at) + 1
      return new PythonSet([])
    }
    this.#at = start
    const fromNumpy = this.#options.numpy === true ? this.#numpy() : undefined
    if (fromNumpy !== undefined) return fromNumpy
    this.#at = start + word.length
    const special = nonFiniteNamed(word)
    if (special !== null && this.#options.nonFinite === true) return this.#float(special)
    this.#at = start
    return this.#fail(special === null ? expected : `${expected} (a finite number)`, `the name ${word}`)
  }

  #numpy(): PythonValue | undefined {
    NUMPY.lastIndex = this.#at
    const [whole, array, name = array ?? ''] = NUMPY.exec(this.#text) ?? []
    if (whole === undefined) return undefined
    this.#at += whole.length
    const constant = NUMPY_CONSTANTS.get(name)
    if (constant !== undefined) return typeof constant === 'number' ? this.#float(constant) : constant
    if (this.#peek() !== '(') return this.#fail('"("')
    this.#open()
    this.#space()
    const value = this.#value('a value')
    this.#space()
    if (this.#take(',')) {
      DTYPE.lastIndex = this.#at
      this.#at += DTYPE.exec(this.#text)?.[0].length ?? 0
    }
    if (!this.#take(')')) this.#fail('")"')
    this.#depth -= 1
    return value
  }

  #signed(): PythonValue {
    const sign = this.#peek()
    this.#at += 1
    this.#space()
    if (!/[0-9.(ni]/i.test(this.#peek())) this.#fail('a number after the sign')
    const start = this.#at
    const value = this.#value('a number')
    const negate = sign === '-'
    if (typeof value === 'number') return negate ? (value === 0 && this.#isInteger(start) ? 0 : -value) : value
    if (typeof value === 'bigint') return negate ? -value : value
    if (value instanceof PythonFloat) return negate ? new PythonFloat(-value.value) : value
    this.#at = start
    return this.#fail('a number after the sign')
  }

  /** `-0` is the integer 0 in Python, `-0.0` a negative zero: only the text tells them apart. */
  #isInteger(start: number): boolean {
    return !/[.eE]/.test(this.#text.slice(start, this.#at)) || /^0[xX]/.test(this.#text.slice(start))
  }

  #number(): PythonValue {
    NUMBER.lastIndex = this.#at
    const found = NUMBER.exec(this.#text)?.[0]
    if (found === undefined) return this.#fail('a value')
    const start = this.#at
    this.#at += found.length
    const next = this.#peek()
    if (/[jJ]/.test(next)) {
      this.#at = start
      return this.#fail('a real number', 'a complex number')
    }
    if (/[\p{L}\p{N}_.]/u.test(next)) return this.#fail('the end of the number')
    const digits = found.replaceAll('_', '')
    if (/^0[xXoObB]/.test(digits)) return integer(digits.toLowerCase())
    if (/[.eE]/.test(digits)) return this.#float(Number(digits))
    if (/^0+[1-9]/.test(digits)) {
      this.#at = start
      return this.#fail('a number without leading zeros')
    }
    return integer(digits)
  }

  #float(value: number): PythonValue {
    return this.#options.keepFloats === true ? new PythonFloat(value) : value
  }

  #list(): PythonValue {
    return this.#items(']').items
  }

  #tuple(): PythonValue {
    const { items, trailingComma } = this.#items(')')
    const [only] = items
    return items.length === 1 && only !== undefined && !trailingComma ? only : new PythonTuple(items)
  }

  #items(close: ']' | ')'): { items: PythonValue[]; trailingComma: boolean } {
    this.#open()
    const items: PythonValue[] = []
    let trailingComma = false
    for (;;) {
      this.#space()
      if (this.#take(close)) break
      if (items.length > 0 && !trailingComma) this.#fail(`"," or "${close}"`)
      items.push(this.#value(`an item or "${close}"`))
      this.#space()
      trailingComma = this.#take(',')
    }
    this.#depth -= 1
    return { items, trailingComma }
  }

  #braces(): PythonValue {
    this.#open()
    const keys = new Map<string, PythonValue>()
    const dict: PythonDict = new Map()
    let kind: 'dict' | 'set' | null = null
    let trailingComma = true
    for (;;) {
      this.#space()
      if (this.#take('}')) break
      if (!trailingComma) this.#fail('"," or "}"')
      const start = this.#at
      const given = this.#value('a key or "}"')
      const identity = keyIdentity(given)
      if (identity === null) {
        this.#at = start
        return this.#fail('a hashable key', 'a list, dict or set')
      }
      this.#space()
      const isPair: boolean = kind === 'set' ? false : kind === 'dict' || this.#peek() === ':'
      kind = isPair ? 'dict' : 'set'
      // Equal keys (1, 1.0 and True are equal) keep their first spelling and their last value.
      const key = keys.get(identity) ?? given
      keys.set(identity, key)
      if (isPair) {
        if (!this.#take(':')) this.#fail('":"')
        this.#space()
        dict.set(key, this.#value('a value'))
        this.#space()
      }
      trailingComma = this.#take(',')
    }
    this.#depth -= 1
    return kind === 'set' ? new PythonSet([...keys.values()]) : dict
  }

  /** Adjacent string literals are one string. */
  #strings(): PythonValue {
    let text: string | null = null
    const bytes: number[] = []
    let isBytes: boolean | null = null
    for (;;) {
      const start = this.#at
      const prefix = (/^[a-zA-Z]{0,2}/.exec(this.#text.slice(start, start + 2))?.[0] ?? '').toLowerCase()
      const quote = this.#text[start + prefix.length]
      if ((quote !== "'" && quote !== '"') || !/^(?:|[rbuft]|rb|br|fr|rf|tr|rt)$/.test(prefix)) break
      if (/[ft]/.test(prefix)) this.#fail('a plain string', `${prefix}${quote} (a formatted string)`)
      const hasBytes = prefix.includes('b')
      if (isBytes !== null && isBytes !== hasBytes) this.#fail(isBytes ? 'bytes' : 'a string', 'text and bytes side by side')
      isBytes = hasBytes
      this.#at += prefix.length
      const part = this.#string(quote, prefix.includes('r'), hasBytes)
      if (hasBytes) for (const char of part) bytes.push(char.charCodeAt(0))
      else text = (text ?? '') + part
      this.#space()
    }
    return isBytes === true ? new PythonBytes(Uint8Array.from(bytes)) : (text ?? '')
  }

  #string(quote: string, raw: boolean, bytes: boolean): string {
    const start = this.#at
    const triple = this.#text.startsWith(quote.repeat(3), this.#at)
    const close = triple ? quote.repeat(3) : quote
    this.#at += close.length
    let out = ''
    let from = this.#at
    for (;;) {
      const char = this.#text[this.#at]
      if (char === undefined) return this.#unclosed(start, close)
      if (char === quote && this.#text.startsWith(close, this.#at)) break
      if (char === '\0') this.#fail('text without NUL bytes', 'a raw NUL')
      if (bytes && char > '\x7f') this.#fail('an ASCII character in bytes')
      if (char === '\n' || char === '\r') {
        if (!triple) return this.#unclosed(start, close)
        out += `${this.#text.slice(from, this.#at)}\n`
        this.#at += char === '\r' && this.#text[this.#at + 1] === '\n' ? 2 : 1
        from = this.#at
      } else if (char !== '\\') this.#at += 1
      else if (raw) {
        if (this.#at + 1 >= this.#text.length) return this.#unclosed(start, close)
        // A backslash keeps the next character, even a quote; a line end is left to the branch above.
        this.#at += /[\r\n]/.test(this.#text[this.#at + 1] ?? '') ? 1 : 2
      } else {
        out += this.#text.slice(from, this.#at) + this.#escape(bytes)
        from = this.#at
      }
    }
    out += this.#text.slice(from, this.#at)
    this.#at += close.length
    return out
  }

  #unclosed(start: number, close: string): never {
    throw new PythonLiteralError(
      start,
      `a closing ${close} for the string that starts here`,
      this.#at >= this.#text.length ? 'the end of the text' : 'the end of the line',
    )
  }

  #escape(bytes: boolean): string {
    const char = this.#text[this.#at + 1] ?? ''
    const simple = SIMPLE_ESCAPES[char]
    if (simple !== undefined) return this.#skip(2, simple)
    if (char === '\r') return this.#skip(this.#text[this.#at + 2] === '\n' ? 3 : 2, '')
    const octal = /^[0-7]{1,3}/.exec(this.#text.slice(this.#at + 1, this.#at + 4))?.[0]
    if (octal !== undefined) {
      const code = Number.parseInt(octal, 8)
      return this.#skip(1 + octal.length, String.fromCharCode(bytes ? code & 0xff : code))
    }
    if (char === 'x') return this.#hexEscape(2)
    if (!bytes && char === 'u') return this.#hexEscape(4)
    if (!bytes && char === 'U') return this.#hexEscape(8)
    if (!bytes && char === 'N') return this.#fail('an escape other than \\N{…} (character names are not known here)', '\\N')
    // Python keeps an unknown escape as it stands.
    return this.#skip(1, '\\')
  }

  #hexEscape(length: number): string {
    const digits = this.#text.slice(this.#at + 2, this.#at + 2 + length)
    if (digits.length < length || !/^[0-9a-fA-F]+$/.test(digits))
      this.#fail(`${String(length)} hexadecimal digits in an escape`, JSON.stringify(digits))
    const code = Number.parseInt(digits, 16)
    if (code > 0x10ffff) this.#fail('a code point up to \\U0010ffff', digits)
    return this.#skip(2 + length, String.fromCodePoint(code))
  }

  #skip(length: number, result: string): string {
    this.#at += length
    return result
  }

  #open(): void {
    if (this.#depth >= MAX_DEPTH) this.#fail(`at most ${String(MAX_DEPTH)} nested brackets`)
    this.#depth += 1
    this.#at += 1
  }

  /** Blanks, line ends, comments and continued lines. Line ends are let through outside brackets too: cells get wrapped. */
  #space(): void {
    const gap = /(?:[ \t\f\r\n]|\\\r?\n|#[^\r\n]*)*/y
    gap.lastIndex = this.#at
    this.#at += gap.exec(this.#text)?.[0].length ?? 0
  }

  #peek(): string {
    return this.#text[this.#at] ?? ''
  }

  #take(char: string): boolean {
    if (this.#peek() !== char) return false
    this.#at += 1
    return true
  }

  #word(): string | null {
    IDENTIFIER.lastIndex = this.#at
    return IDENTIFIER.exec(this.#text)?.[0] ?? null
  }

  #fail(expected: string, found?: string): never {
    const rest = this.#text.slice(this.#at, this.#at + 20)
    throw new PythonLiteralError(this.#at, expected, found ?? (rest === '' ? 'the end of the text' : JSON.stringify(rest)))
  }
}
