/**
 * The text of a JavaScript value → the Python value that the benchmark compares. Text that is no value of the declared type stays a
 * string. The rules are those of bfcl-eval's checker, which reads a subset of JavaScript.
 */
import { floatFromText, integerFromText, PYTHON_SPACE, stripPython } from '../../../base/pythonNumbers'
import { PythonFloat, type PythonValue } from '../../../base/pythonValue'
import { BenchmarkDataError } from './finding'

const S = `[${PYTHON_SPACE}]`

/** @param items the type of a list's items; null where nothing declares it. */
export function readJavascriptLiteral(text: string, type: string, items: string | null): PythonValue {
  switch (type) {
    case 'String':
      return isQuoted(text) ? withoutEnds(text) : text
    case 'integer':
      return (/^-?\d+\n?$/.test(text) ? integerFromText(text) : null) ?? text
    case 'float':
      return /^-?\d+(\.\d+)?\n?$/.test(text) ? new PythonFloat(Number(text)) : text
    case 'Bigint':
      return (/^-?\d+n$/.test(text) ? integerFromText(text.slice(0, -1)) : null) ?? text
    case 'Boolean':
      return text === 'true' ? true : text === 'false' ? false : text
    case 'array':
      return readArray(stripPython(text), items)
    case 'dict':
      return readObject(stripPython(text))
    case 'any':
      return text
    default:
      throw new BenchmarkDataError(`Expected a JavaScript type whose values can be read, found "${type}".`)
  }
}

const isQuoted = (text: string): boolean => (text.startsWith('"') && text.endsWith('"')) || (text.startsWith("'") && text.endsWith("'"))
const withoutEnds = (text: string): string => Array.from(text).slice(1, -1).join('')

const NESTED = new RegExp(`^(?:\\[|new${S}+Array\\()${S}*\\[`, 'u')
const FLAT = new RegExp(`^(?:\\[([^\\n]*?)\\]|new${S}+Array\\(([^\\n]*?)\\))`, 'u')

function readArray(text: string, items: string | null): PythonValue {
  const nested = nestedArray(text)
  if (nested !== null) return [...nested.matchAll(/\[([^\n]*?)\]/g)].map(([, content = ''], index) => readInnerArray(content, index))
  const found = FLAT.exec(text)
  if (found === null) return text
  const content = stripPython(found[1] ?? found[2] ?? '')
  if (content === '') return []
  return content.split(',').map((item) => (items === null ? readUndeclared(item) : readJavascriptLiteral(stripPython(item), items, null)))
}

function readInnerArray(content: string, index: number): PythonValue {
  const stripped = stripPython(content)
  const inner = index === 0 && stripped.startsWith('[') ? stripped.slice(1) : stripped
  return inner.split(',').map(readUndeclared)
}

/**
 * The text of an array of arrays at the start, up to the bracket that closes it; null where the text begins with none. Right to left,
 * where a list of inner arrays may end is computed once for each position, because a search with steps back takes exponential time.
 */
function nestedArray(text: string): string | null {
  const head = NESTED.exec(text)?.[0]
  if (head === undefined) return null
  const close = head.startsWith('[') ? ']' : ')'
  const spaceEnd = spaceEnds(text)
  /** Behind an inner array that ends before `at`: where the whole array ends; −1 where it does not. */
  const end = new Int32Array(text.length + 2).fill(-1)
  /** From `at`: the nearest `]` on this line behind which the whole array ends; −1 where there is none. */
  const nearest = new Int32Array(text.length + 2).fill(-1)
  for (let at = text.length; at >= 0; at--) {
    const next = spaceEnd[at] ?? at
    if (text[next] === ',') {
      const inner = spaceEnd[next + 1] ?? next + 1
      const closing = text[inner] === '[' ? (nearest[inner + 1] ?? -1) : -1
      if (closing >= 0) end[at] = end[closing + 1] ?? -1
    } else if (text[next] === close) end[at] = next + 1
    const behind = text[at] === ']' && (end[at + 1] ?? -1) >= 0
    nearest[at] = text[at] === '\n' || at === text.length ? -1 : behind ? at : (nearest[at + 1] ?? -1)
  }
  const first = nearest[head.length] ?? -1
  return first < 0 ? null : text.slice(0, end[first + 1])
}

/** For each position the first one from there on that is no blank. */
function spaceEnds(text: string): Int32Array {
  const isSpace = new RegExp(S)
  const ends = new Int32Array(text.length + 2).fill(text.length)
  for (let at = text.length - 1; at >= 0; at--) ends[at] = isSpace.test(text[at] ?? '') ? (ends[at + 1] ?? text.length) : at
  return ends
}

const PAIR = new RegExp(`([^:]+):${S}*([^\\n]*?)(?:,${S}*(?=[^,]+:)|$)`, 'gu')

function readObject(text: string): PythonValue {
  if (text === '{}') return new Map()
  const content = /^\{([^\n]*?)\}/.exec(text)?.[1]
  if (content === undefined) return text
  return new Map(
    [...content.matchAll(PAIR)].map(([, key = '', value = '']) => [withoutQuotes(stripPython(key)), readMember(stripPython(value))]),
  )
}

function readMember(value: string): PythonValue {
  if (value.startsWith('[') && value.endsWith(']')) return readArray(value, null)
  if (value.startsWith('{') && value.endsWith('}')) return readObject(value)
  return readUndeclared(withoutQuotes(value))
}

/** Without any quotes at both ends. */
const withoutQuotes = (text: string): string => text.replace(/^['"]+|['"]+$/g, '')

/** A value without a declared type: a boolean, a quoted string, a number, else text. */
function readUndeclared(given: string): PythonValue {
  const text = stripPython(given)
  if (text === 'true') return true
  if (text === 'false') return false
  if (isQuoted(text)) return withoutEnds(text)
  const whole = integerFromText(text)
  if (whole !== null) return whole
  const float = floatFromText(text)
  return float === null ? text : new PythonFloat(float)
}
