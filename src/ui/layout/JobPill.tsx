import { useEffect } from 'react'
import { Link } from 'wouter'
import type { JobPhase } from '../../worker/protocol'
import { jobHref } from '../navigation/jobHref'
import { useActiveJob } from '../queries/jobs'
import { holdScreen } from '../stores/pageEvents'
import { JobControls } from './JobControls'
import { countText, paceText } from './jobProgress'
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
  const pace = paceText(job)
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
          {countText(job)}
          <span className={classes.wide}>{pace === '' ? '' : ` · ${pace}`}</span>
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
