/**
 * How StepTool's chat layouts are found in text: by marks that stand at fixed places. Every search goes through the text once, because a turn may
 * have 100,000 spaces, and a pattern that tries every length of them takes the square of the time.
 */

export interface DialectMarks {
  /** What a conversation begins with, sticky. */
  readonly start: RegExp
  /** Between system text and query, global. */
  readonly query: RegExp
  /** What a tool's reply begins with, sticky at its own segment; and inside a conversation as one text, global. */
  readonly reply: RegExp
  readonly replyWithin: RegExp
  /** The assistant's header, which ends system text, query and replies: text that is always there, then text that may be. */
  readonly header: string
  readonly afterHeader: RegExp
  /** The same inside a conversation as one text, where what follows is the assistant's turn. */
  readonly afterHeaderWithin: RegExp
  /** Whether line ends before the header belong to it. */
  readonly takesLineEnds: boolean
  /** What may end a turn, before white space. */
  readonly turnEnds: readonly string[]
  /** Whether white space at the end of a turn goes where no such mark stands before it. */
  readonly trimsTurns: boolean
}

/** A stretch of a text, with the text inside its marks. */
interface Stretch {
  readonly index: number
  readonly end: number
  readonly inner: string
}

/** Where a sticky or global pattern matches from a place on; null when it does not. */
function matchFrom(pattern: RegExp, text: string, from: number): { readonly index: number; readonly end: number } | null {
  pattern.lastIndex = from
  const found = pattern.exec(text)
  return found ? { index: found.index, end: found.index + found[0].length } : null
}

/** Where the header begins that a text ends with. */
function closingHeader(text: string, { header, afterHeader }: DialectMarks): number | null {
  const at = text.lastIndexOf(header)
  return at >= 0 && matchFrom(afterHeader, text, at + header.length)?.end === text.length ? at : null
}

function withoutLineEnds(text: string, from: number, to: number): number {
  let end = to
  while (end > from && text[end - 1] === '\n') end -= 1
  return end
}

export function openingOf(text: string, marks: DialectMarks): { readonly system: string; readonly query: string } | null {
  const start = matchFrom(marks.start, text, 0)
  const middle = start && matchFrom(marks.query, text, start.end)
  const close = closingHeader(text, marks)
  if (!middle || close === null || middle.end > close) return null
  const end = marks.takesLineEnds ? withoutLineEnds(text, middle.end, close) : close
  return { system: text.slice(start.end, middle.index), query: text.slice(middle.end, end) }
}

/** The reply in a segment that is one. */
export function replyOf(segment: string, marks: DialectMarks): string | null {
  const start = matchFrom(marks.reply, segment, 0)
  const close = closingHeader(segment, marks)
  return start && close !== null && start.end <= close ? segment.slice(start.end, close) : null
}

/** What stands between the assistant's turns of a conversation. */
export function stretchesBetween(text: string, marks: DialectMarks): Stretch[] {
  const found: Stretch[] = []
  for (let at = 0; ;) {
    const start = matchFrom(marks.replyWithin, text, at)
    if (!start) return found
    const stretch = stretchFrom(text, marks, start.index, start.end)
    if (!stretch) return found
    found.push(stretch)
    at = stretch.end
  }
}

function stretchFrom(text: string, marks: DialectMarks, index: number, start: number): Stretch | null {
  const { header, afterHeaderWithin, takesLineEnds } = marks
  const close = text.indexOf(header, start)
  // The line end before the header may be the one that the reply's mark took.
  if (close < 0)
    return takesLineEnds && text[start - 1] === '\n' && text.startsWith(header, start - 1)
      ? stretchFrom(text, marks, index, start - 1)
      : null
  const after = matchFrom(afterHeaderWithin, text, close + header.length)?.end ?? close + header.length
  const inner = text.slice(start, takesLineEnds ? withoutLineEnds(text, start, close) : close)
  return { index, end: after, inner }
}

/** A turn without the mark of its end and the white space after that. */
export function withoutTurnEnd(turn: string, { turnEnds, trimsTurns }: DialectMarks): string {
  const trimmed = turn.trimEnd()
  const mark = turnEnds.find((end) => trimmed.endsWith(end))
  if (mark !== undefined) return trimmed.slice(0, -mark.length)
  return trimsTurns ? trimmed : turn
}
