/** Asking a judge: the server, the trajectories, how many calls that is, and only then the sending. */
import { useMemo, useState } from 'react'
import type { JudgePlan, JudgeSettings } from '../../worker/protocol'
import { useStartJob } from '../queries/jobs'
import { gatewayAddress, gatewayToken } from '../stores/gatewayToken'
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
  const asked = useMemo(() => withGatewayToken(settings), [settings])
  const addressProblem = judgeAddressProblem(settings.baseUrl)
  const isReady = addressProblem === null && settings.model !== ''
  return {
    preset,
    settings,
    change,
    choosePreset,
    addressProblem,
    /** Of these very settings: an answer about others is none. */
    test: test.variables === asked ? test : NOT_TESTED,
    canTest: isReady && !(test.isPending && test.variables === asked),
    runTest: () => {
      test.mutate(asked)
    },
    canCount: datasetId !== null && ids.length > 0 && isReady,
    count: () => {
      asking.count(asked)
    },
    counted: asking.counted,
    forgetCount: asking.forgetCount,
    send: () => {
      asking.send(asked)
    },
    error: asking.error,
  }
}

const NOT_TESTED = { data: undefined, error: null, errorCode: null, isPending: false } as const

/** To the gateway its token is the key. It goes to no other address. */
function withGatewayToken(settings: JudgeSettings): JudgeSettings {
  const token = gatewayToken()
  const isGateway = settings.baseUrl.replace(/\/+$/, '') === gatewayAddress(location)
  return isGateway && settings.apiKey === '' && token !== null ? { ...settings, apiKey: token } : settings
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
    change({ baseUrl: to.name === 'gateway' ? gatewayAddress(location) : to.baseUrl, model: to.model, apiKey: '' })
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
