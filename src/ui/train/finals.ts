/** The exams of a run, with the pass rate of each. */
import type { EvaluationRecord } from '../../records/evaluation'
import type { RunRecord } from '../../records/run'
import type { RateWithInterval } from '../../worker/protocol'
import { passRate, queryScores } from '../evaluation/rates'

export interface Finals {
  readonly record: EvaluationRecord
  readonly rate: RateWithInterval
}
export function finalsOf(run: RunRecord, evaluations: readonly EvaluationRecord[]): readonly Finals[] {
  return run.evaluations.flatMap((id) => {
    const record = evaluations.find((one) => one.evaluation_id === id)
    return record ? [{ record, rate: passRate(queryScores(record.rows, record.call_budget)) }] : []
  })
}
