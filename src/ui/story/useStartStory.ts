import type { JobRequest, JobSnapshot } from '../../worker/protocol'
import { hrefs } from '../navigation/hrefs'
import { navigate } from '../navigation/location'
import { useStartJob } from '../queries/jobs'

export type StoryRequest = Extract<JobRequest, { kind: 'story' }>

/** Starts a run story and opens its page; `error` says why the studio refused. */
export function useStartStory(): {
  readonly start: (request: StoryRequest) => void
  readonly isStarting: boolean
  readonly error: string | null
} {
  const { mutate, isPending, error } = useStartJob()
  const open = (job: JobSnapshot): void => {
    navigate(hrefs.story(job.run_id))
  }
  return {
    start: (request) => {
      mutate(request, { onSuccess: open })
    },
    isStarting: isPending,
    error,
  }
}
