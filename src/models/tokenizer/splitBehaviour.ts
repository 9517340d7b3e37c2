/** How pre-tokenizers of type Split cut, with every behaviour of Rust's `tokenizers` (`NormalizedString::split`); the library has two of them. */
import { type PreTokenizer, SequencePreTokenizer, SplitPreTokenizer } from '@huggingface/tokenizers'
import { z } from 'zod'

interface Piece {
  readonly start: number
  readonly end: number
  readonly isMatch: boolean
}

const behaviours = {
  removed: (pieces: readonly Piece[]) => pieces.filter(({ isMatch }) => !isMatch),
  isolated: (pieces: readonly Piece[]) => pieces,
  contiguous: (pieces: readonly Piece[]) => merged(pieces, (piece, previous) => piece.isMatch === (previous?.isMatch ?? false)),
  mergedwithprevious: (pieces: readonly Piece[]) => merged(pieces, (piece, previous) => piece.isMatch && previous?.isMatch !== true),
  mergedwithnext: (pieces: readonly Piece[]) =>
    merged(pieces.toReversed(), (piece, previous) => piece.isMatch && previous?.isMatch !== true).toReversed(),
} satisfies Readonly<Record<string, (pieces: readonly Piece[]) => readonly Piece[]>>
export type SplitBehaviour = keyof typeof behaviours

/** Joins a piece to the one before where `joins`, which is asked with the pieces as they were found. */
function merged(pieces: readonly Piece[], joins: (piece: Piece, previous: Piece | undefined) => boolean): Piece[] {
  const out: Piece[] = []
  for (const [index, piece] of pieces.entries()) {
    const last = out.at(-1)
    if (last && joins(piece, pieces[index - 1]))
      out[out.length - 1] = { ...last, start: Math.min(last.start, piece.start), end: Math.max(last.end, piece.end) }
    else out.push(piece)
  }
  return out
}

/** The pieces of a text; empty ones are left out. */
function splitText(text: string, pattern: RegExp, behaviour: SplitBehaviour, invert: boolean): string[] {
  const pieces: Piece[] = []
  let from = 0
  let matchEnd = -1
  for (const { index, 0: found } of text.matchAll(pattern)) {
    // Oniguruma does not find an empty match where another one ended.
    if (found === '' && index === matchEnd) continue
    matchEnd = index + found.length
    if (index > from) pieces.push({ start: from, end: index, isMatch: invert })
    pieces.push({ start: index, end: index + found.length, isMatch: !invert })
    from = index + found.length
  }
  if (from < text.length) pieces.push({ start: from, end: text.length, isMatch: invert })
  return behaviours[behaviour](pieces).flatMap(({ start, end }) => (end > start ? [text.slice(start, end)] : []))
}

const isBehaviour = (name: string): name is SplitBehaviour => Object.hasOwn(behaviours, name)
const config = z.object({ behavior: z.string().default('Removed'), invert: z.boolean().default(false) })

/** Makes the library's pre-tokenizers of type Split cut as Rust's do. Throws for a behaviour that Rust does not have either. */
export function correctSplits(preTokenizer: PreTokenizer | null): void {
  if (preTokenizer instanceof SequencePreTokenizer) preTokenizer.tokenizers.forEach(correctSplits)
  if (!(preTokenizer instanceof SplitPreTokenizer)) return
  const { behavior, invert } = config.parse(preTokenizer.config)
  const name = behavior.toLowerCase()
  const { pattern } = preTokenizer
  if (!isBehaviour(name) || pattern === null)
    throw new Error(
      `pre_tokenizer: Split: expected a pattern and a behavior of ${Object.keys(behaviours).join(', ')}, found ${name.slice(0, 40)}`,
    )
  preTokenizer.pre_tokenize_text = (text) => splitText(text, pattern, name, invert)
}
