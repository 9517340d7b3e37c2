/**
 * The text of a Java value → the Python value that the benchmark compares. Text that is no value of the declared type stays a string.
 * The rules are those of bfcl-eval's checker, which reads a subset of Java: collections hold no commas inside strings, for example.
 */
import { floatFromText, integerFromText, PYTHON_SPACE, stripPython } from '../../../base/pythonNumbers'
import { PythonFloat, type PythonValue } from '../../../base/pythonValue'
import { BenchmarkDataError } from './finding'

const S = `[${PYTHON_SPACE}]`
const W = '[\\p{L}\\p{N}_]'

/** @param items the type of a list's items; null where nothing declares it. */
export function readJavaLiteral(text: string, type: string, items: string | null): PythonValue {
  switch (type) {
    case 'byte':
    case 'short':
    case 'integer':
      return (/^-?\d+\n?$/.test(text) ? integerFromText(text) : null) ?? text
    case 'long':
      return (/^-?\d+[lL]\n?$/.test(text) ? integerFromText(text.replace(/[lL]\n?$/, '')) : null) ?? text
    case 'float':
      return /^-?\d+(\.\d+)?([eE][+-]?\d+)?[fF]\n?$/.test(text) ? new PythonFloat(Number(text.replace(/[fF]\n?$/, ''))) : text
    case 'double':
      return /^-?\d+(\.\d+)?([eE][+-]?\d+)?\n?$/.test(text) ? new PythonFloat(Number(text)) : text
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text
    case 'Array':
      return readArray(text, items)
    case 'ArrayList':
      return readArrayList(text, items)
    case 'HashMap':
      return readHashMap(text)
    case 'char':
    case 'String':
    case 'any':
      return text
    default:
      throw new BenchmarkDataError(`Expected a Java type whose values can be read, found "${type}".`)
  }
}

/** What stands between the quotes, as the checker takes it: without the first and the last character. */
const withoutEnds = (text: string): string => Array.from(text).slice(1, -1).join('')

function readItem(text: string, items: string | null): PythonValue {
  return items === null ? readUndeclared(text) : readJavaLiteral(text, items, null)
}

const readListItem = (text: string, items: string | null): PythonValue =>
  items === 'char' || items === 'String' ? withoutEnds(text) : readItem(text, items)

const ARRAY = new RegExp(`new${S}+${W}+\\[\\]${S}*\\{([^\\n]*?)\\}`, 'u')

function readArray(text: string, items: string | null): PythonValue {
  const content = ARRAY.exec(text)?.[1]
  if (content === undefined) return text
  return content
    .split(',')
    .map(stripPython)
    .filter((item) => item !== '')
    .map((item) => readItem(item, items))
}

const AS_LIST = new RegExp(`new${S}+ArrayList<${W}*>\\(Arrays\\.asList\\(([^\\n]+?)\\)\\)`, 'u')
const BLOCK = new RegExp(`new${S}+ArrayList<${W}*>\\(\\)${S}*\\{\\{`, 'gu')
const EMPTY_LIST = new RegExp(`new${S}+ArrayList<${W}*>\\(\\)`, 'u')

function readArrayList(text: string, items: string | null): PythonValue {
  const listed = AS_LIST.exec(text)?.[1]
  if (listed !== undefined) return listed.split(',').map((item) => readListItem(stripPython(item), items))
  for (const { 0: head, index } of text.matchAll(BLOCK)) {
    const block = blockBody(text, index + head.length)
    if (block !== null) return [...block.matchAll(/add\(([^\n]+?)\)/g)].map(([, item = '']) => readListItem(stripPython(item), items))
  }
  return EMPTY_LIST.test(text) ? [] : text
}

const skipSpace = (text: string, from: number): number => {
  const space = new RegExp(`${S}*`, 'y')
  space.lastIndex = from
  return from + (space.exec(text)?.[0].length ?? 0)
}

/** The statements of a block up to its `}}`; null where it does not end. A regular expression would take a time that grows fast with the number of blanks. */
function blockBody(text: string, from: number): string | null {
  const start = skipSpace(text, from)
  const end = text.indexOf('}}', start + 1)
  if (end >= 0) return text.slice(start, end)
  return start > from && text.startsWith('}}', start) ? '' : null
}

const MAP = new RegExp(`new${S}+HashMap<`, 'gu')
const MAP_BODY = new RegExp(`>${S}*\\(\\)${S}*\\{`, 'gu')
const EMPTY_MAP = new RegExp(`new${S}+HashMap<[\\s\\S]*?>${S}*\\(\\)`, 'u')
const PUT = new RegExp(`put\\("([^\\n]*?)",${S}*([^\\n]*?)\\)`, 'gu')

function readHashMap(text: string): PythonValue {
  const [first] = text.matchAll(MAP)
  if (first === undefined) return text
  MAP_BODY.lastIndex = first.index + first[0].length
  for (let body = MAP_BODY.exec(text); body !== null; body = MAP_BODY.exec(text)) {
    const puts = mapBody(text, body.index + body[0].length)
    if (puts === null) break
    return new Map([...puts.matchAll(PUT)].map(([, key = '', value = '']) => [key, readUndeclared(stripPython(value))]))
  }
  return EMPTY_MAP.test(text) ? new Map() : text
}

/** From behind the first `{` to the first `}`, and a second `{` may stand before it. */
function mapBody(text: string, from: number): string | null {
  let start = skipSpace(text, from)
  if (text[start] === '{') start = skipSpace(text, start + 1)
  const end = text.indexOf('}', start)
  return end < 0 ? null : text.slice(start, end)
}

/** A value without a declared type: a boolean, a quoted string, a number, else text. */
function readUndeclared(text: string): PythonValue {
  if (text === 'true') return true
  if (text === 'false') return false
  if (text.startsWith('"') && text.endsWith('"')) return withoutEnds(text)
  if (/^-?\d+[lL]\n?$/.test(text)) return integerFromText(text.replace(/[lL]\n?$/, '')) ?? text
  if (/^-?\d+(\.\d+)?([eE][+-]?\d+)?[fF]\n?$/.test(text)) return new PythonFloat(Number(text.replace(/[fF]\n?$/, '')))
  const whole = integerFromText(text)
  if (whole !== null) return whole
  const float = floatFromText(text)
  return float === null ? text : new PythonFloat(float)
}
