/** StepTool's and StableToolBench's answer to one query: `608_CoT@1.json`, `608_DFS_woFilter_w2.json`, in the newer and the older shape. */
import { answerFile } from '../answers/answerFile'
import { trajectoryOfAnswer } from '../answers/readAnswer'
import { problemOf } from '../problem'
import type { DatasetFormat, FormatItem, FormatSource } from './format'
import { fitted, readWhole } from './wholeJson'

export const steptoolAnswer: DatasetFormat = {
  name: 'steptoolAnswer',
  title: 'The answer to one query, with its tries or its search tree (StepTool, StableToolBench)',
  recognise(name, head) {
    const start = head.trimStart()
    if (/^\{\s*"win"\s*:/.test(start) && /"(?:try_count|trys|tree)"\s*:/.test(start)) return 1
    if (start.startsWith('{') && /"answer_generation"\s*:/.test(start)) return 0.9
    return /_(?:CoT@\d+|DFS_\w+)\.json$/i.test(name) && start.startsWith('{') ? 0.3 : 0
  },
  async *read(source: FormatSource): AsyncGenerator<FormatItem> {
    const whole = await readWhole(source, 'a JSON object')
    const read = whole.ok ? fitted(answerFile, whole.value) : whole
    if (read.ok) {
      const trajectory = trajectoryOfAnswer(read.value, source.name)
      yield { kind: 'trajectory', trajectory, opinions: [] }
      return
    }
    const { column, expected, found } = read
    yield { kind: 'problem', rejects: true, problem: problemOf({ file: source.name, row: 1, column, expected, found }) }
  },
}
