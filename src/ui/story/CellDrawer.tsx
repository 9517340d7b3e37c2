/** One exam question under both models, side by side, each at its wrong step. */
import { Drawer, Group, Text } from '@mantine/core'
import type { ExamCell } from '../../worker/protocol'
import { visibleText } from '../format'
import { TrajectoryBrief } from './TrajectoryBrief'
import { flipOf } from './storyModel'
import classes from './story.module.css'

interface CellDrawerProps {
  readonly runId: string
  readonly before: ExamCell | undefined
  readonly after: ExamCell | undefined
  readonly close: () => void
}

export function CellDrawer({ runId, before, after, close }: CellDrawerProps) {
  const cell = after ?? before
  const flip = flipOf(before, after)
  return (
    <Drawer
      opened={cell !== undefined}
      onClose={close}
      size="min(1040px, 100vw)"
      title={<Text fw={600}>Exam question{cell && cell.group !== '' ? ` · ${visibleText(cell.group)}` : ''}</Text>}
      closeButtonProps={{ 'aria-label': 'Close' }}
      data-testid="cell-drawer"
    >
      {cell && (
        <>
          <Text mb={8}>{visibleText(cell.text)}</Text>
          {flip !== null && (
            <Group mb={8}>
              <Text c={flip === 'gained' ? 'var(--hone-solved)' : 'var(--hone-unsolved)'}>
                {flip === 'gained' ? 'Newly solved after training.' : 'No longer solved after training.'}
              </Text>
            </Group>
          )}
          <div className={classes.pair}>
            <TrajectoryBrief title="Before" trajectoryId={before?.trajectory_id ?? null} runId={runId} />
            <TrajectoryBrief title="After" trajectoryId={after?.trajectory_id ?? null} runId={runId} />
          </div>
        </>
      )}
    </Drawer>
  )
}
