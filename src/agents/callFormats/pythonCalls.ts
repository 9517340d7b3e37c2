/** Calls in Python's syntax, `name(key=value, …)`, read without evaluating anything. */
import { excerpt } from '../../base/excerpt'
import { parsePythonLiteralPrefix, PythonLiteralError } from '../../base/pythonLiteral'
import { PythonBytes, PythonFloat, PythonSet, PythonTuple, type PythonValue } from '../../base/pythonValue'
import type { ParsedCall } from './callFormat'
import { isRecord, MOST_CALLS, tooManyCalls } from './readCalls'

type ReadArguments =
  | { readonly ok: true; readonly value: Readonly<Record<string, unknown>>; readonly end: number }
  | { readonly ok: false; readonly why: string }

/** Dots and dashes are no part of Python's names; tools of servers have them. */
const NAME = /[\p{L}_][\p{L}\p{N}_.:/-]*/uy
const KEY = /[\p{L}_][\p{L}\p{N}_]*/uy
const BLANKS = /\s*/y

const matchAt = (pattern: RegExp, text: string, at: number): string => {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0] ?? ''
}
const blanksEnd = (text: string, at: number): number => at + matchAt(BLANKS, text, at).length
const found = (text: string, at: number): string => (at >= text.length ? 'the end of the text' : excerpt(text.slice(at, at + 40)))

/** The calls of `[f(a="v"), g()]` or of one call without brackets. `end`: what follows was not read. */
export function readPythonCalls(text: string): { readonly calls: readonly ParsedCall[]; readonly end: number } {
  const calls: ParsedCall[] = []
  let at = blanksEnd(text, 0)
  const isList = text[at] === '['
  if (isList) at = blanksEnd(text, at + 1)
  for (;;) {
    if (isList && text[at] === ']') return { calls, end: at + 1 }
    if (calls.length === MOST_CALLS) return { calls: [...calls, tooManyCalls()], end: text.length }
    const { call, end } = readCall(text, at)
    calls.push(call)
    if (end === null) return { calls, end: text.length }
    at = blanksEnd(text, end)
    if (!isList) return { calls, end: at }
    if (text[at] === ',') at = blanksEnd(text, at + 1)
    else if (text[at] !== ']') {
      calls.push({ name: '', arguments: {}, error: `expected "," or "]" after a call, found ${found(text, at)}` })
      return { calls, end: text.length }
    }
  }
}

/** `end` is null when the call could not be read to its end. */
function readCall(text: string, at: number): { readonly call: ParsedCall; readonly end: number | null } {
  const name = matchAt(NAME, text, at)
  const open = blanksEnd(text, at + name.length)
  if (name === '' || text[open] !== '(')
    return { call: { name, arguments: {}, error: `expected tool(parameter=value), found ${found(text, at)}` }, end: null }
  const read = readArguments(text, open + 1)
  return read.ok ? { call: { name, arguments: read.value }, end: read.end } : { call: { name, arguments: {}, error: read.why }, end: null }
}

/** `key=value, …)` from `at` on; keys that are no names of Python stand in `**{…}`. */
export function readArguments(text: string, from: number): ReadArguments {
  const given = new Map<string, unknown>()
  let at = blanksEnd(text, from)
  for (;;) {
    if (text[at] === ')') return { ok: true, value: Object.fromEntries(given), end: at + 1 }
    const key = matchAt(KEY, text, at)
    const equals = blanksEnd(text, at + key.length)
    const isSpread = text.startsWith('**', at)
    if (!isSpread && (key === '' || text[equals] !== '='))
      return { ok: false, why: `expected parameter=value or ")", found ${found(text, at)}` }
    const read = readValue(text, isSpread ? at + 2 : equals + 1)
    if (!read.ok) return read
    const fields = isSpread ? (isRecord(read.value) ? Object.entries(read.value) : null) : [[key, read.value] as const]
    if (!fields) return { ok: false, why: `expected a dict after **, found ${found(text, at + 2)}` }
    for (const [name, value] of fields) {
      if (given.has(name)) return { ok: false, why: `expected each parameter once, found ${name} twice` }
      given.set(name, value)
    }
    at = blanksEnd(text, read.end)
    if (text[at] === ',') at = blanksEnd(text, at + 1)
    else if (text[at] !== ')') return { ok: false, why: `expected "," or ")" after a value, found ${found(text, at)}` }
  }
}

function readValue(
  text: string,
  from: number,
): { readonly ok: true; readonly value: unknown; readonly end: number } | { readonly ok: false; readonly why: string } {
  try {
    const { value, end } = parsePythonLiteralPrefix(text.slice(from), { jsonNames: true })
    return { ok: true, value: jsonOf(value), end: from + end }
  } catch (error) {
    // Deep literals are refused by the reader itself.
    if (!(error instanceof PythonLiteralError)) throw error
    return { ok: false, why: `expected ${error.expected}, found ${error.found}` }
  }
}

/** As JSON has it: tuples and sets are lists, dicts are objects, bytes are text. */
function jsonOf(value: PythonValue): unknown {
  if (value instanceof PythonFloat) return value.value
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof PythonBytes) return String.fromCharCode(...value.bytes.subarray(0, 4096))
  if (value instanceof PythonTuple || value instanceof PythonSet) return value.items.map(jsonOf)
  if (Array.isArray(value)) return value.map(jsonOf)
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [String(jsonOf(key)), jsonOf(item)]))
  return value
}

/** A JSON value as a Python literal. */
function pythonText(value: unknown): string {
  if (value === null || value === undefined) return 'None'
  if (value === true) return 'True'
  if (value === false) return 'False'
  if (Array.isArray(value)) return `[${value.map(pythonText).join(', ')}]`
  if (isRecord(value))
    return `{${fieldsOf(value)
      .map(([key, item]) => `${JSON.stringify(key)}: ${pythonText(item)}`)
      .join(', ')}}`
  return JSON.stringify(value)
}
const fieldsOf = (value: Readonly<Record<string, unknown>>): [string, unknown][] =>
  Object.entries(value).filter(([, item]) => item !== undefined)

const KEYWORDS = new Set(
  'False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield'.split(
    ' ',
  ),
)
const isName = (key: string): boolean => matchAt(KEY, key, 0) === key && !KEYWORDS.has(key)

export function writePythonCall({ name, arguments: given }: ParsedCall): string {
  const fields = fieldsOf(given)
  const named = fields.filter(([key]) => isName(key)).map(([key, value]) => `${key}=${pythonText(value)}`)
  const others = fields.filter(([key]) => !isName(key))
  const spread = others.length > 0 ? [`**${pythonText(Object.fromEntries(others))}`] : []
  return `${name}(${[...named, ...spread].join(', ')})`
}
