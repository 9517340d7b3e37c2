/** The catalogue of benchmarks. */
import type { BenchmarkDefinition } from '../../environments/benchmark'
import { starterBenchmark } from '../../environments/starter/benchmark'

export const benchmarks = { starter: starterBenchmark } as const satisfies Record<string, BenchmarkDefinition>
