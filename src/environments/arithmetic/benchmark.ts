/** Arithmetic as a benchmark: chains of operations, by their number, each to be computed with the tools. */
import type { BuiltInBenchmark } from '../benchmark'
import { arithmeticEnvironment, createArithmetic, SPLITS } from './environment'

export const arithmeticBenchmark: BuiltInBenchmark = {
  name: 'arithmetic',
  title: arithmeticEnvironment.title,
  description: 'Chains of one to three operations; a right answer counts when the tools gave it.',
  environment: arithmeticEnvironment.name,
  create: ({ seed }) => {
    const environment = createArithmetic(seed)
    return {
      ...{ name: 'arithmetic', title: arithmeticBenchmark.title, description: arithmeticBenchmark.description, environment },
      splits: [
        { name: 'exam', use: 'exam', queries: SPLITS.exam },
        { name: 'practice', use: 'practice', queries: SPLITS.practice },
      ],
      queries: (split) => environment.queries(split),
      scorers: ['copyExact'],
      heldOut: new Set(),
      // Three operations, a repeated call after the scripted failure, and two mistakes to recover from.
      limits: { toolCalls: 6, maxContext: 512, maxNewTokens: 48 },
      judge: 'world',
      mustState: ['call_budget', 'world_hash', 'judge', 'strategy', 'temperature', 'sampling'],
    }
  },
}
