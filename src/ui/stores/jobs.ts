/** The last snapshot of each job. */
import { create } from 'zustand'
import { useShallow } from 'zustand/react/shallow'
import type { JobSnapshot, StudioEvent } from '../../worker/protocol'
import { listenToEvents } from './events'
import { useStudioState } from './studio'

interface JobsState {
  readonly byId: Readonly<Record<string, JobSnapshot>>
  /** Text the model is writing now, by run: the last 600 characters. */
  readonly tail: Readonly<Record<string, string>>
}
const useJobsState = create<JobsState>(() => ({ byId: {}, tail: {} }))

export const isActive = (job: JobSnapshot): boolean => job.state === 'running' || job.state === 'paused'

export function rememberJob(job: JobSnapshot): void {
  useJobsState.setState((state) => ({ byId: { ...state.byId, [job.job_id]: job } }))
}

function takeEvents(events: readonly StudioEvent[]): void {
  const jobs: Record<string, JobSnapshot> = {}
  const text: Record<string, string> = {}
  for (const event of events) {
    if (event.type === 'job') jobs[event.job.job_id] = event.job
    if (event.type === 'token') text[event.run_id] = (text[event.run_id] ?? '') + event.text
  }
  if (Object.keys(jobs).length === 0 && Object.keys(text).length === 0) return
  useJobsState.setState((state) => ({
    byId: { ...state.byId, ...jobs },
    tail: {
      ...state.tail,
      ...Object.fromEntries(Object.entries(text).map(([run, more]) => [run, ((state.tail[run] ?? '') + more).slice(-600)])),
    },
  }))
}
listenToEvents(takeEvents)

// A worker that was already at work when the page connected.
useStudioState.subscribe((state, before) => {
  if (state.live && state.live !== before.live) {
    void state.live.studio.jobs.list().then((jobs) => {
      for (const job of jobs) rememberJob(job)
    })
  }
})

/** All jobs of this tab, the newest last. */
export const useJobs = (): readonly JobSnapshot[] => useJobsState(useShallow((state) => Object.values(state.byId)))
export const useActiveJob = (): JobSnapshot | null => useJobsState((state) => Object.values(state.byId).findLast(isActive) ?? null)
export const useJobOfRun = (runId: string): JobSnapshot | null =>
  useJobsState((state) => Object.values(state.byId).findLast((job) => job.run_id === runId) ?? null)
export const useWritingNow = (runId: string): string => useJobsState((state) => state.tail[runId] ?? '')
/** Runs at work now, for code outside React. */
export const activeRunIds = (): readonly string[] =>
  Object.values(useJobsState.getState().byId)
    .filter(isActive)
    .map((job) => job.run_id)
