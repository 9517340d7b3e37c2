/** The jobs of this tab: listed once when the worker connects, then kept current by its events. */
import { skipToken, useQuery, useQueryClient, type QueryClient } from '@tanstack/react-query'
import type { JobRequest, JobSnapshot } from '../../worker/protocol'
import { useStudioState } from '../stores/studio'
import { studioKey } from './client'
import { keys } from './keys'
import { useCommand, type Command } from './useCommand'

export const isActive = (job: JobSnapshot): boolean => job.state === 'running' || job.state === 'paused'

/** Jobs belong to the live worker, also while the recorded run is on screen. */
function jobsKey(): readonly string[] {
  const { live } = useStudioState.getState()
  return [...keys.jobs, live === null ? 'no studio' : studioKey(live.studio)]
}
const jobsIn = (client: QueryClient): readonly JobSnapshot[] => client.getQueryData<readonly JobSnapshot[]>(jobsKey()) ?? []

/** The last snapshot of each job, in the order they were started. */
export function withJob(jobs: readonly JobSnapshot[], job: JobSnapshot): readonly JobSnapshot[] {
  return jobs.some(({ job_id }) => job_id === job.job_id) ? jobs.map((one) => (one.job_id === job.job_id ? job : one)) : [...jobs, job]
}

export function rememberJob(client: QueryClient, job: JobSnapshot): void {
  client.setQueryData<readonly JobSnapshot[]>(jobsKey(), (jobs = []) => withJob(jobs, job))
}
export const jobOf = (client: QueryClient, jobId: string): JobSnapshot | undefined => jobsIn(client).find(({ job_id }) => job_id === jobId)

/** Runs at work now, for code outside React. */
export const activeRunIds = (client: QueryClient): readonly string[] =>
  jobsIn(client)
    .filter(isActive)
    .map((job) => job.run_id)

function useJobsQuery<T>(select: (jobs: readonly JobSnapshot[]) => T): T | undefined {
  const client = useQueryClient()
  const live = useStudioState((state) => state.live)
  const key = [...keys.jobs, live === null ? 'no studio' : studioKey(live.studio)]
  // Snapshots that came as events while the list was on its way are newer than the list.
  const list = async (): Promise<readonly JobSnapshot[]> => {
    const listed = (await live?.studio.jobs.list()) ?? []
    return (client.getQueryData<readonly JobSnapshot[]>(key) ?? []).reduce(withJob, listed)
  }
  return useQuery({ queryKey: key, queryFn: live === null ? skipToken : list, select, refetchOnMount: true, gcTime: Infinity }).data
}

/** All jobs of this tab, the newest last. */
export const useJobs = (): readonly JobSnapshot[] => useJobsQuery((jobs) => jobs) ?? []
export const useActiveJob = (): JobSnapshot | null => useJobsQuery((jobs) => jobs.findLast(isActive) ?? null) ?? null
export const useJobOfRun = (runId: string): JobSnapshot | null =>
  useJobsQuery((jobs) => jobs.findLast((job) => job.run_id === runId) ?? null) ?? null

export function useStartJob(): Command<JobRequest, JobSnapshot> {
  const client = useQueryClient()
  return useCommand((studio, request: JobRequest) => studio.jobs.start(request), {
    onValue: (job) => {
      rememberJob(client, job)
    },
  })
}
