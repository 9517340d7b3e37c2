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
  const [preset, setPreset] = useState(remembered.preset)
  const [settings, setSettings] = useState(remembered.settings)
  const [counted, setCounted] = useState<CountedCalls | null>(null)
  const test = useTestJudge()
  const plan = usePlanJudge()
  const startJob = useStartJob()
  const addressProblem = judgeAddressProblem(settings.baseUrl)
  const isReady = addressProblem === null && settings.model !== ''

  const change = (patch: Partial<JudgeSettings>): void => {
    const next = { ...settings, ...patch }
    remembered = { ...remembered, settings: next }
    setSettings(next)
    setCounted(null)
    test.reset()
  }
  return {
    preset: judgePresets.find((one) => one.name === preset) ?? firstPreset,
    settings,
    change,
    choosePreset: (name: string): void => {
      const to = judgePresets.find((one) => one.name === name)
      if (!to) return
      remembered = { ...remembered, preset: name }
      setPreset(name)
      // A key belongs to one host: it never follows to another.
      change({ baseUrl: to.baseUrl, model: to.model, apiKey: '' })
    },
    addressProblem,
    test,
    canTest: isReady && !test.isPending,
    runTest: () => {
      test.mutate(settings)
    },
    canCount: datasetId !== null && ids.length > 0 && isReady,
    count: () => {
      if (datasetId === null) return
      startJob.reset()
      plan.mutate(
        { datasetId, trajectoryIds: ids, settings },
        {
          onSuccess: (made) => {
            setCounted({ plan: made, ids })
          },
        },
      )
    },
    counted,
    forgetCount: () => {
      setCounted(null)
    },
    send: () => {
      if (datasetId === null || !counted) return
      startJob.mutate(
        { kind: 'judge', dataset_id: datasetId, trajectory_ids: counted.ids, settings },
        {
          onSuccess: () => {
            setCounted(null)
          },
        },
      )
    },
    error: plan.error ?? startJob.error,
  }
}
export type Judge = ReturnType<typeof useJudge>
