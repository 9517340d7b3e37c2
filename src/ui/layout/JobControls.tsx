import { ActionIcon, Tooltip } from '@mantine/core'
import type { JobSnapshot } from '../../worker/protocol'
import { isActive } from '../queries/jobs'
import { useStudioState } from '../stores/studio'
import { Icon } from '../widgets/Icon'

/** Pause, resume and cancel speak to the engine worker, also while the recorded run is on screen. */
export function JobControls({ job }: { readonly job: JobSnapshot }) {
  const live = useStudioState((state) => state.live)
  if (!live || !isActive(job)) return null
  const paused = job.state === 'paused'
  return (
    <>
      <Tooltip label={paused ? 'Resume' : 'Pause'}>
        <ActionIcon
          size={22}
          aria-label={paused ? 'Resume the run' : 'Pause the run'}
          data-testid="job-pause"
          onClick={() => {
            void (paused ? live.studio.jobs.resume(job.job_id) : live.studio.jobs.pause(job.job_id))
          }}
        >
          <Icon name={paused ? 'play' : 'pause'} size={12} />
        </ActionIcon>
      </Tooltip>
      <Tooltip label="Cancel. Finished work is kept.">
        <ActionIcon
          size={22}
          aria-label="Cancel the run"
          data-testid="job-cancel"
          onClick={() => {
            void live.studio.jobs.cancel(job.job_id)
          }}
        >
          <Icon name="stop" size={12} />
        </ActionIcon>
      </Tooltip>
    </>
  )
}
