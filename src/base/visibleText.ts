/**
 * Text from files, models, tools and servers may carry characters that hide, reorder or recolour what a person reads (terminal escapes,
 * bidirectional overrides, zero-width joins, tag characters), and may be longer than anybody reads. Here it becomes text that can be shown.
 */

/** Tab (09) and newline (0a) are layout and stay as they are. */
export const HIDDEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|\udb40[\udc00-\udc7f]/g

/** The first `most` characters, and how many there are more. */
export function bounded(text: string, most: number): { readonly shown: string; readonly more: number } {
  if (text.length <= most) return { shown: text, more: 0 }
  // Half of a pair of code units is no character.
  const isHalf = /[\ud800-\udbff]/.test(text.charAt(most - 1))
  const shown = text.slice(0, isHalf ? most - 1 : most)
  return { shown, more: text.length - shown.length }
}

export const moreText = (more: number): string => (more === 0 ? '' : `… (${more.toLocaleString('en')} more characters)`)

function drawn(character: string): string {
  const code = character.codePointAt(0) ?? 0
  return code < 0x20 ? String.fromCodePoint(0x2400 + code) : `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`
}

/** With every hidden character drawn. @param most characters that are shown of a longer text. */
export function visibleText(text: string, most = Number.POSITIVE_INFINITY): string {
  const { shown, more } = bounded(text, most)
  return shown.replace(HIDDEN, drawn) + moreText(more)
}

/** JSON that shows as what it is: hidden characters stand as escapes, which read back as the same characters. */
export const visibleJson = (value: unknown): string =>
  JSON.stringify(value).replace(HIDDEN, (character) =>
    [...Array(character.length).keys()].map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`).join(''),
  )

/** Most characters of a message that quotes a file. */
const MOST_MESSAGE = 2000

/** A message that quotes text from outside, on one line. */
export const oneLine = (message: string): string => visibleText(message.replace(/[\n\t]/g, ' '), MOST_MESSAGE)
