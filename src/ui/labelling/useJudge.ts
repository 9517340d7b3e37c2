/** Asking a judge: the server, the trajectories, how many calls that is, and only then the sending. */
import { useState } from 'react'
import type { JudgePlan, JudgeSettings } from '../../worker/protocol'
import { useStartJob } from '../queries/jobs'
import { usePlanJudge, useTestJudge } from '../queries/judges'
import { judgeAddressProblem, judgePresets, type JudgePreset } from './judgePresets'

const firstPreset = judgePresets[0] as JudgePreset
/** It lives as long as the tab. The key is in the tab's memory and is never stored. */
let remembered: { readonly preset: string; readonly settings: JudgeSettings } = {
  preset: firstPreset.name,
  settings: { baseUrl: firstPreset.baseUrl, model: firstPreset.model, apiKey: '', repeats: 1, temperature: 0 },
}

export interface CountedCalls {
  readonly plan: JudgePlan
  /** The trajectories that were counted: they are the ones that are sent. */
  readonly ids: readonly string[]
}

export function useJudge(datasetId: string | null, ids: readonly string[]) {
  const test = useTestJudge()
  const asking = useCountAndSend(datasetId, ids)
  const { preset, settings, change, choosePreset } = useRememberedSettings(() => {
    asking.forgetCount()
    test.reset()
  })
  const addressProblem = judgeAddressProblem(settings.baseUrl)
  const isReady = addressProblem === null && settings.model !== ''
  return {
    preset,
    settings,
    change,
    choosePreset,
    addressProblem,
    test,
    canTest: isReady && !test.isPending,
    runTest: () => {
      test.mutate(settings)
    },
    canCount: datasetId !== null && ids.length > 0 && isReady,
    count: () => {
      asking.count(settings)
    },
    counted: asking.counted,
    forgetCount: asking.forgetCount,
    send: () => {
      asking.send(settings)
    },
    error: asking.error,
  }
}

/** The server and how it is asked, as they were last in this tab. `onChange` is called after every change. */
function useRememberedSettings(onChange: () => void) {
  const [preset, setPreset] = useState(remembered.preset)
  const [settings, setSettings] = useState(remembered.settings)
  const change = (patch: Partial<JudgeSettings>): void => {
    const next = { ...settings, ...patch }
    remembered = { ...remembered, settings: next }
    setSettings(next)
    onChange()
  }
  const choosePreset = (name: string): void => {
    const to = judgePresets.find((one) => one.name === name)
    if (!to) return
    remembered = { ...remembered, preset: name }
    setPreset(name)
    // A key belongs to one host: it never follows to another.
    change({ baseUrl: to.baseUrl, model: to.model, apiKey: '' })
  }
  return { preset: judgePresets.find((one) => one.name === preset) ?? firstPreset, settings, change, choosePreset }
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
