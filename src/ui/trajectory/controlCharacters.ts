/**
 * Text from files, models and tools may carry characters that hide, reorder or recolour what a person reads
 * (terminal escapes, bidirectional overrides, zero-width joins, tag characters). They are drawn, never obeyed.
 */
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

// Tab (09) and newline (0a) are layout and stay as they are.
const HIDDEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|\udb40[\udc00-\udc7f]/g

function drawn(code: number): readonly [string, string] {
  const named = NAMES[code]
  if (named) return named
  // U+2400 holds a picture of every C0 control.
  if (code < 0x20) return [String.fromCharCode(0x2400 + code), `control U+${hex(code)}`]
  if (code === 0x7f) return ['␡', 'delete U+007F']
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

/** The first `lines` lines, never more than `characters` characters, and how many lines remain. */
export function foldText(text: string, lines: number, characters = 1200): { readonly shown: string; readonly hiddenLines: number; readonly hiddenCharacters: number } {
  const all = text.split('\n')
  let shown = all.slice(0, lines).join('\n')
  if (shown.length > characters) shown = shown.slice(0, characters)
  const hiddenCharacters = text.length - shown.length
  return { shown, hiddenLines: Math.max(0, all.length - lines), hiddenCharacters }
}
