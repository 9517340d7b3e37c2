/** StableToolBench's solvable queries as a benchmark. Whether an answer solves its query is for a judge to say, after the rollouts. */
import { EnvironmentError } from '../environment'
import type { BenchmarkDefinition, Scorer } from '../benchmark'
import { stepsOf } from '../../records/trajectory'
import { createStableToolBench, stableToolBenchEnvironment } from './environment'

/**
 * The share of the relevant APIs that were called in any branch and got a reply, by standardized names; 1 where the query names none.
 * StepTool's table has a recall that no published code computes; this is not that number.
 */
const recallOfCalls: Scorer = (trajectory, query) => {
  const gold = new Set(query.goldTools)
  if (gold.size === 0) return { recall: 1 }
  const called = new Set(
    stepsOf(trajectory).flatMap(({ calls, replies }) =>
      calls.flatMap(({ name, error }, at) => (error === undefined && at < replies.length ? [name] : [])),
    ),
  )
  return { recall: [...gold].filter((name) => called.has(name)).length / gold.size }
}

export const stableToolBenchBenchmark: BenchmarkDefinition = {
  name: 'stabletoolbench',
  title: 'StableToolBench, solvable queries',
  description: 'Queries about APIs of RapidAPI in up to six sets; answers are judged after the rollouts.',
  environment: stableToolBenchEnvironment.name,
  ...(stableToolBenchEnvironment.needs === undefined ? {} : { needs: stableToolBenchEnvironment.needs }),
  ...(stableToolBenchEnvironment.settings === undefined ? {} : { settings: stableToolBenchEnvironment.settings }),
  usesSimulator: true,
  create: async (parts) => {
    const environment = await createStableToolBench(parts)
    const queries = [...environment.sets.values()].flat()
    if (queries.length === 0)
      throw new EnvironmentError(
        'protocol',
        `${parts.files?.title ?? 'The data'}: expected queries in test_instruction/, such as test_instruction/G1_instruction.json, found none.`,
      )
    return {
      ...{ name: 'stabletoolbench', title: stableToolBenchBenchmark.title, description: stableToolBenchBenchmark.description, environment },
      splits: [{ name: 'exam', use: 'exam', queries: queries.length }],
      queries: (split) => {
        if (split !== 'exam') throw new EnvironmentError('unknown-split', `StableToolBench has no split ${split}; it has exam.`)
        return queries
      },
      scorers: [recallOfCalls],
      heldOut: new Set(),
      // The release's limit of 12 nodes is 4 calls; 16 leave room for a search. A reply has at most 1024 characters.
      limits: { toolCalls: 16, maxContext: 8192, maxNewTokens: 1024 },
      judge: 'unjudged',
      mustState: ['call_budget', 'world_hash', 'judge', 'strategy', 'temperature', 'sampling'],
    }
  },
}
