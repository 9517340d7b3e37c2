/** Writes values the way Python's `repr` and `str` do, character for character: ToolBench's cache keys are `str(dict)`. */
import { PythonBytes, PythonFloat, PythonSet, PythonTuple, type PythonDict, type PythonValue } from './pythonValue'

/**
 * Python's `repr(value)`. A number with a fraction is a float, a whole number an int; wrap it in PythonFloat to write `1.0`.
 * Which characters count as printable follows this machine's Unicode tables, as Python's follow its own.
 */
export function reprPython(value: PythonValue): string {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'string') return reprString(value)
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'number') return Number.isInteger(value) && !Object.is(value, -0) ? BigInt(value).toString() : reprFloat(value)
  if (value instanceof PythonFloat) return reprFloat(value.value)
  if (value instanceof PythonBytes) return reprBytes(value.bytes)
  if (Array.isArray(value)) return `[${value.map(reprPython).join(', ')}]`
  if (value instanceof PythonTuple)
    return value.items.length === 1 ? `(${value.items.map(reprPython).join('')},)` : `(${value.items.map(reprPython).join(', ')})`
  if (value instanceof PythonSet) return value.items.length === 0 ? 'set()' : `{${value.items.map(reprPython).join(', ')}}`
  return `{${[...value].map(([key, item]) => `${reprPython(key)}: ${reprPython(item)}`).join(', ')}}`
}

/** Python's `str(value)`: a string is itself, everything else its repr. */
export function strPython(value: PythonValue): string {
  return typeof value === 'string' ? value : reprPython(value)
}

function reprString(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  let out = quote
  for (const char of text) {
    if (char === quote || char === '\\') out += `\\${char}`
    else if (char === '\n') out += '\\n'
    else if (char === '\r') out += '\\r'
    else if (char === '\t') out += '\\t'
    else if (char !== ' ' && /[\p{C}\p{Z}]/u.test(char)) out += escaped(char.codePointAt(0) ?? 0)
    else out += char
  }
  return out + quote
}

function escaped(code: number): string {
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`
  if (code < 0x10000) return `\\u${code.toString(16).padStart(4, '0')}`
  return `\\U${code.toString(16).padStart(8, '0')}`
}

function reprBytes(bytes: Uint8Array): string {
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  let out = `b${quote}`
  for (const byte of bytes) {
    const char = String.fromCharCode(byte)
    if (char === quote || char === '\\') out += `\\${char}`
    else if (char === '\n') out += '\\n'
    else if (char === '\r') out += '\\r'
    else if (char === '\t') out += '\\t'
    else if (byte < 0x20 || byte >= 0x7f) out += escaped(byte)
    else out += char
  }
  return out + quote
}

/** Shortest digits that read back as the same double, in Python's layout: an exponent below −4 and from 16 on. */
export function reprFloat(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0'
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(value.toExponential())
  if (!match) throw new Error(`toExponential gave ${value.toExponential()}.`)
  const [, sign = '', lead = '', tail = '', power = '0'] = match
  const exponent = Number(power)
  const digits = lead + tail
  if (exponent < -4 || exponent >= 16) {
    const mantissa = tail === '' ? lead : `${lead}.${tail}`
    return `${sign}${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0')
  return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`
}

/** JSON could not be read: position in UTF-16 units from 0. */
export class PythonJsonError extends Error {
  override readonly name = 'PythonJsonError'
}

/**
 * What Python's `json.loads(text)` returns, keeping `1.0` apart from `1` and the order of integer-like keys, which JSON.parse
 * loses. NaN, Infinity and -Infinity are read as Python reads them. `strict: false` allows control characters inside strings. Throws
 * PythonJsonError.
 */
export function pythonFromJson(text: string, { strict = true }: { readonly strict?: boolean } = {}): PythonValue {
  const token = /[ \t\r\n]*(?:([[\]{}:,])|(")|(-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?)|(true|false|null|NaN|-?Infinity))/y
  let at = 0
  const next = (): RegExpExecArray => {
    token.lastIndex = at
    const found = token.exec(text)
    const end = found?.[2] === undefined ? token.lastIndex : stringEnd(text, token.lastIndex, strict)
    if (!found || end === null)
      throw new PythonJsonError(`Expected JSON at character ${String(at + 1)}, found ${JSON.stringify(text.slice(at, at + 20))}.`)
    if (found[2] !== undefined) found[2] = text.slice(token.lastIndex - 1, end)
    at = end
    return found
  }
  const string = (quoted: string): string => {
    try {
      return String(JSON.parse(strict ? quoted : quoted.replace(/[\u0000-\u001f]/g, (char) => escapedUnit(char))))
    } catch {
      throw new PythonJsonError(`The string that ends at character ${String(at)} has an escape JSON does not know.`)
    }
  }
  const peek = (): string => {
    while (' \t\r\n'.includes(text[at] ?? '-')) at += 1
    return text[at] ?? ''
  }
  const value = (depth: number): PythonValue => {
    if (depth > 1000) throw new PythonJsonError('The JSON is nested more than 1000 deep.')
    const [, mark, quoted, number, fraction, exponent, word] = next()
    if (quoted !== undefined) return string(quoted)
    if (number !== undefined) {
      if (fraction !== undefined || exponent !== undefined) return new PythonFloat(Number(number))
      const whole = Number(number)
      return Number.isSafeInteger(whole) ? whole + 0 : BigInt(number)
    }
    if (word !== undefined)
      return word === 'true' ? true : word === 'false' ? false : word === 'null' ? null : new PythonFloat(Number(word))
    if (mark !== '[' && mark !== '{') throw new PythonJsonError(`Expected a value before character ${String(at)}, found "${mark ?? ''}".`)
    const close = mark === '[' ? ']' : '}'
    const list: PythonValue[] = []
    const dict: PythonDict = new Map()
    if (peek() === close) next()
    else
      for (;;) {
        if (mark === '[') list.push(value(depth + 1))
        else {
          const key = next()[2]
          if (key === undefined || next()[1] !== ':') throw new PythonJsonError(`Expected "key": value before character ${String(at)}.`)
          dict.set(string(key), value(depth + 1))
        }
        const separator = next()[1]
        if (separator === close) break
        if (separator !== ',') throw new PythonJsonError(`Expected "," or "${close}" before character ${String(at)}.`)
      }
    return mark === '[' ? list : dict
  }
  const result = value(0)
  if (text.slice(at).trim() !== '') throw new PythonJsonError(`Expected the end of the JSON at character ${String(at + 1)}.`)
  return result
}

const [QUOTE, BACKSLASH, SPACE] = [0x22, 0x5c, 0x20]

/** Where a string ends whose text begins at `start`; null when it does not. A regular expression would overflow its stack on megabytes. */
function stringEnd(text: string, start: number, strict: boolean): number | null {
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) return at + 1
    if (code === BACKSLASH) at += 1
    else if (strict && code < SPACE) return null
  }
  return null
}

const escapedUnit = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
