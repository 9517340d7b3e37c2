/** A fault in a file, described so that a person can correct it. */
import { oneLine } from '../base/visibleText'
import type { Problem } from '../records/dataset'

export interface ProblemParts {
  readonly file: string
  readonly row?: number | null
  readonly column?: string | null
  readonly expected: string
  readonly found: string
  /** What happens now; by default, for a row, that it was left out and the rest kept. */
  readonly outcome?: string
}

const LEFT_OUT = 'This row was left out; the others were kept.'

/** The problem as it is of a file of which no row was kept. */
export const ofLostFile = (problem: Problem): Problem => ({
  ...problem,
  message: problem.message.replace(LEFT_OUT, 'This row was left out.'),
})

/** `file, row 5, column reward: expected …, found …. This row was left out.` */
export function problemOf({ file, row = null, column = null, expected, found, outcome }: ProblemParts): Problem {
  const place = [file, ...(row === null ? [] : [`row ${String(row)}`]), ...(column === null ? [] : [`column ${column}`])].join(', ')
  const after = outcome ?? (row === null ? '' : LEFT_OUT)
  return {
    file,
    row,
    column,
    expected,
    found,
    message: oneLine(`${place}: expected ${expected}, found ${found}.${after === '' ? '' : ` ${after}`}`),
  }
}

/** What a zod issue expected, without the words around it: `Invalid input: expected string, received undefined` → `string`. */
export function expectedBySchema(message: string | undefined): string | null {
  return message?.replace(/^[A-Z][\w ]*: expected /, '').replace(/, received .*$/s, '') ?? null
}
