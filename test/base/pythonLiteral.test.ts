import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parsePythonLiteral, PythonLiteralError } from '../../src/base/pythonLiteral'
import { pythonFromJson, reprFloat, reprPython, strPython } from '../../src/base/pythonRepr'
import { plainFromPython, PythonBytes, PythonFloat, PythonSet, PythonTuple, type PythonValue } from '../../src/base/pythonValue'

const plain = (text: string): unknown => plainFromPython(parsePythonLiteral(text))

function failure(text: string): PythonLiteralError {
  try {
    parsePythonLiteral(text)
  } catch (error) {
    if (error instanceof PythonLiteralError) return error
    throw error
  }
  throw new Error(`${text} was read`)
}

describe('parsePythonLiteral', () => {
  // Right-hand sides were printed by CPython 3.11's ast.literal_eval.
  it.each<[string, unknown]>([
    [String.raw`'a\tb\n\\ \' \" \x41 \u00e9 \U0001f600 \101 \q'`, 'a\tb\n\\ \' " A é 😀 A \\q'],
    [String.raw`r'a\nb\'c'`, String.raw`a\nb\'c`],
    [String.raw`u"x" 'y' r"\z"`, String.raw`xy\z`],
    ['\'\'\'it\'s\nthree\'\'\' """"x"""', 'it\'s\nthree"x'],
    ["'a\\\nb'", 'ab'],
    ['  [1, 0x_1f, 0o17, 0b101, 1_000, -0, +3,]', [1, 31, 15, 5, 1000, 0, 3]],
    ['[1e-05, .5, 1., 1_0.0_1, -2.5E+3]', [1e-5, 0.5, 1, 10.01, -2500]],
    ['(1, (2,), (3), (), [None, True, False])', [1, [2], 3, [], [null, true, false]]],
    ['1, "a"', [1, 'a']],
    ["{'a': {1: 2.5}, 'b': [{}], }", { a: { 1: 2.5 }, b: [{}] }],
    ['{1, 2, 1}', [1, 2]],
    ['set()', []],
    ['[1, # one\n 2]', [1, 2]],
    ["{'__proto__': 1}", Object.fromEntries([['__proto__', 1]])],
    ['9007199254740993', 9007199254740993n],
  ])('reads %s', (text, expected) => {
    expect(plain(text)).toEqual(expected)
  })

  it('keeps the order of integer-like keys, and equal keys once with their first spelling', () => {
    const dict = parsePythonLiteral("{'2': 'a', '1': 'b', '2': 'c'}")
    expect(dict instanceof Map && [...dict]).toEqual([
      ['2', 'c'],
      ['1', 'b'],
    ])
    expect(reprPython(parsePythonLiteral('{1: "a", True: "b", 1.0: "c"}'))).toBe("{1: 'c'}")
  })

  it('reads bytes, and octal bytes modulo 256', () => {
    const value = parsePythonLiteral(String.raw`b'\xff\0A' Rb"\x"`)
    expect(value instanceof PythonBytes && [...value.bytes]).toEqual([255, 0, 65, 92, 120])
  })

  it('takes nan and inf only where the caller allows them', () => {
    expect(failure('[1, nan]').message).toBe('Expected an item or "]" (a finite number) at character 5, found the name nan.')
    expect(parsePythonLiteral('[nan, -inf]', { nonFinite: true })).toEqual([Number.NaN, Number.NEGATIVE_INFINITY])
  })

  it.each<[string, number, string, string]>([
    ['', 0, 'a Python literal', 'the end of the text'],
    ["['a', 'b", 6, "a closing ' for the string that starts here", 'the end of the text'],
    ["['a\n']", 1, "a closing ' for the string that starts here", 'the end of the line'],
    ['[1 2]', 3, '"," or "]"', '"2]"'],
    ['[1, 2', 5, '"," or "]"', 'the end of the text'],
    ['[,]', 1, 'an item or "]"', '",]"'],
    ["{'a' 1}", 5, '"," or "}"', '"1}"'],
    ["{'a': 1, 'b'}", 12, '":"', '"}"'],
    ['{[1]: 2}', 1, 'a hashable key', 'a list, dict or set'],
    ['[1] x', 4, 'the end of the literal', '"x"'],
    ['3+4j', 1, 'the end of the literal', '"+4j"'],
    ['4j', 0, 'a real number', 'a complex number'],
    ['012', 0, 'a number without leading zeros', '"012"'],
    ['1__0', 1, 'the end of the number', '"__0"'],
    ['0x', 1, 'the end of the number', '"x"'],
    ['--1', 1, 'a number after the sign', '"-1"'],
    ['-True', 1, 'a number after the sign', '"True"'],
    ['__import__("os").getcwd()', 0, 'a Python literal', 'the name __import__'],
    ['[f"x"]', 1, 'a plain string', 'f" (a formatted string)'],
    [String.raw`'\N{BULLET}'`, 1, String.raw`an escape other than \N{…} (character names are not known here)`, String.raw`\N`],
    [String.raw`'\x4'`, 1, '2 hexadecimal digits in an escape', '"4\'"'],
    ["'a' b'b'", 4, 'a string', 'text and bytes side by side'],
    ["b'é'", 2, 'an ASCII character in bytes', '"é\'"'],
    ['...', 0, 'a value', '"..."'],
    ['true', 0, 'a Python literal', 'the name true'],
  ])('refuses %s', (text, position, expected, found) => {
    const error = failure(text)
    expect([error.position, error.expected, error.found]).toEqual([position, expected, found])
    expect(error.message).toBe(`Expected ${expected} at character ${String(position + 1)}, found ${found}.`)
  })

  it('refuses deep nesting instead of overflowing the stack', () => {
    expect(failure('['.repeat(100_000)).expected).toBe('at most 200 nested brackets')
  })
})

