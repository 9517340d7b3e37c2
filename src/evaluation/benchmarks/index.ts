/** The catalogue of benchmarks. */
import { arithmeticBenchmark } from '../../environments/arithmetic/benchmark'
import { bfclBenchmark } from '../../environments/bfcl/benchmark'
import { multiTurnBenchmark } from '../../environments/bfclMultiTurn/benchmark'
import type { BenchmarkDefinition } from '../../environments/benchmark'
import { querySetBenchmark } from '../../environments/querySet/benchmark'
import { stableToolBenchBenchmark } from '../../environments/stabletoolbench/benchmark'
import { starterBenchmark } from '../../environments/starter/benchmark'
import { tmdbBenchmark } from '../../environments/tmdb/benchmark'
import { toolHopBenchmark } from '../../environments/toolhop/benchmark'

export const benchmarks = {
  starter: starterBenchmark,
  arithmetic: arithmeticBenchmark,
  'query-set': querySetBenchmark,
  bfcl: bfclBenchmark,
  'bfcl-multi-turn': multiTurnBenchmark,
  toolhop: toolHopBenchmark,
  tmdb: tmdbBenchmark,
  stabletoolbench: stableToolBenchBenchmark,
} as const satisfies Record<string, BenchmarkDefinition>
