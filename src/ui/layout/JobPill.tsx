import { ActionIcon, Tooltip } from '@mantine/core'
import { useEffect } from 'react'
import { Link } from 'wouter'
import type { JobPhase, JobSnapshot } from '../../worker/protocol'
import { formatBytes, formatCount, formatSeconds } from '../format'
import { hrefs } from '../stores/hrefs'
import { useActiveJob } from '../stores/jobs'
import { holdScreen } from '../stores/pageEvents'
import { useStudioState } from '../stores/studio'
import { Icon } from '../widgets/Icon'
import classes from './frame.module.css'

const PHASE_WORDS: Readonly<Record<JobPhase, string>> = {
  starting: 'Starting',
  before: 'Before',
  rewards: 'Rewards',
  training: 'Training',
  after: 'After',
  rollout: 'Rolling out',
  evaluating: 'Evaluating',
  judging: 'Judging',
  downloading: 'Downloading',
  merging: 'Merging',
  measuring: 'Comparing',
  done: 'Done',
}
export const jobHref = (job: JobSnapshot): string => {
  switch (job.kind) {
    case 'story':
      return hrefs.story(job.run_id)
    case 'train':
      return hrefs.run(job.run_id)
    case 'evaluate':
      return hrefs.evaluate()
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

const isInBytes = ({ phase }: JobSnapshot): boolean => phase === 'downloading' || phase === 'merging'

/** Pause, resume and cancel speak to the engine worker, also while the recorded run is on screen. */
export function JobControls({ job }: { readonly job: JobSnapshot }) {
  const live = useStudioState((state) => state.live)
  if (!live || (job.state !== 'running' && job.state !== 'paused')) return null
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
      <Tooltip label="Cancel. What is finished is kept.">
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

/** What runs now; survives navigation. */
export function JobPill() {
  const job = useActiveJob()
  const working = job?.state === 'running'
  useEffect(() => {
    holdScreen(working)
  }, [working])
  if (!job) {
    return (
      <div className={`${classes.pill ?? ''} ${classes.idle ?? ''} ${classes.idlePill ?? ''}`} data-testid="job-pill">
        <span style={{ paddingRight: 4 }}>Idle</span>
      </div>
    )
  }
  const share = job.total > 0 ? Math.min(1, job.done / job.total) : 0
  const speed = job.tokensPerSecond === null ? '' : ` · ${formatCount(job.tokensPerSecond)} tok/s`
  const left = job.etaSeconds === null ? '' : ` · ${formatSeconds(job.etaSeconds)} left`
  return (
    <div
      className={`${classes.pill ?? ''} ${working ? (classes.pillLive ?? '') : ''}`}
      data-testid="job-pill"
      role="group"
      aria-label={`Job: ${job.title}`}
    >
      <Link href={jobHref(job)} title={`${job.title}: ${job.message}`}>
        {job.state === 'paused' ? 'Paused' : PHASE_WORDS[job.phase]}{' '}
        <span style={{ fontVariantNumeric: 'tabular-nums' }}>
          {isInBytes(job) ? formatBytes(job.done) : job.done}/{isInBytes(job) ? formatBytes(job.total) : job.total}
          <span className={classes.wide}>
            {speed}
            {left}
          </span>
        </span>
      </Link>
      <JobControls job={job} />
      <div
        className={classes.pillBar}
        style={{ width: `${share * 100}%` }}
        role="progressbar"
        aria-label="Progress of this phase"
        aria-valuenow={Math.round(share * 100)}
        aria-valuemin={0}
        aria-valuemax={100}
      />
    </div>
  )
}
