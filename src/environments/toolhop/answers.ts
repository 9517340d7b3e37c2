/** Whether an answer is right: by the original's rule, whose quirks make published numbers comparable, and by a strict one of ours. */

/** What Python's `rstrip('.0')` does: dots and zeros at the end go, so that 100 becomes 1. */
const withoutDotsAndZeros = (text: string): string => text.replace(/[.0]+$/, '')

const occursIn = (golden: string, text: string): boolean =>
  withoutDotsAndZeros(text.replaceAll(',', '').toLowerCase()).includes(withoutDotsAndZeros(golden).toLowerCase())

/** The right answer occurs in what the agent said last, or in the reply of a tool before it. */
export const isRightOriginally = (golden: string, said: string, lastReply: string | null): boolean =>
  occursIn(golden, said) || (lastReply !== null && occursIn(golden, lastReply))

/** What stands between `<answer>` tags for the last time, else everything that was said. */
function taggedAnswer(said: string): string {
  const start = said.lastIndexOf('<answer>')
  if (start === -1) return said
  const rest = said.slice(start + '<answer>'.length)
  const end = rest.indexOf('</answer>')
  return end === -1 ? rest : rest.slice(0, end)
}

const numberIn = (text: string): number | null => (/^[+-]?(\d+(\.\d*)?|\.\d+)$/.test(text) ? Number(text) : null)

/** The tagged answer is the right answer itself: words are equal but for case and spaces, numbers are equal as numbers. */
export function isRightStrictly(golden: string, said: string): boolean {
  const plain = (text: string): string => text.trim().toLowerCase().split(/\s+/).join(' ')
  const [expected, found] = [plain(golden), plain(taggedAnswer(said))]
  const [expectedNumber, foundNumber] = [numberIn(expected.replaceAll(',', '')), numberIn(found.replaceAll(',', ''))]
  return expectedNumber !== null && foundNumber !== null ? expectedNumber === foundNumber : expected === found
}