const pythonValue: fc.Arbitrary<PythonValue> = fc.letrec<{ value: PythonValue; key: PythonValue }>((tie) => ({
  key: fc.oneof(
    { maxDepth: 2 },
    fc.string({ unit: 'binary' }),
    fc.integer(),
    fc.constant(null),
    fc.array(tie('key'), { maxLength: 2 }).map((items) => new PythonTuple(items)),
  ),
  value: fc.oneof(
    { maxDepth: 4 },
    fc.string({ unit: 'binary' }),
    fc.string(),
    fc.boolean(),
    fc.maxSafeInteger().map((n) => (n === 0 ? 0 : n)),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 90n }),
    fc.double().map((n) => new PythonFloat(n)),
    fc.uint8Array().map((bytes) => new PythonBytes(Uint8Array.from(bytes))),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(tie('value'), { maxLength: 4 }).map((items) => new PythonTuple(items)),
    fc.uniqueArray(fc.integer(), { maxLength: 4 }).map((items) => new PythonSet(items)),
    fc
      .uniqueArray(tie('key'), { maxLength: 4, selector: (key) => reprPython(key) })
      .chain((keys) => fc.tuple(...keys.map((key) => fc.tuple(fc.constant(key), tie('value')))).map((pairs) => new Map(pairs))),
  ),
})).value

describe('reprPython', () => {
  it('is undone by parsePythonLiteral, for any value', () => {
    fc.assert(
      fc.property(pythonValue, (value) => {
        const text = reprPython(value)
        const back = parsePythonLiteral(text, { keepFloats: true, nonFinite: true })
        expect(back).toEqual(value)
        expect(reprPython(back)).toBe(text)
      }),
      { numRuns: 400 },
    )
  })

  it('never throws anything but a PythonLiteralError, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...Array.from('[](){}\'"\\,:.#rbuxN019eE+-_ jnT\n')), maxLength: 30 }), (text) => {
        try {
          parsePythonLiteral(text, { nonFinite: true })
        } catch (error) {
          expect(error).toBeInstanceOf(PythonLiteralError)
        }
      }),
      { numRuns: 2000 },
    )
  })

  // Printed by CPython 3.11.
  it.each<[PythonValue, string]>([
    ["it's", '"it\'s"'],
    ['it\'s "x"', String.raw`'it\'s "x"'`],
    ['é 😀\u00a0\u200b\u2028\x7f\x1b\ue000\u{10ffff}\n', String.raw`'é 😀\xa0\u200b\u2028\x7f\x1b\ue000\U0010ffff\n'`],
    ['\ud83d', String.raw`'\ud83d'`],
    [new PythonBytes(Uint8Array.of(0, 39, 92, 255, 10)), String.raw`b"\x00'\\\xff\n"`],
    [new PythonTuple([1]), '(1,)'],
    [new PythonSet([]), 'set()'],
    [
      new Map<PythonValue, PythonValue>([
        ['a', true],
        ['b', [null, 1.5]],
      ]),
      "{'a': True, 'b': [None, 1.5]}",
    ],
  ])('writes %j as Python does', (value, text) => {
    expect(reprPython(value)).toBe(text)
  })

  it.each<[number, string]>([
    [1, '1.0'],
    [-0, '-0.0'],
    [0.1, '0.1'],
    [1e-5, '1e-05'],
    [0.0001, '0.0001'],
    [1e15, '1000000000000000.0'],
    [1e16, '1e+16'],
    [123456789012345680, '1.2345678901234568e+17'],
    [5e-324, '5e-324'],
    [1.7976931348623157e308, '1.7976931348623157e+308'],
    [0.9666666666666668, '0.9666666666666668'],
    [-2.5e-7, '-2.5e-07'],
    [100.25, '100.25'],
  ])('writes the float %d as %s', (value, text) => {
    expect(reprFloat(value)).toBe(text)
  })
})

describe('pythonFromJson', () => {
  it('tells 1.0 from 1 and keeps key order, as json.loads then str() do', () => {
    expect(strPython(pythonFromJson('{"2": 1.0, "1": [1, -0, 1e2, true, null, "a\\/\\u00e9"], "x": {}, "y": []}'))).toBe(
      "{'2': 1.0, '1': [1, 0, 100.0, True, None, 'a/é'], 'x': {}, 'y': []}",
    )
    expect(strPython(pythonFromJson(' "plain" '))).toBe('plain')
    expect(strPython(pythonFromJson('[NaN, -Infinity, 12345678901234567890]'))).toBe('[nan, -inf, 12345678901234567890]')
  })

  it('agrees with JSON.parse on any JSON within 2^53', () => {
    fc.assert(
      fc.property(
        fc.jsonValue().filter((value) => !/\d{16}/.test(JSON.stringify(value))),
        (value) => {
          const text = JSON.stringify(value)
          expect(plainFromPython(pythonFromJson(text))).toEqual(JSON.parse(text))
        },
      ),
    )
  })

  it.each(['', '{', '[1,]', '{"a" 1}', '{1: 2}', '[1] x', "{'a': 1}", '"\\x"', '01'])('refuses %s', (text) => {
    expect(() => pythonFromJson(text)).toThrow(/Expected|escape/)
  })
})
