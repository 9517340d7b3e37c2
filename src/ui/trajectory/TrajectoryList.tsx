import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useRef } from 'react'
import type { ReactNode } from 'react'
import type { Trajectory } from '../../records/trajectory'
import { RecordBoundary } from '../widgets/RecordBoundary'
import { StatusMark } from '../widgets/StatusMark'
import lists from './lists.module.css'
import { VisibleText } from './VisibleText'

const ROW_HEIGHT = 50

interface TrajectoryListProps {
  readonly trajectories: readonly Trajectory[]
  readonly selected: string | null
  readonly onSelect: (trajectoryId: string) => void
  /** Second line of a row. */
  readonly facts: (trajectory: Trajectory) => ReactNode
  readonly label: string
  readonly height: string
}

/** Inside the row's boundary: what is computed of a record is computed there. */
const Facts = ({ of, draw }: { readonly of: Trajectory; readonly draw: TrajectoryListProps['facts'] }): ReactNode => draw(of)

/** A virtual list of trajectories: two lines each, the chosen one kept in sight. */
export function TrajectoryList({ trajectories, selected, onSelect, facts, label, height }: TrajectoryListProps) {
  const scroller = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: trajectories.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 8,
    initialRect: { width: 300, height: 600 },
  })
  const at = trajectories.findIndex((one) => one.trajectory_id === selected)
  useEffect(() => {
    if (at >= 0) virtual.scrollToIndex(at, { align: 'auto' })
  }, [at, virtual])
  return (
    <div ref={scroller} className={lists.list} style={{ height }} role="group" aria-label={label} tabIndex={0}>
      <div style={{ height: virtual.getTotalSize(), position: 'relative' }}>
        {virtual.getVirtualItems().map((item) => {
          const trajectory = trajectories[item.index]
          if (!trajectory) return null
          return (
            <button
              key={trajectory.trajectory_id}
              type="button"
              className={lists.row}
              data-testid="trajectory-row"
              data-trajectory={trajectory.trajectory_id}
              style={{ position: 'absolute', top: 0, left: 0, height: ROW_HEIGHT, transform: `translateY(${item.start}px)` }}
              aria-current={trajectory.trajectory_id === selected ? 'true' : undefined}
              onClick={() => {
                onSelect(trajectory.trajectory_id)
              }}
            >
              <RecordBoundary kind="Trajectory" name={trajectory.trajectory_id} inline>
                <span className={lists.rowTitle}>
                  <VisibleText text={trajectory.task.query.trim().slice(0, 160) || trajectory.trajectory_id} />
                </span>
                <span className={lists.rowFacts}>
                  {trajectory.status !== null && <StatusMark status={trajectory.status} />}
                  <Facts of={trajectory} draw={facts} />
                </span>
              </RecordBoundary>
            </button>
          )
        })}
      </div>
    </div>
  )
}
