/** The keys of tool caches are Python's `str(dict)` of a call's arguments. The expected texts are what CPython 3.12 prints. */
import { describe, expect, it } from 'vitest'
import { PythonJsonError, pythonFromJson, reprPython } from '../../src/base/pythonRepr'
import { pythonFromPlain, PythonFloat } from '../../src/base/pythonValue'

describe('parsed JSON as a Python value', () => {
  it.each([
    ['{"a":1, "b":"x"}', "{'a': 1, 'b': 'x'}"],
    ['{"b":"it\'s"}', "{'b': \"it's\"}"],
    ['{"q":"say \\"hi\\""}', "{'q': 'say \"hi\"'}"],
    ['{"q":"it\'s \\"x\\""}', "{'q': 'it\\'s \"x\"'}"],
    ['{"n":null, "t":true, "f":1.5}', "{'n': None, 't': True, 'f': 1.5}"],
    ['{"s":"é\\n\\u200b"}', "{'s': 'é\\n\\u200b'}"],
    ['{"deep":{"list":[1,[],{}]}}', "{'deep': {'list': [1, [], {}]}}"],
    ['{}', '{}'],
  ])('%s is printed as %s', (json, printed) => {
    expect(reprPython(pythonFromPlain(JSON.parse(json)))).toBe(printed)
  })

  it('keeps the order of keys, which tells two keys of a cache apart', () => {
    expect(reprPython(pythonFromPlain({ b: 1, a: 2 }))).toBe("{'b': 1, 'a': 2}")
  })

  it('makes a number with a fraction a float, and any other an int', () => {
    expect(pythonFromPlain([2.5, 2])).toEqual([new PythonFloat(2.5), 2])
  })

  it('refuses what JSON cannot hold', () => {
    expect(() => pythonFromPlain(() => 1)).toThrow(/found a function/)
  })
})

describe('pythonFromJson', () => {
  it('reads a string of ten megabytes', () => {
    const text = 'é"'.repeat(5_000_000)
    expect(pythonFromJson(JSON.stringify([text]))).toEqual([text])
  })

  it('reads an empty list across many spaces', () => {
    expect(pythonFromJson(`{"a": [\n${' '.repeat(100)}]}`)).toEqual(new Map([['a', []]]))
  })

  it('reads control characters in strings only if it is not strict, as json.loads does', () => {
    expect(() => pythonFromJson('"a\nb"')).toThrow(PythonJsonError)
    expect(pythonFromJson('"a\nb\\n\u0001"', { strict: false })).toBe('a\nb\n\u0001')
  })
})
