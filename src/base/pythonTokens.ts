/** The words, numbers and escapes that Python literals are made of, and what they mean. */
import { PythonBytes, PythonFloat, PythonTuple, type PythonValue } from './pythonValue'

export const NUMBER =
  /0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|(?:\d(?:_?\d)*)?\.\d(?:_?\d)*(?:[eE][+-]?\d(?:_?\d)*)?|\d(?:_?\d)*\.?(?:[eE][+-]?\d(?:_?\d)*)?/y
export const IDENTIFIER = /[\p{L}_][\p{L}\p{N}_]*/uy
export const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\n': '',
}

export const JSON_NAMES: ReadonlyMap<string, PythonValue> = new Map([
  ['null', null],
  ['true', true],
  ['false', false],
])
export const NUMPY = /(?:(?:np|numpy)\.)?(array)(?=\()|(?:np|numpy)\.(u?int\d+|float\d+|longdouble|bool_?|str_|True_|False_|nan|inf)/y
export const NUMPY_CONSTANTS: ReadonlyMap<string, boolean | number> = new Map<string, boolean | number>([
  ['True_', true],
  ['False_', false],
  ['nan', Number.NaN],
  ['inf', Number.POSITIVE_INFINITY],
])
export const DTYPE = /[ \n]*dtype=[\w.'<>|=]+[ \n]*/y

export function integer(digits: string): number | bigint {
  const value = Number(digits)
  return Number.isSafeInteger(value) ? value : BigInt(digits)
}

export function nonFiniteNamed(word: string): number | null {
  if (word === 'nan' || word === 'NaN') return Number.NaN
  if (word === 'inf' || word === 'Infinity') return Number.POSITIVE_INFINITY
  return null
}

/** Equal Python keys share an identity; null for what cannot be hashed. */
export function keyIdentity(value: PythonValue): string | null {
  if (value === null) return 'None'
  if (typeof value === 'string') return `s${value}`
  if (typeof value === 'number' || typeof value === 'bigint') return `n${String(value === 0 ? 0 : value)}`
  if (typeof value === 'boolean') return value ? 'n1' : 'n0'
  if (value instanceof PythonFloat)
    return `n${String(value.value === 0 ? 0 : Number.isInteger(value.value) ? BigInt(value.value) : value.value)}`
  if (value instanceof PythonBytes) return `b${value.bytes.join(',')}`
  if (!(value instanceof PythonTuple)) return null
  const parts = value.items.map(keyIdentity)
  return parts.includes(null) ? null : `t${JSON.stringify(parts)}`
}
