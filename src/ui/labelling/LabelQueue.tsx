import { Group, Select, TextInput } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import type { Ref } from 'react'
import { formatCount } from '../format'
import { TrajectoryList } from '../trajectory/TrajectoryList'
import { Panel } from '../widgets/Panel'
import classes from './labelling.module.css'
import { queueProgress, type QueueOrder, type QueueRow, type QueueShow } from './queueRows'

interface QueueProps {
  readonly rows: readonly QueueRow[]
  /** Before filtering: what the progress is about. */
  readonly all: readonly QueueRow[]
  readonly selected: string | null
  readonly text: string
  readonly show: QueueShow
  readonly order: QueueOrder
  readonly onChange: (patch: { q?: string; show?: QueueShow; order?: QueueOrder }) => void
  readonly onSelect: (trajectoryId: string) => void
  readonly searchRef: Ref<HTMLInputElement>
}

export function LabelQueue({ rows, all, selected, text, show, order, onChange, onSelect, searchRef }: QueueProps) {
  const stacked = useMediaQuery('(max-width: 75em)')
  const progress = queueProgress(all)
  const byId = new Map(rows.map((row) => [row.trajectory.trajectory_id, row]))
  const share = progress.steps === 0 ? 0 : progress.stepsLabelled / progress.steps
  return (
    <Panel
      title="Queue"
      flush
      aside={
        <span className={classes.value}>
          {rows.length === all.length ? formatCount(all.length) : `${formatCount(rows.length)} of ${formatCount(all.length)}`}
        </span>
      }
    >
      <div style={{ padding: '8px 8px 6px', display: 'grid', gap: 6 }}>
        <div className={classes.rowName}>
          <span data-testid="label-progress">
            {formatCount(progress.stepsLabelled)} of {formatCount(progress.steps)} steps labelled
          </span>
          <span>{formatCount(progress.trajectoriesDone)} done</span>
        </div>
        <div
          className={classes.meter}
          role="progressbar"
          aria-label="Steps labelled"
          aria-valuenow={Math.round(share * 100)}
          aria-valuemin={0}
          aria-valuemax={100}
        >
          <div className={classes.meterFill} style={{ width: `${share * 100}%` }} />
        </div>
        <TextInput
          ref={searchRef}
          aria-label="Filter the queue"
          placeholder="Filter"
          value={text}
          onChange={(event) => {
            onChange({ q: event.currentTarget.value })
          }}
        />
        <Group gap={4} grow>
          <Select
            aria-label="Which"
            value={show}
            data={[
              { value: 'all', label: 'All' },
              { value: 'todo', label: 'To do' },
              { value: 'done', label: 'Done' },
            ]}
            onChange={(value) => {
              onChange({ show: value ?? 'all' })
            }}
          />
          <Select
            aria-label="Order"
            value={order}
            data={[
              { value: 'disagreement', label: 'Disagreements' },
              { value: 'unlabelled', label: 'Most to do' },
              { value: 'file', label: 'File order' },
            ]}
            onChange={(value) => {
              onChange({ order: value ?? 'disagreement' })
            }}
          />
        </Group>
      </div>
      <TrajectoryList
        trajectories={rows.map((row) => row.trajectory)}
        selected={selected}
        onSelect={onSelect}
        label="Trajectories to label"
        height={`min(${stacked ? '150px' : 'max(120px, calc(100dvh - 290px))'}, ${Math.max(1, rows.length) * 50}px)`}
        facts={(trajectory) => {
          const row = byId.get(trajectory.trajectory_id)
          if (!row) return null
          return (
            <>
              <span className={classes.value}>
                {row.labelled}/{row.steps}
              </span>
              {row.disagreement > 0.005 && (
                <span title="Largest difference between annotators at one step">differ {row.disagreement.toFixed(2)}</span>
              )}
              {row.labelled >= row.steps && <span>✓ done</span>}
            </>
          )
        }}
      />
    </Panel>
  )
}
