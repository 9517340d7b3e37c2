/** The queries that a request names. */
import { splitFor, type Benchmark } from '../../environments/benchmark'
import type { Query } from '../../environments/environment'
import type { Reply } from '../../worker/protocol'
import { accept, refuse } from '../failure'

/** Of a split, or of a group of the exam such as `I1-tool`. */
export function queriesOf(benchmark: Benchmark, split: string): Reply<readonly Query[]> {
  const splits = benchmark.splits.map(({ name }) => name)
  if (splits.includes(split)) return accept(benchmark.queries(split))
  const exam = benchmark.queries(splitFor(benchmark, 'exam'))
  const group = exam.filter((query) => query.group === split)
  const groups = [...new Set(exam.map((query) => query.group))].sort()
  return group.length > 0
    ? accept(group)
    : refuse('unknown-split', `The ${benchmark.name} benchmark has no split ${split}; it has ${[...splits, ...groups].join(', ')}.`)
}
