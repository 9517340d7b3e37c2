/** The keys of the response cache: Python's `str(dict)` of a call's arguments. */
import { parsePythonLiteral, PythonLiteralError } from '../../base/pythonLiteral'
import { reprPython } from '../../base/pythonRepr'
import { PythonFloat, PythonSet, PythonTuple, type PythonDict, type PythonValue } from '../../base/pythonValue'

/** Byte for byte what Python writes: the order of the arguments counts, and `1.0` is not `1`. */
export const cacheKeyOf = (input: PythonDict): string => reprPython(input)

/**
 * The same text for arguments that mean the same: keys in order, a whole float as an integer. A call that has the arguments of a cached
 * one in another order is found by it.
 */
export function canonicalKeyOf(value: PythonValue): string {
  if (value instanceof PythonFloat) return JSON.stringify(value.value)
  if (value instanceof PythonTuple || value instanceof PythonSet) return canonicalKeyOf([...value.items])
  if (Array.isArray(value)) return `[${value.map(canonicalKeyOf).join(',')}]`
  if (value instanceof Map) {
    const entries = [...value].map(
      ([key, item]) => `${JSON.stringify(typeof key === 'string' ? key : reprPython(key))}:${canonicalKeyOf(item)}`,
    )
    return `{${entries.sort().join(',')}}`
  }
  if (typeof value === 'bigint') return value.toString()
  return JSON.stringify(value)
}

/** The canonical key of a key as the cache has it; null when the key is no literal of Python's. */
export function canonicalOfCacheKey(key: string): string | null {
  try {
    return canonicalKeyOf(parsePythonLiteral(key, { nonFinite: true, keepFloats: true }))
  } catch (error) {
    if (error instanceof PythonLiteralError) return null
    throw error
  }
}
