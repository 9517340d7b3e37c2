/** The rows of a delimited file with a header; what is wrong with the header or with a row's cells is said, and the other rows are kept. */
import { excerpt } from '../base/excerpt'
import { columnNames, csvRows, sniffDelimiter } from './csvRows'
import { problemOf, type ProblemParts } from './problem'
import { lines } from './textStream'
import type { FormatItem, FormatSource } from './formats/format'

type ProblemItem = Extract<FormatItem, { kind: 'problem' }>
export interface TableRow<Column extends string> {
  readonly kind: 'row'
  /** As a spreadsheet numbers it: the header is 1. */
  readonly row: number
  readonly cell: (column: Column) => string
}

/** How many of the columns the file's first line names. */
export function columnsFound(head: string, wanted: readonly string[]): string[] {
  const header = head.slice(0, 10_000).split('\n', 1)[0] ?? ''
  const columns = columnNames(header, sniffDelimiter(header, wanted))
  return wanted.filter((column) => columns.includes(column))
}

/** A row that is left out, or a remark on the file. */
export function tableProblem(parts: ProblemParts, rejects: boolean): ProblemItem {
  return { kind: 'problem', rejects, problem: problemOf(parts) }
}

export async function* tableRows<Column extends string>(
  { name: file, text }: FormatSource,
  wanted: readonly Column[],
): AsyncGenerator<ProblemItem | TableRow<Column>> {
  const all = lines(text)
  const first = await all.next()
  const header = first.done === true ? '' : first.value
  const delimiter = sniffDelimiter(header, wanted)
  const columns = columnNames(header, delimiter)
  const missing = wanted.filter((column) => !columns.includes(column))
  if (missing.length > 0) {
    const found = header.trim() === '' ? 'an empty first line' : `the columns ${columns.map((column) => excerpt(column)).join(', ')}`
    const outcome = `Missing: ${missing.join(', ')}. Nothing was imported.`
    yield tableProblem({ file, expected: `the columns ${wanted.join(', ')}`, found, outcome }, true)
    return
  }
  const extra = columns.filter((column) => column !== '' && !wanted.some((known) => known === column))
  if (extra.length > 0) {
    const outcome = 'The additional columns were not read.'
    yield tableProblem({ file, expected: `the columns ${wanted.join(', ')}`, found: `also ${extra.join(', ')}`, outcome }, false)
  }
  for await (const row of csvRows(afterHeader(header, all), delimiter)) {
    if (row.row === 1) continue
    const place = { file, row: row.row }
    if ('broken' in row) yield tableProblem({ ...place, expected: 'a row of quoted cells', found: row.broken }, true)
    else if (row.cells.length !== columns.length)
      yield tableProblem({ ...place, expected: `${String(columns.length)} cells`, found: String(row.cells.length) }, true)
    else yield { kind: 'row', row: row.row, cell: (column) => row.cells[columns.indexOf(column)] ?? '' }
  }
}

/** The header goes through the row reader too, so that rows are numbered as in the file. */
async function* afterHeader(header: string, rest: AsyncIterable<string>): AsyncGenerator<string> {
  yield header
  yield* rest
}
