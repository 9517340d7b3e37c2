/** RestBench-TMDB as a benchmark: whether the gold path occurs among the calls, and how many calls were made besides. */
import { chosenPath } from '../../records/trajectory'
import type { BenchmarkDefinition, Scorer } from '../benchmark'
import { EnvironmentError } from '../environment'
import { createTmdb, NAME, NEEDS, TITLE, tmdbSettings, type Tmdb } from './environment'
import { isCorrectPath } from './paths'

const DESCRIPTION =
  'A hundred questions about films and series; solved when the calls of the gold path were made, in order, and an answer was given.'

export const tmdbBenchmark: BenchmarkDefinition = {
  ...{ name: NAME, title: TITLE, description: DESCRIPTION, environment: NAME, needs: NEEDS, settings: tmdbSettings },
  async create(parts) {
    const environment = await createTmdb(parts)
    return {
      ...{ name: NAME, title: TITLE, description: DESCRIPTION, environment },
      splits: [{ name: 'exam', use: 'exam', queries: environment.queries.length }],
      queries: (split) => {
        if (split !== 'exam') throw new EnvironmentError('unknown-split', `${TITLE} has no split ${split}; it has exam.`)
        return environment.queries
      },
      scorers: [pathScorer(environment)],
      heldOut: new Set(),
      limits: { toolCalls: 12, maxContext: 16_384, maxNewTokens: 512 },
      // Whether the answer itself is right, people or a judge model decide.
      judge: 'correct-path',
      mustState: ['call_budget', 'world_hash', 'judge', 'strategy', 'temperature', 'sampling'],
    }
  },
}

/** `correct_path` is 0 or 1; `extra_calls` is there where the attempt solved its query. */
const pathScorer =
  ({ gold, routes }: Pick<Tmdb, 'gold' | 'routes'>): Scorer =>
  (trajectory, { query_id }) => {
    const expected = gold.get(query_id) ?? []
    const calls = chosenPath(trajectory).flatMap(({ step }) => step.calls.filter(({ error }) => error === undefined))
    const called = calls.flatMap(({ name }) => routes.get(name) ?? [])
    const isSolved = trajectory.status === 'solved'
    return {
      measures: {
        correct_path: Number(isCorrectPath(expected, called)),
        ...(isSolved ? { extra_calls: called.length - expected.length } : {}),
      },
    }
  }
