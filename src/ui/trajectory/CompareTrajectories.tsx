import { useMemo } from 'react'
import { Link } from 'wouter'
import { Anchor } from '@mantine/core'
import type { Trajectory } from '../../records/trajectory'
import type { LabelState } from '../../worker/protocol'
import { nameText } from '../format'
import { hrefs, type TrajectoryPlace } from '../navigation/hrefs'
import { RecordBoundary } from '../widgets/RecordBoundary'
import { alignTrajectories } from './align'
import { StepCard } from './StepCard'
import { stepOutcome } from './timelineLayout'
import lists from './lists.module.css'
import classes from './trajectory.module.css'
import { TrajectoryFacts } from './TrajectoryReader'
import { VisibleText } from './VisibleText'

/** 2–16 trajectories side by side, step against step, the first divergence marked. */
export function CompareTrajectories({
  trajectories,
  labels,
  place = {},
}: {
  readonly trajectories: readonly Trajectory[]
  readonly labels: ReadonlyMap<string, LabelState>
  readonly place?: TrajectoryPlace
}) {
  const alignment = useMemo(() => alignTrajectories(trajectories), [trajectories])
  const columns = { gridTemplateColumns: `repeat(${trajectories.length}, minmax(260px, 1fr))` }
  return (
    <div className={lists.compare} role="region" aria-label="Comparison" tabIndex={0}>
      <div style={{ display: 'grid', gap: 8, ...columns }}>
        {trajectories.map((trajectory) => (
          <div key={trajectory.trajectory_id} className={lists.compareCell}>
            <Anchor component={Link} href={hrefs.trajectory(trajectory.trajectory_id, place)} className={classes.mono}>
              <VisibleText text={trajectory.trajectory_id} most={200} />
            </Anchor>
            <div className={lists.rowTitle} title={nameText(trajectory.task.query)}>
              <VisibleText text={trajectory.task.query.trim()} />
            </div>
            <TrajectoryFacts trajectory={trajectory} />
          </div>
        ))}
      </div>
      {alignment.rows.map((row) => (
        <div key={row.position} style={{ display: 'grid', gap: 4 }}>
          {row.position === alignment.firstDivergence && (
            <div className={lists.divergence}>◆ First divergence, at step {row.position + 1}</div>
          )}
          <div style={{ display: 'grid', gap: 8, ...columns }}>
            {row.cells.map((cell, column) => {
              const trajectory = trajectories[column]
              const state = trajectory ? labels.get(trajectory.trajectory_id) : undefined
              return (
                <div key={trajectory?.trajectory_id ?? column} className={lists.compareCell}>
                  {cell && trajectory ? (
                    <RecordBoundary kind="Trajectory" name={trajectory.trajectory_id}>
                      <StepCard
                        index={cell.index}
                        step={cell.step}
                        outcome={stepOutcome(trajectory, cell.index)}
                        resolved={state?.resolved[cell.index] ?? null}
                        opinions={[]}
                        compact={row.same && column > 0}
                      />
                    </RecordBoundary>
                  ) : (
                    <div className={lists.absent}>Ended before this step.</div>
                  )}
                </div>
              )
            })}
          </div>
        </div>
      ))}
      {alignment.firstDivergence === null && alignment.rows.length > 0 && (
        <p className={classes.quiet}>The same calls and the same replies to the end.</p>
      )}
    </div>
  )
}
