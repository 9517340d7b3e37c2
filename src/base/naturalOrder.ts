/**
 * The order of ids and file names as people count: `row-2` before `row-10`. Only parts that are whole numbers count as such; the parts of ids that
 * begin with a time (`run-0mf3k2q8x1…`) keep the order of their characters, which is that of their age.
 */
const PARTS = /[0-9A-Za-z]+/g
/** Longer rows of digits are parts of ids that happen to have no letter. */
const MOST_DIGITS = 9
const isNumber = (part: string): boolean => part.length <= MOST_DIGITS && /^[0-9]+$/.test(part)

export function byNaturalOrder(a: string, b: string): number {
  const [left, right] = [a.match(PARTS) ?? [], b.match(PARTS) ?? []]
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    const order = byPart(left[at] ?? '', right[at] ?? '')
    if (order !== 0) return order
  }
  return left.length - right.length || byText(a, b)
}

function byPart(a: string, b: string): number {
  if (a === b) return 0
  const [isLeft, isRight] = [isNumber(a), isNumber(b)]
  if (isLeft && isRight) return Number(a) - Number(b)
  // Numbers come first, so that the order is one of all parts.
  return isLeft === isRight ? byText(a, b) : isLeft ? -1 : 1
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
