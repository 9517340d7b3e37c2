/** One step while it is labelled: the rewards when it was opened, what is pointed at, and what that would make of them. */
import { useMemo, useState } from 'react'
import { stepsOf, type Trajectory } from '../../records/trajectory'
import type { LabelState } from '../../worker/protocol'
import { humanJudgement, rewardsWith, type Choice } from './reward'

export type Pointed = Choice | { readonly name: 'reward'; readonly value: number }

export interface LabelDraft {
  readonly before: readonly (number | null)[]
  readonly after: readonly (number | null)[]
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

export function useLabelDraft(trajectory: Trajectory | null, labels: LabelState | null, step: number, annotator: string): LabelDraft {
  const key = trajectory === null ? '' : `${trajectory.trajectory_id} ${step}`
  const now = useMemo(
    () => (trajectory ? stepsOf(trajectory) : []).map((_, index) => labels?.resolved[index]?.value ?? null),
    [trajectory, labels],
  )
  const [arrival, setArrival] = useState<Arrival>({ key: '', before: null, pointed: null, note: '' })
  // On arrival at a step the rewards are noted: they are the "before" of everything done there.
  if (arrival.key !== key || (arrival.before === null && labels !== null)) {
    setArrival({
      key,
      before: labels === null ? null : now,
      pointed: null,
      note: humanJudgement(labels?.opinions ?? [], step, annotator).note,
    })
  }
  const { pointed } = arrival
  const after = useMemo(
    () => (pointed && trajectory && labels ? rewardsWith(trajectory, labels.opinions, { step, ...pointed }, annotator) : now),
    [pointed, trajectory, labels, now, step, annotator],
  )
  return {
    before: arrival.before ?? now,
    after,
    point: (next) => {
      setArrival((state) => ({ ...state, pointed: next }))
    },
    note: arrival.note,
    setNote: (note) => {
      setArrival((state) => ({ ...state, note }))
    },
  }
}
