import { Title } from '@mantine/core'
import type { ReactNode } from 'react'
import type { JobSnapshot } from '../../worker/protocol'
import { progressText } from '../layout/jobProgress'
import { Term } from '../widgets/Term'
import type { PhaseState } from './storyModel'
import classes from './story.module.css'

interface PhaseSectionProps {
  readonly number: number
  readonly title: string
  readonly set: 'exam' | 'practice'
  readonly about: string
  readonly state: PhaseState
  /** The run's job while this phase is at work. */
  readonly job: JobSnapshot | null
  readonly aside?: ReactNode
  readonly children?: ReactNode
}

function stateText(state: PhaseState, job: JobSnapshot | null): string {
  switch (state) {
    case 'waiting':
      return 'waiting'
    case 'done':
      return 'done'
    case 'stopped':
      return 'stopped here'
    case 'working': {
      return (job && progressText(job)) || 'working'
    }
    default:
      return state satisfies never
  }
}

/** One phase of the story: its number, its set, how far it is, and what it found. */
export function PhaseSection({ number, title, set, about, state, job, aside, children }: PhaseSectionProps) {
  const share = state === 'working' && job && job.total > 0 ? Math.min(1, job.done / job.total) : 0
  return (
    <section className={classes.phase} data-state={state} data-phase={title.toLowerCase()} aria-label={title}>
      <div className={classes.phaseHead}>
        <span className={classes.number} aria-hidden="true">
          {number}
        </span>
        <Title order={2}>{title}</Title>
        <span className={classes.set}>
          <Term of={set}>{set}</Term>
        </span>
        <span className={classes.dim}>{about}</span>
        <span className={classes.spacer} />
        {aside}
        <span className={classes.dim} style={{ fontVariantNumeric: 'tabular-nums' }}>
          {stateText(state, job)}
        </span>
      </div>
      {state === 'working' && (
        <div className={classes.bar}>
          <div style={{ width: `${share * 100}%` }} />
        </div>
      )}
      {state !== 'waiting' && children !== undefined && <div className={classes.phaseBody}>{children}</div>}
    </section>
  )
}
