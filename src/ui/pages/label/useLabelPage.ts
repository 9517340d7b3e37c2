/** The state of the labelling page: the queue, the open step, its suggestions, and what can be done with them. */
import { useCallback, useMemo } from 'react'
import { isAnswerStep } from '../../../annotation/resolver'
import { stepsOf, type Trajectory } from '../../../records/trajectory'
import type { LabelState, NewOpinion } from '../../../worker/protocol'
import { choiceOfKey, firstErrorCascade, humanJudgement, repeatedRows } from '../../labelling/reward'
import { acceptedOpinions, agreements, suggestionsFor, type Agreement, type Suggestion } from '../../labelling/stepSuggestions'
import { useLabelDraft, type LabelDraft } from '../../labelling/useLabelDraft'
import type { LabelActions } from '../../labelling/useLabelKeys'
import { useAnnotator, useLabelling, type Labelling } from '../../labelling/useLabelling'
import { useQueue, type Queue } from '../../labelling/useQueue'
import type { Source } from '../../trajectory/useSources'
import type { LabelUrl, SetLabelUrl } from './labelUrl'

type StepActions = Omit<LabelActions, 'compare' | 'askJudge' | 'train' | 'search'>

export interface LabelPageState {
  readonly queue: Queue
  readonly labels: LabelState | null
  readonly step: number
  readonly steps: number
  readonly isAnswer: boolean
  readonly annotator: string
  readonly draft: LabelDraft
  readonly labelling: Labelling
  readonly suggestions: readonly Suggestion[]
  readonly agreement: readonly Agreement[]
  readonly store: (rows: readonly NewOpinion[]) => void
  readonly acceptSuggestion: (suggestion: Suggestion | undefined) => void
  readonly actions: StepActions
}

function useAgreement({ trajectories, labels }: Queue): readonly Agreement[] {
  return useMemo(
    () =>
      agreements(
        trajectories.flatMap((one) => {
          const state = labels.get(one.trajectory_id)
          return state?.resolved.some((reward) => reward.from === 'HUMAN') ? [{ trajectory: one, labels: state }] : []
        }),
      ),
    [trajectories, labels],
  )
}

export function useLabelPage(source: Source | null, url: LabelUrl, setUrl: SetLabelUrl): LabelPageState {
  const annotator = useAnnotator()
  const queue = useQueue(source, url)
  const { trajectory } = queue
  const steps = trajectory ? stepsOf(trajectory).length : 0
  const step = Math.max(0, Math.min(url.step, steps - 1))
  const labels = trajectory ? (queue.labels.get(trajectory.trajectory_id) ?? null) : null
  const draft = useLabelDraft(trajectory, labels, step, annotator)
  const onUndone = useCallback(
    (id: string, at: number) => {
      setUrl({ id, step: at })
    },
    [setUrl],
  )
  const labelling = useLabelling(trajectory, labels, { source: source?.key ?? '', onUndone })
  const suggestions = useMemo(
    () => (trajectory ? suggestionsFor(trajectory, labels?.opinions ?? [], step, annotator) : []),
    [trajectory, labels, step, annotator],
  )
  const agreement = useAgreement(queue)
  const isAnswer = trajectory !== null && isAnswerStep(trajectory, step)

  const store = (rows: readonly NewOpinion[]): void => {
    // A label was given, so nothing is pointed at any more.
    draft.point(null)
    labelling.store(rows)
  }
  const acceptSuggestion = (suggestion: Suggestion | undefined): void => {
    if (trajectory && suggestion) store(acceptedOpinions(trajectory, step, suggestion))
  }
  const actions: StepActions = {
    step: (by) => {
      setUrl({ step: Math.max(0, Math.min(steps - 1, step + by)) })
    },
    trajectory: (by) => {
      const at = queue.rows.findIndex((row) => row.trajectory.trajectory_id === queue.selectedId)
      const next = queue.rows[Math.max(0, Math.min(queue.rows.length - 1, at + by))]
      if (next) setUrl({ id: next.trajectory.trajectory_id, step: 0 })
    },
    judge: (key) => {
      const choice = choiceOfKey(key, isAnswer)
      if (!trajectory || !choice) return
      const isGiven = humanJudgement(labels?.opinions ?? [], step, annotator).judgement[choice.name] === choice.value
      if (!isGiven) store([{ trajectory_id: trajectory.trajectory_id, step, ...choice, rationale: draft.note }])
    },
    accept: () => {
      acceptSuggestion(suggestions[0])
    },
    acceptRest: () => {
      if (trajectory && labels) store(acceptedFrom(trajectory, labels, step, annotator))
    },
    firstError: () => {
      if (!trajectory) return
      const isAnswerAt = stepsOf(trajectory).map((_, index) => isAnswerStep(trajectory, index))
      store(firstErrorCascade(trajectory.trajectory_id, step, isAnswerAt))
    },
    undo: labelling.undo,
    repeat: () => {
      if (!trajectory) return
      const last = labelling.last()
      const opinions = last === null ? [] : (queue.labels.get(last.trajectoryId)?.opinions ?? [])
      const { rows, problem } = repeatedRows(humanJudgement(opinions, last?.step ?? 0, annotator), {
        ...{ trajectoryId: trajectory.trajectory_id, step, isAnswer },
      })
      if (problem === null) store(rows)
      else labelling.say(problem)
    },
  }
  return { queue, labels, step, steps, isAnswer, annotator, draft, labelling, suggestions, agreement, store, acceptSuggestion, actions }
}

/** The first suggestion of this step and of every later one that no person has labelled. */
function acceptedFrom(trajectory: Trajectory, labels: LabelState, from: number, annotator: string): NewOpinion[] {
  return stepsOf(trajectory).flatMap((_, index) => {
    const first = suggestionsFor(trajectory, labels.opinions, index, annotator)[0]
    return index < from || labels.resolved[index]?.from === 'HUMAN' || !first ? [] : acceptedOpinions(trajectory, index, first)
  })
}
