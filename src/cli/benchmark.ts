/** Benchmarks by name, what the user gives them, and the queries of a split in a fixed order. */
import { resolve } from 'node:path'
import { z } from 'zod'
import { isBuiltIn, type Benchmark, type BenchmarkDefinition } from '../environments/benchmark'
import type { Query } from '../environments/environment'
import { benchmarks } from '../evaluation/benchmarks'
import { stratified } from '../studio/evaluations/evaluatePolicy'
import { queriesOf } from '../studio/evaluations/queries'
import { UsageError } from './command'
import { settingsIn } from './jsonSettings'
import { must } from './openStudio'
import { simulatorGiven, simulatorOptions } from './serverOptions'

export const benchmarkNames = Object.keys(benchmarks) as (keyof typeof benchmarks)[]

/** Flags for benchmarks that need data or have settings. */
export const benchmarkOptions = {
  benchmarkData: z.string().optional().meta({ help: 'file, folder or zip with the data of a benchmark that needs some' }),
  benchmarkSettings: z
    .string()
    .optional()
    .meta({ help: 'settings of the benchmark as JSON, such as {"switch": true}; by default its usual ones' }),
  ...simulatorOptions,
}

/** The part of a request that the flags give. Throws UsageError for settings that are no JSON object. */
export function benchmarkGiven({ benchmarkData, benchmarkSettings, ...simulator }: z.output<z.ZodObject<typeof benchmarkOptions>>) {
  return {
    ...simulatorGiven(simulator),
    ...(benchmarkData === undefined ? {} : { benchmarkData: resolve(benchmarkData) }),
    ...(benchmarkSettings === undefined ? {} : { benchmarkSettings: settingsIn('--benchmark-settings', benchmarkSettings) }),
  }
}

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
  const definition = definitionNamed(name)
  if (!definition) throw new UsageError(`There is no benchmark ${name}; there is ${benchmarkNames.join(', ')}.`)
  if (!isBuiltIn(definition)) throw new UsageError(`${definition.title} needs ${definition.needs ?? 'data'}, which cannot be given here.`)
  const benchmark = definition.create({})
  const queries = must(queriesOf(benchmark, split))
  return { benchmark, split, queries: stratified(queries, limit ?? queries.length) }
}
