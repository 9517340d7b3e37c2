/** Reads the rows of a delimited file with a header. A fault in the header or in a row's cells is reported, and the other rows are imported. */
import { excerpt } from '../base/excerpt'
import { columnNames, type CsvDelimiter, csvRows, namedDelimiter, sniffDelimiter } from './csvRows'
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

/** Which of the columns the file's header names. */
export function columnsFound(head: string, wanted: readonly string[]): string[] {
  const [first = '', second = ''] = head.slice(0, 10_000).split('\n', 2)
  const named = namedDelimiter(first)
  const header = named === null ? first : second
  const columns = columnNames(header, named ?? sniffDelimiter(header, wanted))
  return wanted.filter((column) => columns.includes(column))
}

/** A row that is left out, or a remark on the file. */
export function tableProblem(parts: ProblemParts, rejects: boolean): ProblemItem {
  return { kind: 'problem', rejects, problem: problemOf(parts) }
}

const MOST_NAMES = 12
const namesOf = (columns: readonly string[]): string => {
  const others = columns.length - MOST_NAMES
  return (
    columns
      .slice(0, MOST_NAMES)
      .map((column) => excerpt(column))
      .join(', ') + (others > 0 ? ` and ${others} more` : '')
  )
}

export async function* tableRows<Column extends string>(
  { name: file, text }: FormatSource,
  wanted: readonly Column[],
): AsyncGenerator<ProblemItem | TableRow<Column>> {
  const watched = watchEnd(text)
  const all = lines(watched.text)
  const { header, delimiter } = await readHeader(all, wanted)
  const columns = columnNames(header, delimiter)
  const refusal = refusalOf(file, header, columns, wanted)
  if (refusal) {
    yield refusal
    return
  }
  const extra = columns.filter((column) => column !== '' && !wanted.some((known) => known === column))
  if (extra.length > 0) {
    const outcome = 'The additional columns were not read.'
    yield tableProblem({ file, expected: `the columns ${wanted.join(', ')}`, found: `also ${namesOf(extra)}`, outcome }, false)
  }
  const places = new Map(wanted.map((column) => [column, columns.indexOf(column)]))
  let last: number | null = null
  for await (const row of csvRows(afterHeader(header, all), delimiter)) {
    if (row.row === 1) continue
    const place = { file, row: row.row }
    last = null
    if ('broken' in row) yield tableProblem({ ...place, expected: 'a row of quoted cells', found: row.broken }, true)
    else if (row.cells.length !== columns.length)
      yield tableProblem({ ...place, expected: `${String(columns.length)} cells`, found: String(row.cells.length) }, true)
    else {
      last = row.row
      yield { kind: 'row', row: row.row, cell: (column) => row.cells[places.get(column) ?? -1] ?? '' }
    }
  }
  if (last !== null && !watched.endsInLineEnd()) {
    const outcome = 'The row was read as it stands, but the file may have been cut there: see whether it is whole.'
    yield tableProblem({ file, row: last, expected: 'a line end after the last row', found: 'the end of the file', outcome }, false)
  }
}

async function readHeader(all: AsyncGenerator<string>, wanted: readonly string[]): Promise<{ header: string; delimiter: CsvDelimiter }> {
  const next = async (): Promise<string> => {
    const line = await all.next()
    return line.done === true ? '' : line.value
  }
  const first = await next()
  const named = namedDelimiter(first)
  const header = named === null ? first : await next()
  return { header, delimiter: named ?? sniffDelimiter(header, wanted) }
}

/** Why nothing of the file can be read: a column is missing, or occurs twice, so that it is ambiguous. */
function refusalOf(file: string, header: string, columns: readonly string[], wanted: readonly string[]): ProblemItem | null {
  const expected = `the columns ${wanted.join(', ')}`
  const missing = wanted.filter((column) => !columns.includes(column))
  if (missing.length > 0) {
    const found = header.trim() === '' ? 'an empty first line' : `the columns ${namesOf(columns)}`
    return tableProblem({ file, expected, found, outcome: `Missing: ${missing.join(', ')}. Nothing was imported.` }, true)
  }
  const twice = wanted.find((column) => columns.indexOf(column) !== columns.lastIndexOf(column))
  if (twice === undefined) return null
  const count = columns.filter((column) => column === twice).length
  const outcome = 'Upper and lower case count as one. Rename or remove all but one; nothing was imported.'
  return tableProblem({ file, column: twice, expected: 'each column once', found: `the column ${twice} ${count} times`, outcome }, true)
}

/** A text that can be asked, once it has been read, whether it ended in a line end. */
function watchEnd(text: AsyncIterable<string>): { readonly text: AsyncGenerator<string>; readonly endsInLineEnd: () => boolean } {
  let end = ''
  async function* watched(): AsyncGenerator<string> {
    for await (const chunk of text) {
      end = chunk.at(-1) ?? end
      yield chunk
    }
  }
  return { text: watched(), endsInLineEnd: () => end === '\n' }
}

/** The header goes through the row reader too, so that rows are numbered as a spreadsheet numbers them. */
async function* afterHeader(header: string, rest: AsyncIterable<string>): AsyncGenerator<string> {
  yield header
  yield* rest
}
