import { useVirtualizer } from '@tanstack/react-virtual'
import { useRef } from 'react'
import { stepsOf, type Trajectory } from '../../records/trajectory'
import type { LabelState } from '../../worker/protocol'
import { nameText } from '../format'
import { VisibleText } from '../trajectory/VisibleText'
import { StatusMark } from '../widgets/StatusMark'
import classes from './dataset.module.css'

const ROW_HEIGHT = 30

interface RowsProps {
  readonly trajectories: readonly Trajectory[]
  readonly labels: ReadonlyMap<string, LabelState>
  readonly selected: string | null
  readonly onSelect: (trajectoryId: string) => void
}

const rewardText = (state: LabelState | undefined): string =>
  state ? state.resolved.map((one) => (one.value === null ? '–' : one.value.toFixed(2))).join(' ') : ''

/** Every trajectory of a file, one line each; virtual, so a million rows cost what thirty do. */
export function RowsTable({ trajectories, labels, selected, onSelect }: RowsProps) {
  const scroller = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: trajectories.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 10,
    initialRect: { width: 600, height: 600 },
  })
  const height = `min(55dvh, ${(Math.max(1, trajectories.length) + 1) * ROW_HEIGHT + 2}px)`
  return (
    <div ref={scroller} className={classes.table} style={{ height }} role="region" aria-label="Rows of the file" tabIndex={0}>
      <div role="table" aria-rowcount={trajectories.length + 1} aria-label="Trajectories">
        <div role="rowgroup" className={classes.headRow}>
          <div role="row" className={classes.grid} aria-rowindex={1}>
            {['#', 'Question', 'Steps', 'Calls', 'Rewards', 'Status'].map((name) => (
              <span
                key={name}
                role="columnheader"
                className={`${classes.cell ?? ''} ${['#', 'Steps', 'Calls'].includes(name) ? (classes.num ?? '') : ''}`}
              >
                {name}
              </span>
            ))}
          </div>
        </div>
        <div role="rowgroup" style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {virtual.getVirtualItems().map((item) => {
            const trajectory = trajectories[item.index]
            if (!trajectory) return null
            const id = trajectory.trajectory_id
            const open = (): void => {
              onSelect(id)
            }
            return (
              <div
                key={id}
                role="row"
                aria-rowindex={item.index + 2}
                className={`${classes.grid ?? ''} ${classes.bodyRow ?? ''}`}
                data-testid="trajectory-row"
                data-trajectory={id}
                aria-current={id === selected ? 'true' : undefined}
                style={{ position: 'absolute', top: 0, height: ROW_HEIGHT, transform: `translateY(${item.start}px)` }}
                tabIndex={0}
                onClick={open}
                onKeyDown={(event) => {
                  if (event.key === 'Enter' || event.key === ' ') {
                    event.preventDefault()
                    open()
                  }
                }}
              >
                <span role="cell" className={`${classes.cell ?? ''} ${classes.num ?? ''}`}>
                  {item.index + 1}
                </span>
                <span role="cell" className={classes.cell} title={nameText(trajectory.task.query)}>
                  <VisibleText text={trajectory.task.query.trim().slice(0, 200).replaceAll('\n', ' ') || id} />
                </span>
                <span role="cell" className={`${classes.cell ?? ''} ${classes.num ?? ''}`}>
                  {stepsOf(trajectory).length}
                </span>
                <span role="cell" className={`${classes.cell ?? ''} ${classes.num ?? ''}`}>
                  {stepsOf(trajectory).filter((step) => step.call !== null).length}
                </span>
                <span role="cell" className={`${classes.cell ?? ''} ${classes.num ?? ''}`} style={{ textAlign: 'left' }}>
                  {rewardText(labels.get(id))}
                </span>
                <span role="cell" className={classes.cell}>
                  {trajectory.status === null ? (
                    <span style={{ color: 'var(--mantine-color-dimmed)' }}>not judged</span>
                  ) : (
                    <StatusMark status={trajectory.status} />
                  )}
                </span>
              </div>
            )
          })}
        </div>
      </div>
    </div>
  )
}
