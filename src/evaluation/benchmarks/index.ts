/** The catalogue of benchmarks. */
import { arithmeticBenchmark } from '../../environments/arithmetic/benchmark'
import type { BenchmarkDefinition } from '../../environments/benchmark'
import { starterBenchmark } from '../../environments/starter/benchmark'

export const benchmarks = {
  starter: starterBenchmark,
  arithmetic: arithmeticBenchmark,
} as const satisfies Record<string, BenchmarkDefinition>
