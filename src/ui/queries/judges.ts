import type { JudgePlan, JudgeSettings } from '../../worker/protocol'
import { useCommand, type Command } from './useCommand'

/** Whether the server answers, in a sentence. */
export const useTestJudge = (): Command<JudgeSettings, string> =>
  useCommand((studio, settings: JudgeSettings) => studio.judges.test(settings))

export interface JudgeQuestion {
  readonly datasetId: string
  readonly trajectoryIds: readonly string[]
  readonly settings: JudgeSettings
}
/** How many calls it would take; nothing is sent. */
export const usePlanJudge = (): Command<JudgeQuestion, JudgePlan> =>
  useCommand((studio, { datasetId, trajectoryIds, settings }: JudgeQuestion) => studio.judges.plan(datasetId, trajectoryIds, settings))
