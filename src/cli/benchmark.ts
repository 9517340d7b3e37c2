/** Benchmarks by name, and the queries of a split in a fixed order. */
import type { Benchmark, BenchmarkDefinition } from '../environments/benchmark'
import type { Query } from '../environments/environment'
import { benchmarks } from '../evaluation/benchmarks'
import { stratified } from '../studio/evaluations/evaluatePolicy'
import { queriesOf } from '../studio/evaluations/queries'
import { UsageError } from './command'
import { must } from './openStudio'

export const benchmarkNames = Object.keys(benchmarks) as (keyof typeof benchmarks)[]

/** null when there is no such benchmark. */
function definitionNamed(name: string): BenchmarkDefinition | null {
  return Object.entries<BenchmarkDefinition>(benchmarks).find(([known]) => known === name)?.[1] ?? null
}

export interface Exam {
  readonly benchmark: Benchmark
  readonly split: string
  readonly queries: readonly Query[]
}

/**
 * @param split a split of the benchmark, or a group of its exam such as `I1-tool`.
 * @param limit takes every group in its share, in a fixed order.
 */
export function openExam(name: string, split: string, limit: number | null): Exam {
  const benchmark = definitionNamed(name)?.create()
  if (!benchmark) throw new UsageError(`There is no benchmark ${name}; there is ${benchmarkNames.join(', ')}.`)
  const queries = must(queriesOf(benchmark, split))
  return { benchmark, split, queries: stratified(queries, limit ?? queries.length) }
}
