/** A download while it runs, and how it ended. */
import { Button, Group, Text } from '@mantine/core'
import type { JobSnapshot } from '../../worker/protocol'
import { formatBytes, formatSeconds, visibleText } from '../format'
import { isActive } from '../queries/jobs'
import { useStudio } from '../stores/studio'
import { ErrorPanel } from '../widgets/ProblemList'
import classes from './models.module.css'

export function DownloadProgress({ job }: { readonly job: JobSnapshot }) {
  const studio = useStudio()
  if (!isActive(job)) {
    if (job.state === 'failed')
      return (
        <ErrorPanel title={`${visibleText(job.title)} stopped.`}>
          <span data-testid="download-error">{visibleText(job.error ?? '')}</span>
        </ErrorPanel>
      )
    const end = job.state === 'cancelled' ? `${job.title} was cancelled. The part that arrived is kept.` : job.message
    return (
      <Text role="status" data-testid="download-end">
        {visibleText(end)}
      </Text>
    )
  }
  const isPaused = job.state === 'paused'
  const isKnown = job.phase === 'downloading' && job.total > 0
  const rate = job.etaSeconds !== null && job.etaSeconds > 0 ? (job.total - job.done) / job.etaSeconds : null
  return (
    <div data-testid="download-progress" role="group" aria-label={job.title}>
      <Group justify="space-between" gap={8} mb={4}>
        <Text fw={600}>{visibleText(job.title)}</Text>
        <Group gap={8}>
          <Button
            size="compact-xs"
            onClick={() => {
              void (isPaused ? studio.jobs.resume(job.job_id) : studio.jobs.pause(job.job_id))
            }}
          >
            {isPaused ? 'Resume' : 'Pause'}
          </Button>
          <Button
            size="compact-xs"
            data-testid="download-cancel"
            onClick={() => {
              void studio.jobs.cancel(job.job_id)
            }}
          >
            Cancel
          </Button>
        </Group>
      </Group>
      <div
        className={classes.progress}
        role="progressbar"
        aria-label="Share that arrived"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={isKnown ? Math.floor((job.done / job.total) * 100) : 0}
      >
        <div style={{ width: `${isKnown ? Math.min(100, (job.done / job.total) * 100) : 0}%` }} />
      </div>
      <Text size="xs" mt={4} style={{ fontVariantNumeric: 'tabular-nums' }}>
        {isKnown ? `${formatBytes(job.done)} of ${formatBytes(job.total)}` : 'Asking the server'}
        {rate !== null && !isPaused && ` · ${formatBytes(rate)}/s · ${formatSeconds(job.etaSeconds ?? 0)} left`}
        {isPaused ? ' · paused' : job.message === '' ? '' : ` · ${visibleText(job.message)}`}
      </Text>
    </div>
  )
}
