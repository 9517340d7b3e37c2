/** The state of the labelling desk at one step: what stood when it was opened, what is pointed at, and what that would make of the rewards. */
import { useMemo, useState } from 'react'
import type { Trajectory } from '../../records/trajectory'
import type { LabelState } from '../../worker/protocol'
import { humanJudgement, judgementReward, withReward, type Choice } from './reward'

export type Pointed = Choice | { readonly name: 'reward'; readonly value: number }

export interface LabelDesk {
  readonly before: readonly (number | null)[]
  readonly after: readonly (number | null)[]
  readonly pointed: Pointed | null
  readonly point: (pointed: Pointed | null) => void
  readonly note: string
  readonly setNote: (note: string) => void
}

interface Arrival {
  readonly key: string
  readonly before: readonly (number | null)[] | null
  readonly pointed: Pointed | null
  readonly note: string
}

export function useLabelDesk(trajectory: Trajectory | null, labels: LabelState | null, step: number): LabelDesk {
  const key = trajectory === null ? '' : `${trajectory.trajectory_id} ${step}`
  const now = useMemo(() => (trajectory?.steps ?? []).map((_, index) => labels?.resolved[index]?.value ?? null), [trajectory, labels])
  const [arrival, setArrival] = useState<Arrival>({ key: '', before: null, pointed: null, note: '' })
  // On arrival at a step the rewards are noted: they are the "before" of everything done there.
  if (arrival.key !== key || (arrival.before === null && labels !== null)) {
    setArrival({ key, before: labels === null ? null : now, pointed: null, note: humanJudgement(labels?.opinions ?? [], step).note })
  }
  const human = useMemo(() => humanJudgement(labels?.opinions ?? [], step), [labels, step])
  const after = useMemo(() => {
    const { pointed } = arrival
    if (!pointed) return now
    const value = judgementReward({ ...human.judgement, [pointed.name]: pointed.value }, pointed.name)
    return value === null ? now : withReward(now, step, value)
  }, [arrival, human, now, step])
  return {
    before: arrival.before ?? now,
    after,
    pointed: arrival.pointed,
    point: (pointed) => {
      setArrival((state) => ({ ...state, pointed }))
    },
    note: arrival.note,
    setNote: (note) => {
      setArrival((state) => ({ ...state, note }))
    },
  }
}
