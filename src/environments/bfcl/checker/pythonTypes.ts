/** Python's types by name, and which of them the benchmark's type words stand for in each language. */
import { PythonBytes, PythonFloat, PythonSet, PythonTuple, type PythonValue } from '../../../base/pythonValue'
import type { Language } from '../categories'
import { BenchmarkDataError } from './finding'

export type TypeName = 'NoneType' | 'bool' | 'int' | 'float' | 'str' | 'list' | 'tuple' | 'set' | 'dict' | 'bytes'

/** `type(value).__name__`. */
export function typeName(value: PythonValue): TypeName {
  if (value === null) return 'NoneType'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'number' || typeof value === 'bigint') return 'int'
  if (typeof value === 'string') return 'str'
  if (value instanceof PythonFloat) return 'float'
  if (value instanceof PythonBytes) return 'bytes'
  if (value instanceof PythonTuple) return 'tuple'
  if (value instanceof PythonSet) return 'set'
  return Array.isArray(value) ? 'list' : 'dict'
}

const types: Readonly<Record<Language, ReadonlyMap<string, TypeName>>> = {
  python: new Map([
    ...(['string', 'any'] as const).map((word) => [word, 'str'] as const),
    ...(['array', 'tuple'] as const).map((word) => [word, 'list'] as const),
    ['integer', 'int'],
    ['float', 'float'],
    ['boolean', 'bool'],
    ['dict', 'dict'],
  ]),
  java: new Map([
    ...(['byte', 'short', 'integer', 'long'] as const).map((word) => [word, 'int'] as const),
    ...(['float', 'double'] as const).map((word) => [word, 'float'] as const),
    ...(['char', 'String', 'any'] as const).map((word) => [word, 'str'] as const),
    ...(['Array', 'ArrayList', 'Queue', 'Stack'] as const).map((word) => [word, 'list'] as const),
    ...(['HashMap', 'Hashtable'] as const).map((word) => [word, 'dict'] as const),
    ['boolean', 'bool'],
    ['Set', 'set'],
  ]),
  javascript: new Map([
    ...(['String', 'any'] as const).map((word) => [word, 'str'] as const),
    ...(['integer', 'Bigint'] as const).map((word) => [word, 'int'] as const),
    ['float', 'float'],
    ['Boolean', 'bool'],
    ['dict', 'dict'],
    ['array', 'list'],
  ]),
}

/** Types whose items have a declared type of their own. */
const lists: Readonly<Record<Language, ReadonlySet<string>>> = {
  python: new Set(['array', 'tuple']),
  java: new Set(['Array', 'ArrayList']),
  javascript: new Set(['array']),
}

/** Throws BenchmarkDataError for a word that the language does not have. */
export function expectedType(language: Language, word: string): TypeName {
  const found = types[language].get(word)
  if (found === undefined)
    throw new BenchmarkDataError(`Expected one of the types ${[...types[language].keys()].join(', ')} of ${language}, found "${word}".`)
  return found
}

export const hasItems = (language: Language, word: string): boolean => lists[language].has(word)
