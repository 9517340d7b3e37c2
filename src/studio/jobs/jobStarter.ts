/** Starts jobs: at most one is prepared or at work on the GPU. */
import type { JobSnapshot, Reply } from '../../worker/protocol'
import { attempt, refuse } from '../failure'
import type { JobWork } from './jobControl'
import type { JobQueue } from './jobQueue'

export interface JobStarter {
  start(usesGpu: boolean, prepare: () => Promise<Reply<JobWork>>): Promise<Reply<JobSnapshot>>
}

export function createJobStarter(queue: JobQueue): JobStarter {
  /** Preparing takes a moment; a second click during it must not start a second job. */
  let isPreparing = false
  return {
    async start(usesGpu, prepare) {
      const busy = usesGpu ? (isPreparing ? 'Another job is about to start.' : queue.busy()) : null
      if (busy !== null) return refuse('busy', busy)
      if (usesGpu) isPreparing = true
      try {
        return await attempt('start', async () => {
          const work = await prepare()
          return work.ok ? queue.start(work.value) : work
        })
      } finally {
        if (usesGpu) isPreparing = false
      }
    },
  }
}
