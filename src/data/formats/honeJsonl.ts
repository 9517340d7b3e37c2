/** Hone's own file has one line per trajectory, `{"trajectory": …, "opinions": […]}`, and loses nothing. */
import { excerpt } from '../../base/excerpt'
import { z } from 'zod'
import { opinion, type Opinion } from '../../records/annotation'
import { stepsOf, type Trajectory } from '../../records/trajectory'
import { trajectoryOfAnyVersion } from '../../records/trajectoryV1'
import { expectedBySchema, problemOf } from '../problem'
import { readJsonRow } from '../jsonRow'
import { lines } from '../textStream'
import type { DatasetFormat, FormatItem, FormatSource } from './format'

const entry = z.object({ trajectory: trajectoryOfAnyVersion, opinions: z.array(opinion).default([]) })

export const honeJsonl: DatasetFormat = {
  name: 'honeJsonl',
  title: 'Hone trajectories with every opinion (JSON Lines)',
  recognise(name, head) {
    const start = head.trimStart()
    if (/^\{\s*"(?:trajectory|opinions)"\s*:/.test(start)) return 1
    return /\.jsonl$/i.test(name) && start.startsWith('{') ? 0.3 : 0
  },
  async *read({ name: file, text }: FormatSource): AsyncGenerator<FormatItem> {
    let row = 0
    for await (const line of lines(text)) {
      row += 1
      if (line.trim() === '') continue
      const reject = (expected: string, found: string, column: string | null = null): FormatItem => ({
        kind: 'problem',
        rejects: true,
        problem: problemOf({ file, row, column, expected, found }),
      })
      const json = readJsonRow(line)
      if (json.expected !== undefined) {
        yield reject(json.expected, json.found)
        continue
      }
      const parsed = json.value
      const read = entry.safeParse(parsed)
      if (!read.success) {
        const issue = read.error.issues[0]
        const found = valueAt(parsed, issue?.path ?? [])
        yield reject(
          expectedBySchema(issue?.message) ?? 'a trajectory',
          found === undefined ? 'nothing' : excerpt(JSON.stringify(found)),
          issue?.path.join('.') ?? null,
        )
        continue
      }
      const { trajectory_id } = read.data.trajectory
      const steps = stepsOf(read.data.trajectory)
      const stray = read.data.opinions.find((row) => row.trajectory_id !== trajectory_id || row.step >= steps.length)
      if (stray) {
        yield reject(
          `opinions about the ${String(steps.length)} steps of ${trajectory_id}`,
          `one about step ${String(stray.step + 1)} of ${stray.trajectory_id}`,
          'opinions',
        )
        continue
      }
      yield { kind: 'trajectory', trajectory: read.data.trajectory, opinions: read.data.opinions }
    }
  },
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at = value
  for (const key of path) at = typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined
  return at
}

/** A line, with its line end. */
export function honeJsonlLine(record: Trajectory, opinions: readonly Opinion[]): string {
  return `${JSON.stringify({ trajectory: record, opinions })}\n`
}
