import { Button } from '@mantine/core'
import { Link } from 'wouter'
import { nameText } from '../../format'
import { hrefs } from '../../navigation/hrefs'
import { TrajectoryReader } from '../../trajectory/TrajectoryReader'
import { Loading, Panel } from '../../widgets/Panel'
import { RecordBoundary } from '../../widgets/RecordBoundary'
import { ErrorPanel } from '../../widgets/ProblemList'
import type { Reading } from './useReading'

interface ReaderPanelProps {
  readonly reading: Reading
  readonly step: number
  readonly onStep: (step: number) => void
}

/** The open trajectory. */
export function ReaderPanel({ reading, step, onStep }: ReaderPanelProps) {
  const { selected, error, labels, compareIds, place } = reading
  if (!selected) return error === null ? <Loading lines={6} /> : <ErrorPanel title="This trajectory could not be opened." details={error} />
  const { trajectory_id: id } = selected
  return (
    <Panel
      title={nameText(id)}
      aside={
        <>
          <Button
            onClick={() => {
              reading.toggleCompare(id)
            }}
            aria-keyshortcuts="c"
          >
            {compareIds.includes(id) ? 'Remove from comparison' : 'Add to comparison'}
          </Button>
          <Button component={Link} href={hrefs.label(id, place)}>
            Label
          </Button>
        </>
      }
    >
      <RecordBoundary key={id} kind="Trajectory" name={id}>
        <TrajectoryReader trajectory={selected} labels={labels.get(id) ?? null} step={step} onStep={onStep} />
      </RecordBoundary>
    </Panel>
  )
}
