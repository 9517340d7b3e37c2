/** `studio.jobs`: what a request would need, starting it, and what runs now. */
import type { JobRequest, Reply } from '../../worker/protocol'
import type { JobsApi } from '../../worker/studioApi'
import { evaluateWork } from '../evaluations/evaluateJob'
import { rolloutWork } from '../evaluations/rolloutJob'
import type { Judges } from '../labels/judges'
import type { Merges } from '../models/mergeJob'
import type { RemoteModels } from '../models/remoteModels'
import { estimateJob } from '../runs/estimateJob'
import { estimateTime } from '../runs/estimateTime'
import { preflightJob } from '../runs/preflightJob'
import { storyWork } from '../runs/storyJob'
import { trainWork } from '../runs/trainJob'
import { checkedRequest } from './checkedRequest'
import type { JobContext } from './jobContext'
import type { JobWork } from './jobControl'
import type { JobQueue } from './jobQueue'
import type { JobStarter } from './jobStarter'

interface JobModules {
  readonly queue: JobQueue
  readonly starter: JobStarter
  readonly context: JobContext
  readonly judges: Judges
  readonly remote: RemoteModels
  readonly merges: Merges
}

export function createJobsApi(modules: JobModules): JobsApi {
  const { queue, starter, context } = modules
  return {
    list: () => Promise.resolve(queue.list()),
    estimateMemory: (request, memoryBytes) => estimateJob(request, context, memoryBytes),
    estimateTime: (request) => estimateTime(request, context),
    preflight: (request, memoryBytes) => preflightJob(request, context, memoryBytes),
    async start(asked) {
      const request = checkedRequest(asked)
      if (!request.ok) return request
      const { value } = request
      return starter.start(needsGpu(value), () => workOf(value, modules))
    },
    pause: (id) => Promise.resolve(queue.pause(id)),
    resume: (id) => Promise.resolve(queue.resume(id)),
    cancel: (id) => Promise.resolve(queue.cancel(id)),
  }
}

function needsGpu(request: JobRequest): boolean {
  if (request.kind === 'evaluate' || request.kind === 'rollout') return request.server === undefined
  return request.kind !== 'judge' && request.kind !== 'download'
}

function workOf(request: JobRequest, { context, judges, remote, merges }: JobModules): Promise<Reply<JobWork>> {
  switch (request.kind) {
    case 'story':
      return storyWork(request, context)
    case 'train':
      return trainWork(request, context)
    case 'evaluate':
      return evaluateWork(request, context)
    case 'rollout':
      return rolloutWork(request, context)
    case 'judge':
      return judges.job(request, context.newId('judge'))
    case 'download':
      return remote.job(request.model, context.newId('download'))
    case 'merge':
      return merges.job(request)
    default:
      return request satisfies never
  }
}
