/** A run story as the page shows it: the record, the job, the exam grids, and how far each phase is. */
import { useDeferredValue, useEffect, useMemo } from 'react'
import type { ExamCell, JobSnapshot, RunDetail } from '../../../worker/protocol'
import { useExam, type ExamPair } from '../../queries/exams'
import { isActive, useJobOfRun } from '../../queries/jobs'
import { useRun } from '../../queries/runs'
import { loadMetrics } from '../../stores/metricHistory'
import { phaseState, type PhaseState, type StoryPhase } from '../../story/storyModel'

export interface Story {
  readonly runId: string
  readonly detail: RunDetail | null
  readonly job: JobSnapshot | null
  readonly isRunning: boolean
  readonly error: string | null
  readonly exam: ExamPair
  readonly state: Readonly<Record<StoryPhase, PhaseState>>
  /** The first exam question that the model got wrong before training and whose trajectory is stored. */
  readonly firstWrong: ExamCell | undefined
}

export function useStory(runId: string): Story {
  const current = useJobOfRun(runId)
  // A new phase mounts charts and tables: they are drawn in slices.
  const job = useDeferredValue(current)
  const { data, error } = useRun(runId)
  const detail = data ?? null
  const exam = useExam(runId, detail)
  useEffect(() => {
    if (detail) loadMetrics(detail.run, detail.metrics)
  }, [detail])
  const firstWrong = useMemo(
    () => exam.before.cells.find((cell) => cell.status === 'unsolved' && cell.trajectory_id !== null),
    [exam.before],
  )
  const state = {
    before: phaseState('before', job, detail),
    rewards: phaseState('rewards', job, detail),
    training: phaseState('training', job, detail),
    after: phaseState('after', job, detail),
  }
  return { runId, detail, job, isRunning: job !== null && isActive(job), error, exam, state, firstWrong }
}
