import type { Ref } from 'react'
import { stepsOf } from '../../../records/trajectory'
import { counted, formatCount } from '../../format'
import classes from '../../trajectory/trajectory.module.css'
import { VisibleText } from '../../trajectory/VisibleText'
import { TrajectoryList } from '../../trajectory/TrajectoryList'
import { Loading, Panel } from '../../widgets/Panel'
import { Filters } from './Filters'
import type { SetTrajectoriesUrl, TrajectoriesUrl } from './trajectoriesUrl'
import type { Reading } from './useReading'

interface ListPanelProps {
  readonly reading: Reading
  readonly url: TrajectoriesUrl
  readonly setUrl: SetTrajectoriesUrl
  readonly searchRef: Ref<HTMLInputElement>
}

/** The list, with its filters above. */
export function ListPanel({ reading: { all, shown, isLoading, selectedId, compareIds }, url, setUrl, searchRef }: ListPanelProps) {
  const title =
    shown.length === all.length ? `${formatCount(all.length)} trajectories` : `${formatCount(shown.length)} of ${formatCount(all.length)}`
  return (
    <Panel title={title} flush>
      <Filters url={url} trajectories={all} onChange={setUrl} searchRef={searchRef} />
      {isLoading && <Loading />}
      {shown.length === 0 && !isLoading && (
        <p className={classes.quiet} style={{ padding: '0 12px' }}>
          Nothing matches these filters.
        </p>
      )}
      <TrajectoryList
        trajectories={shown}
        selected={selectedId}
        label="Trajectories"
        height={`min(max(160px, calc(100dvh - 276px)), ${Math.max(1, shown.length) * 50}px)`}
        onSelect={(id) => {
          setUrl({ id, step: 0 }, { push: true })
        }}
        facts={(trajectory) => (
          <>
            <span>{counted(stepsOf(trajectory).length, 'step')}</span>
            {compareIds.includes(trajectory.trajectory_id) && <span>◆ compared</span>}
            <span className={classes.mono}>
              <VisibleText text={trajectory.trajectory_id} most={120} />
            </span>
          </>
        )}
      />
    </Panel>
  )
}
