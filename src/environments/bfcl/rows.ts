/** Rows of the benchmark's JSON lines files, with numbers kept as Python reads them: `1` and `1.0` are different answers. */
import type { z } from 'zod'
import { excerpt } from '../../base/excerpt'
import { pythonFromJson, PythonJsonError, strPython } from '../../base/pythonRepr'
import { plainFromPython, type PythonValue } from '../../base/pythonValue'

export interface Row {
  readonly file: string
  /** The first line of the file is row 1. */
  readonly row: number
  readonly fields: Readonly<Record<string, PythonValue>>
}

/** A file that does not have the benchmark's format. The message names file, row, column, what was expected and what was found. */
export class RowError extends Error {
  override readonly name = 'RowError'
  constructor({ file, row }: Pick<Row, 'file' | 'row'>, column: string | null, expected: string, found: string) {
    super(`${file}, row ${row}${column === null ? '' : `, column ${column}`}: expected ${expected}, found ${found}.`)
  }
}

/** Throws RowError at the first line that holds no JSON object. Empty lines are no rows. */
export function readRows(file: string, text: string): Row[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return []
    const place = { file, row: index + 1 }
    const value = readJson(line, place)
    if (!(value instanceof Map)) throw new RowError(place, null, 'a JSON object on one line', excerpt(line))
    return [{ ...place, fields: Object.fromEntries([...value].map(([key, field]) => [strPython(key), field])) }]
  })
}

function readJson(line: string, place: Pick<Row, 'file' | 'row'>): PythonValue {
  try {
    return pythonFromJson(line)
  } catch (error) {
    if (!(error instanceof PythonJsonError)) throw error
    throw new RowError(place, null, 'a JSON object on one line', `${excerpt(line)} (${error.message.replace(/\.$/, '')})`)
  }
}

/** The fields of a row as a schema describes them. Throws RowError. */
export function parseRow<Schema extends z.ZodType>(row: Row, schema: Schema, fields: unknown = row.fields): z.output<Schema> {
  const parsed = schema.safeParse(fields)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const path = issue?.path ?? []
  const expected = (issue?.message ?? '').replace(/^[A-Z][\w ]*: expected /, '').replace(/, received .*$/s, '')
  throw new RowError(row, path.map(String).join('.'), expected, foundAt(fields, path))
}

function foundAt(fields: unknown, path: readonly PropertyKey[]): string {
  let value = fields
  for (const key of path) {
    if (value instanceof Map) value = value.get(key)
    else if (typeof value === 'object' && value !== null) value = (value as Record<PropertyKey, unknown>)[key]
    else value = undefined
  }
  return value === undefined ? 'nothing' : excerpt(JSON.stringify(plainFromPython(value as PythonValue)))
}
