/** Python's `int(text)` and `float(text)`: blanks around the number, a sign and single underscores between digits are allowed. */
import { integer } from './pythonTokens'
import { UNICODE_SPACE } from './unicodeSpace'

/** What Python's `\s` matches and `str.strip()` removes, for a character class. */
export const PYTHON_SPACE = `${UNICODE_SPACE}\\x1c-\\x1f`

const SPACE = new RegExp(`[${PYTHON_SPACE}]`)

/** Python's `text.strip()`. A regular expression that looks for blanks before the end would take quadratic time. */
export function stripPython(text: string): string {
  let [start, end] = [0, text.length]
  while (start < end && SPACE.test(text.charAt(start))) start += 1
  while (end > start && SPACE.test(text.charAt(end - 1))) end -= 1
  return text.slice(start, end)
}

/** `int(text)`, or null where Python raises ValueError. */
export function integerFromText(text: string): number | bigint | null {
  const [, sign = '', digits] = /^([+-]?)(\d+(?:_\d+)*)$/.exec(stripPython(text)) ?? []
  if (digits === undefined) return null
  const value = integer(digits.replaceAll('_', ''))
  // An integer has no negative zero.
  return sign === '-' && value !== 0 ? -value : value
}

/** `float(text)`, or null where Python raises ValueError. */
export function floatFromText(text: string): number | null {
  const stripped = stripPython(text)
  const [, sign = '', name] = /^([+-]?)(inf|infinity|nan)$/i.exec(stripped) ?? []
  if (name !== undefined) return name.toLowerCase() === 'nan' ? Number.NaN : sign === '-' ? -Infinity : Infinity
  const isNumber = /^[+-]?(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+(?:_\d+)*)(?:[eE][+-]?\d+(?:_\d+)*)?$/.test(stripped)
  return isNumber ? Number(stripped.replaceAll('_', '')) : null
}
