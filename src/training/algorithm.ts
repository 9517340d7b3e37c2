/** What a training algorithm says about itself. */
import type { z } from 'zod'
import type { AlarmKind } from '../records/alarms'
import type { RecipeInterop } from './recipes/interop'

/** What people ask about a metric when they see its chart, and the answer. */
export interface MetricQuestion {
  readonly question: string
  readonly answer: string
}

export interface Algorithm<Config extends z.ZodObject> {
  readonly name: string
  readonly title: string
  readonly paper: string
  readonly help: string
  readonly config: Config
  /** Every metric it reports, and what it means. */
  readonly metrics: Readonly<Record<string, string>>
  /** Number of its series colour, 1 to 7. */
  readonly colour: number
  readonly metricQuestions: Readonly<Record<string, MetricQuestion>>
  /** Kinds of alarms that do not apply to it, because its metric of that name means something else. */
  readonly alarmsOff: readonly AlarmKind[]
  /** What it can learn from: given trajectories, rollouts of its own, or both. */
  readonly learnsFrom: readonly ('files' | 'rollouts')[]
  /** How its settings are written for other programs and read from their files. */
  readonly interop: RecipeInterop<z.output<Config>>
}
