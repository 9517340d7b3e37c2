/** ToolHop as a benchmark: its questions are one exam, its answers are scored by both rules, and calls that raised are counted. */
import { chosenPath, type Trajectory } from '../../records/trajectory'
import type { BenchmarkDefinition, Scorer } from '../benchmark'
import { EnvironmentError } from '../environment'
import { isRightOriginally, isRightStrictly } from './answers'
import { createToolHop, NAME, NEEDS, TITLE } from './environment'
import { MOST_TURNS } from './episode'
import { toolHopSettings } from './settings'

const DESCRIPTION =
  'Questions of several hops; solved when the right answer occurs in the last words or the last reply (original rule), or is the answer (strict).'

export const toolHopBenchmark: BenchmarkDefinition = {
  ...{ name: NAME, title: TITLE, description: DESCRIPTION, environment: NAME, needs: NEEDS, settings: toolHopSettings },
  async create(parts) {
    const environment = await createToolHop(parts)
    return {
      ...{ name: NAME, title: TITLE, description: DESCRIPTION, environment },
      splits: [{ name: 'exam', use: 'exam', queries: environment.queries.length }],
      queries: (split) => {
        if (split !== 'exam') throw new EnvironmentError('unknown-split', `${TITLE} has no split ${split}; it has exam.`)
        return environment.queries
      },
      scorers: [answerScorer(environment.answers), invocationErrors],
      heldOut: new Set(),
      // A turn may hold several calls.
      limits: { toolCalls: 4 * MOST_TURNS, maxContext: 8192, maxNewTokens: 1024 },
      judge: 'answer',
      mustState: ['call_budget', 'world_hash', 'judge', 'strategy', 'temperature', 'sampling'],
    }
  },
}

const answerScorer =
  (answers: ReadonlyMap<string, string>): Scorer =>
  (trajectory, { query_id }) => {
    const golden = answers.get(query_id) ?? ''
    const said = trajectory.answer
    const lastReply = repliesOf(trajectory).at(-1) ?? null
    return {
      measures: {
        original_correct: Number(said !== null && isRightOriginally(golden, said, lastReply)),
        strict_correct: Number(said !== null && isRightStrictly(golden, said)),
      },
    }
  }

const repliesOf = (trajectory: Trajectory): string[] =>
  chosenPath(trajectory).flatMap(({ step }) => step.replies.map(({ content }) => content))

/** Calls that could not be read, named no tool of the item, or raised an exception. */
const invocationErrors: Scorer = (trajectory) => {
  const replies = repliesOf(trajectory)
  const isError = (text: string): boolean => text.startsWith('an error occured when call ')
  const unreadable = chosenPath(trajectory).flatMap(({ step }) => step.calls.filter(({ error }) => error !== undefined)).length
  return { measures: { invocation_errors: replies.filter(isError).length + unreadable } }
}
