import type { JobRequest } from '../../worker/protocol'
import type { StudioApi } from '../../worker/studioApi'
import { hrefs } from '../stores/hrefs'
import { rememberJob } from '../stores/jobs'
import { navigate } from '../stores/location'

export type StoryRequest = Extract<JobRequest, { kind: 'story' }>

/** Starts a run story and opens its page. Resolves to a sentence when the studio refuses. */
export async function startStory(studio: StudioApi, request: StoryRequest): Promise<string | null> {
  const reply = await studio.jobs.start(request)
  if (!reply.ok) return reply.message
  rememberJob(reply.value)
  navigate(hrefs.story(reply.value.run_id))
  return null
}
