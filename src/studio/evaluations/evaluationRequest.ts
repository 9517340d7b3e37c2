/** What an evaluation asks of a policy, and how. */
import type { StrategyChoice } from '../../agents/strategies/strategyChoice'
import type { Benchmark } from '../../environments/benchmark'
import type { Query } from '../../environments/environment'
import type { EvaluationRecord } from '../../records/evaluation'
import type { SamplingFilters } from '../../records/samplingFilters'
import type { JobPhase } from '../../worker/protocol'

export interface EvaluationRequest extends StrategyChoice {
  readonly title: string
  readonly benchmark: Benchmark
  readonly split: string
  readonly queries: readonly Query[]
  readonly callBudget: number
  readonly temperature: number
  /** Absent: tokens are drawn from the model itself. */
  readonly sampling?: SamplingFilters
  readonly seed: number
  readonly model: EvaluationRecord['model']
  /** What the job says of itself meanwhile. */
  readonly shownAs: { readonly phase: JobPhase; readonly message: string }
}

/** Which grid it fills; also part of the trajectories' ids. */
export type ExamPhase = 'before' | 'after'
