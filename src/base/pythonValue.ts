/**
 * Python values, keeping what JavaScript would lose: dicts are Maps (insertion order, any key), tuples, sets and bytes have a
 * class each, integers beyond 2^53 are bigints, and a float may be marked as one.
 */

export class PythonTuple {
  readonly items: readonly PythonValue[]
  constructor(items: readonly PythonValue[]) {
    this.items = items
  }
}
export class PythonSet {
  readonly items: readonly PythonValue[]
  constructor(items: readonly PythonValue[]) {
    this.items = items
  }
}
export class PythonBytes {
  readonly bytes: Uint8Array
  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }
}
/** A float even when its value is whole: `1.0`, which a JavaScript number cannot tell from `1`. */
export class PythonFloat {
  readonly value: number
  constructor(value: number) {
    this.value = value
  }
}
export type PythonDict = Map<PythonValue, PythonValue>
export type PythonValue =
  null | boolean | number | bigint | string | PythonFloat | PythonBytes | PythonTuple | PythonSet | PythonValue[] | PythonDict

/** The Python value of parsed JSON: objects become dicts in the order of their keys. A whole number is an int, because JavaScript's numbers keep no `1.0`. */
export function pythonFromPlain(value: unknown): PythonValue {
  if (value === null || value === undefined) return null
  // Ordinary data do not tell 1.0 from 1; a number that is no whole one can only be a float.
  if (typeof value === 'number' && !Number.isInteger(value)) return new PythonFloat(value)
  if (typeof value === 'boolean' || typeof value === 'number' || typeof value === 'bigint' || typeof value === 'string') return value
  if (Array.isArray(value)) return value.map(pythonFromPlain)
  if (typeof value === 'object') return new Map(Object.entries(value).map(([key, item]) => [key, pythonFromPlain(item)]))
  throw new TypeError(`Expected data that JSON can hold, found a ${typeof value}.`)
}

/** Ordinary data: dicts become objects (keys as Python prints them), tuples and sets arrays, bytes stay a Uint8Array. */
export function plainFromPython(value: PythonValue): unknown {
  if (value instanceof PythonFloat) return value.value
  if (value instanceof PythonBytes) return value.bytes
  if (value instanceof PythonTuple || value instanceof PythonSet) return value.items.map(plainFromPython)
  if (Array.isArray(value)) return value.map(plainFromPython)
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [keyText(key), plainFromPython(item)]))
  return value
}

function keyText(key: PythonValue): string {
  if (key === null) return 'None'
  if (typeof key === 'boolean') return key ? 'True' : 'False'
  if (key instanceof PythonFloat) return String(key.value)
  if (typeof key === 'string' || typeof key === 'number' || typeof key === 'bigint') return String(key)
  return JSON.stringify(plainFromPython(key))
}
