/** Hidden characters of text from files, models and tools as parts of their own: they are drawn, never obeyed. */
import { HIDDEN } from '../../base/visibleText'

export interface TextPart {
  readonly text: string
  /** null: ordinary text. Otherwise the name shown on hover, and `text` is what is drawn in its place. */
  readonly control: string | null
}

const NAMES: Readonly<Record<number, readonly [string, string]>> = {
  0x00ad: ['SHY', 'soft hyphen'],
  0x061c: ['ALM', 'Arabic letter mark'],
  0x200b: ['ZWSP', 'zero-width space'],
  0x200c: ['ZWNJ', 'zero-width non-joiner'],
  0x200d: ['ZWJ', 'zero-width joiner'],
  0x200e: ['LRM', 'left-to-right mark'],
  0x200f: ['RLM', 'right-to-left mark'],
  0x2028: ['LS', 'line separator'],
  0x2029: ['PS', 'paragraph separator'],
  0x202a: ['LRE', 'left-to-right embedding'],
  0x202b: ['RLE', 'right-to-left embedding'],
  0x202c: ['PDF', 'pop directional formatting'],
  0x202d: ['LRO', 'left-to-right override'],
  0x202e: ['RLO', 'right-to-left override'],
  0x2060: ['WJ', 'word joiner'],
  0x2066: ['LRI', 'left-to-right isolate'],
  0x2067: ['RLI', 'right-to-left isolate'],
  0x2068: ['FSI', 'first strong isolate'],
  0x2069: ['PDI', 'pop directional isolate'],
  0xfeff: ['BOM', 'byte order mark'],
}

const C0 = 'NUL SOH STX ETX EOT ENQ ACK BEL BS HT LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US'.split(' ')

function drawn(code: number): readonly [string, string] {
  const named = NAMES[code]
  if (named) return named
  // Names, not the pictures of U+2400: few fonts hold those.
  if (code < 0x20) return [C0[code] ?? hex(code), `control U+${hex(code)}`]
  if (code === 0x7f) return ['DEL', 'delete U+007F']
  if (code >= 0xe0000) return [`TAG ${hex(code - 0xe0000)}`, `tag character U+${hex(code)}`]
  return [`U+${hex(code)}`, `control U+${hex(code)}`]
}

const hex = (code: number): string => code.toString(16).toUpperCase().padStart(4, '0')

/** Splits text so that every hidden character becomes a part of its own. */
export function visibleParts(text: string): TextPart[] {
  const parts: TextPart[] = []
  let from = 0
  for (const match of text.matchAll(HIDDEN)) {
    if (match.index > from) parts.push({ text: text.slice(from, match.index), control: null })
    const [label, name] = drawn(match[0].codePointAt(0) ?? 0)
    parts.push({ text: label, control: name })
    from = match.index + match[0].length
  }
  if (from < text.length) parts.push({ text: text.slice(from), control: null })
  return parts
}

/**
 * What to draw of a long text while it is folded to `lines` lines; the style sheet clamps what still wraps beyond them.
 * `folds` is an estimate from below: a line holds at least about `width` characters.
 */
export function foldText(text: string, lines: number, width = 40): { readonly shown: string; readonly folds: boolean } {
  const all = text.split('\n')
  const wrapped = all.slice(0, lines).reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / width)), 0)
  const shown = all
    .slice(0, lines)
    .join('\n')
    .slice(0, lines * 200)
  return { shown, folds: all.length > lines || wrapped > lines }
}
