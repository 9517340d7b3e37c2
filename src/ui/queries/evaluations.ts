import type { EvaluationRecord } from '../../records/evaluation'
import { keys } from './keys'
import { useStudioQuery, type StudioQuery } from './useStudioQuery'

export const useEvaluations = (): StudioQuery<readonly EvaluationRecord[]> =>
  useStudioQuery(keys.evaluations, (studio) => studio.evaluations.list())
