/** The catalogue of benchmarks whose answers can be scored without a model: the command `hone score` finds them by their name. */
import type { AnswerScorer } from './answerScorer'
import { bfclAnswers } from './bfcl/scorer'

export const answerScorers = {
  bfcl: bfclAnswers,
} as const satisfies Record<string, AnswerScorer>
