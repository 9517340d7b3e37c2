/** Converted answers: one JSON object with the answer to each query, as evaluation and annotation of StepTool and StableToolBench read them. */
import { z } from 'zod'
import { convertedAnswer } from '../answers/convertAnswer'
import { trajectoryOfConverted } from '../answers/readConverted'
import { problemOf } from '../problem'
import type { DatasetFormat, FormatItem, FormatSource } from './format'
import { fitted, readWhole } from './wholeJson'

const queries = z.record(z.string(), z.unknown())

export const convertedAnswers: DatasetFormat = {
  name: 'convertedAnswers',
  title: 'Converted answers by query (StepTool, StableToolBench)',
  recognise: (_name, head) =>
    /^\{\s*"[^"]*"\s*:\s*\{/.test(head.trimStart()) && /"available_tools"\s*:/.test(head) && /"query"\s*:/.test(head) ? 0.95 : 0,
  async *read(source: FormatSource): AsyncGenerator<FormatItem> {
    const { name: file } = source
    const whole = await readWhole(source, 'a JSON object')
    const read = whole.ok ? fitted(queries, whole.value) : whole
    if (!read.ok) {
      const { column, expected, found } = read
      yield { kind: 'problem', rejects: true, problem: problemOf({ file, column, expected, found, outcome: 'Nothing was imported.' }) }
      return
    }
    for (const [at, [queryId, value]] of Object.entries(read.value).entries()) {
      const row = at + 1
      const answer = fitted(convertedAnswer, value)
      if (answer.ok) {
        const trajectory = trajectoryOfConverted(answer.value, queryId, `file:${file}#${row}`)
        yield { kind: 'trajectory', trajectory, opinions: [] }
        continue
      }
      const { column, expected, found } = answer
      const place = [queryId, ...(column === null ? [] : [column])].join('.')
      yield { kind: 'problem', rejects: true, problem: problemOf({ file, row, column: place, expected, found }) }
    }
  },
}
