/**
 * A simple check of comments: sentences that begin with a participle or a verb and have no subject, and words of the project's former
 * private vocabulary. It knows no grammar: it looks at the first two words of a sentence, and at a list.
 */
import ts from 'typescript'

/** Something found: its file, its line (from 1), and what it is. */
export interface Place {
  readonly path: string
  readonly line: number
  readonly what: string
}

export interface Comment {
  /** The line it begins on, from 1. */
  readonly line: number
  /** Without the marks of a comment; lines of a block stay lines. */
  readonly text: string
}

/** A participle that opens a sentence, followed by one of these, has no subject: "Kept by whoever …", "Told apart when …". */
const AFTER_PARTICIPLE = new Set(
  (
    'a an the this that these it its as at by for from in into of off on onto out over per to under until up with without when where while once ' +
    'before after again anew aside apart only also here there too if so than then like not never and or but'
  ).split(' '),
)
const IRREGULAR =
  'Kept|Told|Held|Gone|Taken|Given|Made|Read|Written|Said|Put|Left|Sent|Drawn|Known|Seen|Shown|Found|Built|Bound|Brought|Chosen|Cut|Done|' +
  'Felt|Fed|Gotten|Hidden|Laid|Led|Lent|Lost|Meant|Met|Paid|Run|Set|Split|Spent|Spoken|Spread|Thrown|Understood|Won'
const PARTICIPLE = new RegExp(`^(${IRREGULAR}|[A-Z][a-z]+ed)$`)
/** Finite verbs that need a subject wherever they open a sentence. "Returns …" and its like are how docstrings begin, and fine. */
const BARE_VERB = /^(Goes|Is|Are|Was|Were|Has|Have|Does|Stands|Lies|Comes|Stays|Becomes|Says|Tells|Belongs|Happens)$/
const NOT_PARTICIPLES = new Set(['Need', 'Feed', 'Seed', 'Speed', 'Embed', 'Exceed', 'Proceed', 'Indeed', 'Shed'])

/** Words whose place the field's words have taken. Capitals count for the first group only: a desk is a desk. */
const FORMER_NAMES = /\b[A-Za-z]*(Room|Workshop|Desk|Keeper|Fates?)s?\b/
const FORMER_WORDS = /\b(told|held to|gone on with|goes? without|roofs?|witness(es)?|nowhere|nearly)\b/i

export function commentsIn(file: ts.SourceFile): Comment[] {
  const ranges = new Map<number, ts.CommentRange>()
  const add = (found: readonly ts.CommentRange[] | undefined): void => found?.forEach((range) => ranges.set(range.pos, range))
  const visit = (node: ts.Node): void => {
    if (!ts.isJsxText(node)) {
      add(ts.getLeadingCommentRanges(file.text, node.getFullStart()))
      add(ts.getTrailingCommentRanges(file.text, node.getEnd()))
    }
    ts.forEachChild(node, visit)
  }
  visit(file)
  const lines = [...ranges.values()]
    .sort((a, b) => a.pos - b.pos)
    .map(({ pos, end, kind }) => ({
      line: file.getLineAndCharacterOfPosition(pos).line + 1,
      isLine: kind === ts.SyntaxKind.SingleLineCommentTrivia,
      text: plain(file.text.slice(pos, end)),
    }))
  return joined(lines)
}

/** Line comments that follow each other are one text. */
function joined(comments: readonly { line: number; isLine: boolean; text: string }[]): Comment[] {
  const result: { line: number; text: string; last: number; isLine: boolean }[] = []
  for (const { line, isLine, text } of comments) {
    const before = result.at(-1)
    if (before?.isLine === true && isLine && before.last === line - 1) {
      before.text += `\n${text}`
      before.last = line
    } else result.push({ line, text, last: line, isLine })
  }
  return result
}

/** A comment without its marks. */
const plain = (text: string): string =>
  text
    .replace(/^\/\*+|\*+\/$|^\/\/+/g, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\*? ?/, ''))
    .join('\n')
    .trimEnd()

export function commentRemarks(path: string, comments: readonly Comment[]): Place[] {
  return comments.flatMap(({ line, text }) =>
    sentences(text).flatMap(({ offset, words, sentence }) => {
      const reason = whyHard(words, sentence)
      return reason === null ? [] : [{ path, line: line + offset, what: `${reason}: ${shortened(sentence)}` }]
    }),
  )
}

interface Sentence {
  /** Lines from the start of the comment. */
  readonly offset: number
  readonly words: readonly string[]
  readonly sentence: string
}

/** Splits at full stops, blank lines and list items; a tag of JSDoc and its name are skipped. */
function sentences(text: string): Sentence[] {
  const found: Sentence[] = []
  let start = 0
  const add = (end: number): void => {
    const raw = text.slice(start, end)
    const lead = raw.length - raw.trimStart().length
    const sentence = raw
      .trim()
      .replace(/^@\w+ (?:\w+ )?/, '')
      .replace(/\s+/g, ' ')
    if (sentence !== '') found.push({ offset: text.slice(0, start + lead).split('\n').length - 1, words: sentence.split(' '), sentence })
    start = end
  }
  for (const match of text.matchAll(/[.!?:]['")”’]?\s+(?=[A-Z`“(])|\n\s*\n|\n(?=\s*[-*•] )/g)) add(match.index + match[0].length)
  add(text.length)
  return found
}

function whyHard([first = '', second = '']: readonly string[], sentence: string): string | null {
  const opening = first.replace(/[^A-Za-z]+$/, '')
  const isAlone = first !== opening
  if (
    PARTICIPLE.test(opening) &&
    !NOT_PARTICIPLES.has(opening) &&
    (isAlone || second === '' || AFTER_PARTICIPLE.has(second.replace(/\W+$/, '')))
  ) {
    // "Read the file" is an order; "Read by the page" has no subject.
    if (!(/^(Read|Put|Cut|Run|Set|Split|Spread)$/.test(opening) && /^(a|an|the|this|that|these|it|its|into|up|off|out)$/.test(second)))
      return 'no subject'
  }
  if (BARE_VERB.test(opening) && !sentence.endsWith('?')) return 'no subject'
  const word = FORMER_NAMES.exec(sentence)?.[0] ?? FORMER_WORDS.exec(sentence)?.[0]
  return word === undefined ? null : `“${word}”`
}

/** On one line, of at most 100 characters. */
export function shortened(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > 100 ? `${line.slice(0, 99)}…` : line
}
