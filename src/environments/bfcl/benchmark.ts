/** BFCL's single-turn categories as a benchmark: one turn for each item, judged by the benchmark's own rules; the groups are its categories. */
import type { Benchmark, BenchmarkDefinition, Scorer } from '../benchmark'
import { EnvironmentError, type Query } from '../environment'
import { chosenPath } from '../../records/trajectory'
import { bfclEnvironment, createBfcl, NEEDS, type BfclEnvironment } from './environment'

export const bfclBenchmark: BenchmarkDefinition = {
  name: 'bfcl',
  title: 'BFCL version 4, single-turn',
  description:
    'Functions in Python, Java and JavaScript, one call or several, and questions that no function fits. Multi-turn and agentic categories need Python and are not asked.',
  environment: bfclEnvironment.name,
  needs: NEEDS,
  create: async (parts) => benchmarkIn(await createBfcl(parts)),
}

function benchmarkIn(environment: BfclEnvironment): Benchmark {
  return {
    ...{ name: bfclBenchmark.name, title: bfclBenchmark.title, description: bfclBenchmark.description, environment },
    splits: [{ name: 'exam', use: 'exam', queries: environment.queries.length }],
    queries: (split) => {
      if (split !== 'exam') throw new EnvironmentError('unknown-split', `BFCL has no split ${split}; it has exam.`)
      return environment.queries
    },
    scorers: [verdictOf(environment)],
    heldOut: new Set(),
    // The longest right answers have eight calls; the longest lists of functions take several thousand tokens.
    limits: { toolCalls: 32, maxContext: 8192, maxNewTokens: 512 },
    judge: 'bfcl-eval 2026.3.23 rules',
    mustState: ['call_budget', 'world_hash', 'judge', 'strategy', 'temperature', 'sampling'],
  }
}

/** An attempt that ended early has no verdict of its own: the calls of its first turn are judged as they stand, and nothing said is nothing solved. */
function verdictOf(environment: BfclEnvironment): Scorer {
  return (trajectory, query: Query) => {
    if (trajectory.stop_condition === 'finish') return { status: trajectory.status ?? 'unsolved' }
    const [first] = chosenPath(trajectory)
    const isSolved = first !== undefined && environment.judge(query, first.step.calls) === null
    return { status: isSolved ? 'solved' : 'unsolved' }
  }
}
