/** The page where a job can be watched. */
import type { JobSnapshot } from '../../worker/protocol'
import { hrefs } from './hrefs'

export const jobHref = (job: JobSnapshot): string => {
  switch (job.kind) {
    case 'story':
      return hrefs.story(job.run_id)
    case 'train':
      return hrefs.run(job.run_id)
    case 'rollout':
      return hrefs.run(job.run_id)
    case 'evaluate':
      return hrefs.evaluate({ run: job.run_id })
    case 'judge':
      return hrefs.label()
    case 'download':
      return hrefs.models()
    case 'merge':
      return hrefs.run(job.run_id.replace(/\/merged$/, ''))
    default:
      return job.kind satisfies never
  }
}
