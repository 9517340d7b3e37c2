/**
 * Prompt and completion, one JSON object a line: TRL's standard prompt-completion datasets (`{"prompt": "…", "completion": "…"}`). Both are
 * plain text, as it stands in the model's context. A row is a trajectory of one step, without a label. Rows of messages are named and left
 * out, because their text depends on a chat template.
 */
import { excerpt } from '../../base/excerpt'
import { z } from 'zod'
import { trajectoryFromSteps } from '../../records/trajectoryFromSteps'
import { problemOf } from '../problem'
import { readJsonRow } from '../jsonRow'
import { lines } from '../textStream'
import type { DatasetFormat, FormatItem, FormatSource } from './format'

const FIELDS = ['prompt', 'completion'] as const
const row = z.object({ prompt: z.string(), completion: z.string().min(1) })

const hasField = (head: string, field: string): boolean => new RegExp(`"${field}"\\s*:`).test(head)

export const promptCompletionJsonl: DatasetFormat = {
  name: 'promptCompletionJsonl',
  title: 'Prompts and completions (JSON Lines, TRL’s layout)',
  recognise(_name, head) {
    const [first = ''] = head.trimStart().split('\n', 1)
    if (!first.startsWith('{')) return 0
    return FIELDS.every((field) => hasField(first, field)) && !/"(chosen|rejected|trajectory)"\s*:/.test(first) ? 1 : 0
  },
  async *read({ name: file, text }: FormatSource): AsyncGenerator<FormatItem> {
    let at = 0
    for await (const line of lines(text)) {
      at += 1
      if (line.trim() !== '') yield readRow(file, at, line)
    }
  },
}

function readRow(file: string, at: number, line: string): FormatItem {
  const reject = (expected: string, found: string, column: string | null = null): FormatItem => ({
    kind: 'problem',
    rejects: true,
    problem: problemOf({ file, row: at, column, expected, found }),
  })
  const json = readJsonRow(line)
  if (json.expected !== undefined) return reject(json.expected, json.found)
  const parsed = json.value
  const read = row.safeParse(parsed)
  if (!read.success) return reject(...problemIn(parsed))
  const { prompt, completion } = read.data
  return {
    kind: 'trajectory',
    trajectory: trajectoryFromSteps({
      trajectory_id: `row-${String(at)}`,
      task: { query_id: `row-${String(at)}`, query: prompt },
      source: `file:${file}#${String(at)}`,
      steps: [{ parent: null, prompt, completion, is_final: true }],
    }),
    opinions: [],
  }
}

/** The first field that cannot be used: its column, what was expected and what was found. */
function problemIn(parsed: unknown): [string, string, string | null] {
  if (typeof parsed !== 'object' || parsed === null) return ['an object with prompt and completion', excerpt(JSON.stringify(parsed)), null]
  const values: ReadonlyMap<string, unknown> = new Map(Object.entries(parsed))
  const column = FIELDS.find((field) => typeof values.get(field) !== 'string') ?? 'completion'
  const value = values.get(column)
  if (value === '') return ['text', 'an empty one', column]
  if (Array.isArray(value)) return ['text', 'a list of messages, whose text depends on a chat template', column]
  return ['text', value === undefined ? 'nothing' : excerpt(JSON.stringify(value)), column]
}
