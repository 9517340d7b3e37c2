/** The multi-turn items of the Berkeley Function Calling Leaderboard as a benchmark: 800 in four groups, judged by state and replies. */
import { EnvironmentError } from '../environment'
import type { BenchmarkDefinition } from '../benchmark'
import { createMultiTurnWorld, NAME, NEEDS, queryOf, TITLE } from './environment'

const DESCRIPTION =
  'Tasks in several turns, some with missing functions, missing details or long replies; solved when state and replies are right.'

export const multiTurnBenchmark: BenchmarkDefinition = {
  ...{ name: NAME, title: TITLE, description: DESCRIPTION, environment: NAME, needs: NEEDS },
  async create(parts) {
    const environment = await createMultiTurnWorld(parts)
    const queries = environment.items.map(queryOf)
    return {
      ...{ name: NAME, title: TITLE, description: DESCRIPTION, environment },
      splits: [{ name: 'exam', use: 'exam', queries: queries.length }],
      queries: (split) => {
        if (split !== 'exam') throw new EnvironmentError('unknown-split', `${TITLE} has no split ${split}; it has exam.`)
        return queries
      },
      scorers: [],
      heldOut: new Set(),
      // Twenty steps in each of at most eight turns; replies of the long-context items are long.
      limits: { toolCalls: 160, maxContext: 32_768, maxNewTokens: 512 },
      judge: 'bfcl_eval',
      mustState: ['call_budget', 'world_hash', 'judge', 'strategy', 'temperature', 'sampling'],
    }
  },
}
