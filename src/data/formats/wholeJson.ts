/** A file that is one JSON value. */
import { excerpt } from '../../base/excerpt'
import type { z } from 'zod'
import { readJsonRow } from '../jsonRow'
import { expectedBySchema } from '../problem'
import type { FormatSource } from './format'

export type ReadPart<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly column: string | null; readonly expected: string; readonly found: string }

export async function readWhole({ text }: FormatSource, expected: string): Promise<ReadPart<unknown>> {
  const pieces: string[] = []
  for await (const piece of text) pieces.push(piece)
  const read = readJsonRow(pieces.join(''), expected)
  return read.expected === undefined
    ? { ok: true, value: read.value }
    : { ok: false, column: null, expected: read.expected, found: read.found }
}

/** The value, or the first field that does not fit. */
export function fitted<T>(schema: z.ZodType<T>, value: unknown): ReadPart<T> {
  const read = schema.safeParse(value)
  if (read.success) return { ok: true, value: read.data }
  const [issue] = read.error.issues
  const at = issue?.path.reduce<unknown>(
    (inner, key) => (typeof inner === 'object' && inner !== null ? Reflect.get(inner, key) : undefined),
    value,
  )
  return {
    ok: false,
    column: issue?.path.join('.') ?? null,
    expected: expectedBySchema(issue?.message) ?? 'another value',
    found: at === undefined ? 'nothing' : excerpt(JSON.stringify(at)),
  }
}
