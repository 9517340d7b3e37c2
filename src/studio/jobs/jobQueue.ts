/** Jobs: one at a time on the GPU. */
import type { JobSnapshot, Reply } from '../../worker/protocol'
import { accept, refuse } from '../failure'
import { Job, type JobParts } from './job'
import type { JobWork } from './jobControl'

export interface JobQueue {
  start(work: JobWork): Reply<JobSnapshot>
  pause(jobId: string): Reply<null>
  resume(jobId: string): Reply<null>
  cancel(jobId: string): Reply<null>
  list(): readonly JobSnapshot[]
  /** Resolves when the job is over. */
  finished(jobId: string): Promise<JobSnapshot | null>
  /** Why no GPU job can start now; null when one can. */
  busy(): string | null
}

/** Ended jobs remembered. */
const KEPT = 50

export function createJobQueue(parts: JobParts): JobQueue {
  const jobs = new Map<string, Job>()
  const active = (): Job | undefined => [...jobs.values()].find((job) => job.isActive && job.work.usesGpu)
  const named = (jobId: string, act: (job: Job) => string | null): Reply<null> => {
    const job = jobs.get(jobId)
    if (!job) return refuse('unknown-job', 'This job is no longer known: it ended a while ago, or the page was reloaded.')
    if (!job.isActive) return refuse('over', `${job.work.title} is over.`)
    const problem = act(job)
    return problem === null ? accept(null) : refuse('state', problem)
  }
  const busy = (): string | null => {
    const running = active()
    return running ? `${running.work.title} is using the GPU. Wait until it ends, or cancel it first.` : null
  }
  return {
    start(work) {
      const problem = work.usesGpu ? busy() : null
      if (problem !== null) return refuse('busy', problem)
      const job = new Job(work, parts.newId('job'), parts)
      jobs.set(job.id, job)
      for (const old of [...jobs.values()].filter((one) => !one.isActive).slice(0, -KEPT)) jobs.delete(old.id)
      job.begin()
      return accept(job.snapshot())
    },
    pause: (jobId) => named(jobId, (job) => job.pause()),
    resume: (jobId) => named(jobId, (job) => job.resume()),
    cancel: (jobId) => named(jobId, (job) => job.cancel()),
    list: () => [...jobs.values()].map((job) => job.snapshot()),
    finished: async (jobId) => {
      const job = jobs.get(jobId)
      await job?.ended
      return job?.snapshot() ?? null
    },
    busy,
  }
}
