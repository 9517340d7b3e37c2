/** JSON out of a row of a file. What is nested deeper than a row may be is refused, because what reads and stores it later calls itself once a level. */
import { excerpt } from '../base/excerpt'

/** As deep as Python's own parser goes. */
const MOST_NESTED = 200

export type JsonRow = { readonly value: unknown; readonly expected?: undefined } | { readonly expected: string; readonly found: string }

export function readJsonRow(text: string, expected = 'a JSON object on one line'): JsonRow {
  const depth = nestingOf(text)
  if (depth > MOST_NESTED) return { expected: `lists and objects nested at most ${MOST_NESTED} deep`, found: `${depth} levels` }
  try {
    return { value: JSON.parse(text) }
  } catch (error) {
    return { expected, found: error instanceof Error ? error.message : excerpt(text) }
  }
}

/** Whether JSON is nested deeper than a row may be. */
export const isTooDeep = (text: string): boolean => nestingOf(text) > MOST_NESTED

/** How many brackets are open at once, those inside of strings aside. */
function nestingOf(text: string): number {
  let [depth, most] = [0, 0]
  let isString = false
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at)
    if (isString) {
      if (char === BACKSLASH) at += 1
      else if (char === QUOTE) isString = false
    } else if (char === QUOTE) isString = true
    else if (char === BRACKET || char === BRACE) most = Math.max(most, ++depth)
    else if (char === BRACKET + 2 || char === BRACE + 2) depth -= 1
  }
  return most
}

const [QUOTE, BACKSLASH, BRACKET, BRACE] = [0x22, 0x5c, 0x5b, 0x7b]
