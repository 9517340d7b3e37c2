/** Asking a judge: the server, the trajectories, how many calls that is, and only then the sending. */
import { useMemo, useState } from 'react'
import type { JudgePlan, JudgeSettings, ServerModel } from '../../worker/protocol'
import { useStartJob } from '../queries/jobs'
import { usePlanJudge, useTestJudge } from '../queries/judges'
import { testOf, useServer } from '../servers/useServer'

/** How the judge is asked. */
type Manner = Pick<JudgeSettings, 'repeats' | 'temperature'>
/** It lives as long as the tab. */
let remembered: Manner = { repeats: 1, temperature: 0 }

export interface CountedCalls {
  readonly plan: JudgePlan
  /** The trajectories that were counted: they are the ones that are sent. */
  readonly ids: readonly string[]
}

export function useJudge(datasetId: string | null, ids: readonly string[]) {
  const test = useTestJudge()
  const asking = useCountAndSend(datasetId, ids)
  const forget = (): void => {
    asking.forgetCount()
    test.reset()
  }
  const server = useServer('judge', forget)
  const [manner, setManner] = useState(remembered)
  const changeManner = (patch: Partial<Manner>): void => {
    remembered = { ...manner, ...patch }
    setManner(remembered)
    forget()
  }
  const { model } = server
  const asked = useMemo(() => (model === null ? null : judgeSettings(model, manner)), [model, manner])
  return {
    ...{ server, manner, changeManner },
    test: testOf(test, asked),
    canCount: datasetId !== null && ids.length > 0 && asked !== null,
    count: () => {
      if (asked !== null) asking.count(asked)
    },
    counted: asking.counted,
    forgetCount: asking.forgetCount,
    send: () => {
      if (asked !== null) asking.send(asked)
    },
    error: asking.error,
  }
}

function judgeSettings({ baseUrl, model, apiKey, concurrency, maxTokens }: ServerModel, manner: Manner): JudgeSettings {
  return {
    ...{ baseUrl, model, apiKey, ...manner },
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(maxTokens === undefined ? {} : { maxTokens }),
  }
}

/** Counts the calls that judging would take, and starts the job for what was counted. */
function useCountAndSend(datasetId: string | null, ids: readonly string[]) {
  const [counted, setCounted] = useState<CountedCalls | null>(null)
  const plan = usePlanJudge()
  const startJob = useStartJob()
  const forgetCount = (): void => {
    setCounted(null)
  }
  const count = (settings: JudgeSettings): void => {
    if (datasetId === null) return
    startJob.reset()
    const onSuccess = (made: JudgePlan): void => {
      setCounted({ plan: made, ids })
    }
    plan.mutate({ datasetId, trajectoryIds: ids, settings }, { onSuccess })
  }
  const send = (settings: JudgeSettings): void => {
    if (datasetId === null || !counted) return
    startJob.mutate({ kind: 'judge', dataset_id: datasetId, trajectory_ids: counted.ids, settings }, { onSuccess: forgetCount })
  }
  return { counted, count, forgetCount, send, error: plan.error ?? startJob.error }
}
export type Judge = ReturnType<typeof useJudge>
