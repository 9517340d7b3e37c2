/** How far a job is, in one line. */
import { activityText } from '../../base/activity'
import type { JobSnapshot } from '../../worker/protocol'
import { formatBytes, formatCount, formatSeconds } from '../format'

const isInBytes = ({ phase }: JobSnapshot): boolean => phase === 'downloading' || phase === 'merging'

/** `3 of 20`; empty while a phase does not count. */
export function countText(job: JobSnapshot): string {
  if (job.total === 0) return ''
  const text = (value: number): string => (isInBytes(job) ? formatBytes(value) : String(value))
  return `${text(job.done)} of ${text(job.total)}`
}

/** What the GPU is busy with, how fast, and the time left: what is known of them. */
export function paceText(job: JobSnapshot): string {
  return [
    job.activity ? activityText(job.activity) : null,
    job.tokensPerSecond === null ? null : `${formatCount(job.tokensPerSecond)} tok/s`,
    job.etaSeconds === null ? null : `${formatSeconds(job.etaSeconds)} left`,
  ]
    .filter((part) => part !== null)
    .join(' · ')
}

/** `paused at 3 of 20 · updating, part 2 of 16 · 812 tok/s · 4 min left`. */
export function progressText(job: JobSnapshot): string {
  const [count, pace] = [countText(job), paceText(job)]
  const where = job.state === 'paused' ? (count === '' ? 'paused' : `paused at ${count}`) : count
  return [where, pace].filter((text) => text !== '').join(' · ')
}
