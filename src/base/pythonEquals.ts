/** Python's `==` and `in`: `1 == 1.0 == True`, a list is never equal to a tuple, and dicts are compared without their order. */
import { keyIdentity } from './pythonTokens'
import { PythonBytes, PythonFloat, PythonSet, PythonTuple, type PythonDict, type PythonValue } from './pythonValue'

/** Python's `a == b`. */
export function equalPython(a: PythonValue, b: PythonValue): boolean {
  const [left, right] = [numberOf(a), numberOf(b)]
  if (left !== null && right !== null) return equalNumbers(left, right)
  if (a === null || typeof a === 'string') return a === b
  if (Array.isArray(a)) return Array.isArray(b) && equalItems(a, b)
  if (a instanceof PythonTuple) return b instanceof PythonTuple && equalItems(a.items, b.items)
  if (a instanceof PythonBytes) return b instanceof PythonBytes && a.bytes.join() === b.bytes.join()
  if (a instanceof PythonSet) return b instanceof PythonSet && equalSets(a, b)
  return a instanceof Map && b instanceof Map && equalDicts(a, b)
}

/** Python's `value in list`. */
export const includesPython = (list: readonly PythonValue[], value: PythonValue): boolean => list.some((item) => equalPython(item, value))

function numberOf(value: PythonValue): number | bigint | null {
  if (typeof value === 'boolean') return value ? 1 : 0
  if (typeof value === 'number' || typeof value === 'bigint') return value
  return value instanceof PythonFloat ? value.value : null
}

/** An integer beyond 2^53 is compared exactly, as Python does: it is not rounded to the float beside it. */
function equalNumbers(a: number | bigint, b: number | bigint): boolean {
  if (typeof a === typeof b) return a === b
  const [other, whole] = typeof a === 'number' ? [a, b] : [b, a]
  return Number.isInteger(other) && BigInt(other) === whole
}

const equalItems = (a: readonly PythonValue[], b: readonly PythonValue[]): boolean =>
  a.length === b.length && a.every((item, index) => equalPython(item, b[index] as PythonValue))

function equalSets(a: PythonSet, b: PythonSet): boolean {
  const known = new Set(b.items.map(keyIdentity))
  return a.items.length === b.items.length && a.items.every((item) => known.has(keyIdentity(item)))
}

function equalDicts(a: PythonDict, b: PythonDict): boolean {
  if (a.size !== b.size) return false
  const known = new Map([...b].map(([key, value]) => [keyIdentity(key), value]))
  return [...a].every(([key, value]) => {
    const other = known.get(keyIdentity(key))
    return other !== undefined && equalPython(value, other)
  })
}
