/** Delimited text, a record at a time. A broken quote costs its own row, not the rest of the file. */
import Papa from 'papaparse'

export type CsvDelimiter = '\t' | ',' | ';' | '|'

export type CsvRow =
  | { readonly row: number; readonly cells: readonly string[] }
  /** A quote that never closes or closes in the wrong place. */
  | { readonly row: number; readonly broken: string }

const DELIMITERS: readonly CsvDelimiter[] = ['\t', ',', ';']
/** A first line that names the delimiter for Excel; it is no row of the table. */
const SEPARATOR_LINE = /^"?sep=([\t,;|])"?\s*$/i
/** A record that grew over this many characters without closing its quote is given up. */
const MAX_RECORD_CHARS = 1 << 25

/** The delimiter that a line names for the table below it; null when the line is part of the table. */
export const namedDelimiter = (line: string): CsvDelimiter | null => (SEPARATOR_LINE.exec(line)?.[1] as CsvDelimiter | undefined) ?? null

/** The delimiter under which the header holds most of the wanted columns; more columns break a tie. */
export function sniffDelimiter(header: string, wanted: readonly string[]): CsvDelimiter {
  const score = (delimiter: CsvDelimiter): number => {
    const names = columnNames(header, delimiter)
    return wanted.filter((name) => names.includes(name)).length * 1000 + names.length
  }
  return DELIMITERS.reduce((best, delimiter) => (score(delimiter) > score(best) ? delimiter : best))
}

/** Column names of a header line, trimmed and in lower case. */
export function columnNames(header: string, delimiter: CsvDelimiter): string[] {
  return (parseRecord(header, delimiter).cells ?? [header]).map((name) => name.trim().toLowerCase())
}

/**
 * Records of a file, numbered as a spreadsheet numbers them (header = 1; blank lines count and are skipped). A quoted cell may
 * span lines. Where the quote that a line leaves open closes in no record, that line is taken for a truncated row, and each line
 * after it for the row it looks like.
 */
export async function* csvRows(lines: AsyncIterable<string>, delimiter: CsvDelimiter): AsyncGenerator<CsvRow> {
  let row = 0
  let open: string[] = []
  let openChars = 0
  const flush = function* (): Generator<CsvRow> {
    // The first line is the broken one; those swallowed after it get a chance of their own.
    for (const line of open) {
      row += 1
      if (line.trim() !== '') yield asRow(row, parseRecord(line, delimiter))
    }
    open = []
    openChars = 0
  }
  for await (const line of lines) {
    const hasOddQuotes = quoteCount(line) % 2 === 1
    if (open.length > 0) {
      open.push(line)
      openChars += line.length
      if (hasOddQuotes) {
        const joined = parseRecord(open.join('\n'), delimiter)
        if (joined.cells) {
          open = []
          openChars = 0
          row += 1
          yield { row, cells: joined.cells }
        } else {
          // It may be the start of the next row.
          open.pop()
          yield* flush()
          open.push(line)
          openChars = line.length
        }
      } else if (openChars > MAX_RECORD_CHARS) yield* flush()
      continue
    }
    if (hasOddQuotes) {
      open.push(line)
      openChars = line.length
      continue
    }
    row += 1
    if (line.trim() !== '') yield asRow(row, parseRecord(line, delimiter))
  }
  yield* flush()
}

function quoteCount(line: string): number {
  let count = 0
  for (let at = line.indexOf('"'); at >= 0; at = line.indexOf('"', at + 1)) count += 1
  return count
}

type ParsedRecord = { readonly cells: string[]; readonly error?: undefined } | { readonly cells?: undefined; readonly error: string }

function asRow(row: number, record: ParsedRecord): CsvRow {
  return record.cells ? { row, cells: record.cells } : { row, broken: record.error }
}

function parseRecord(record: string, delimiter: CsvDelimiter): ParsedRecord {
  const { data, errors } = Papa.parse<string[]>(record, { delimiter, newline: '\n', quoteChar: '"' })
  const quotes = errors.find((error) => error.type === 'Quotes')
  if (quotes)
    return { error: quotes.code === 'MissingQuotes' ? 'a quote that never closes' : 'a quote inside a quoted cell that is not doubled' }
  if (data.length > 1) return { error: 'a line end outside of quotes' }
  return { cells: data[0] ?? [''] }
}

/** One record as Python's csv module writes it: a cell is quoted when it holds the delimiter, a quote or a line end. */
export function csvLine(cells: readonly string[], delimiter: CsvDelimiter): string {
  return `${cells.map((cell) => (cell.includes(delimiter) || /["\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(delimiter)}\n`
}
