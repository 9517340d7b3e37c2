import { Button, Drawer, SegmentedControl, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { formatCount } from '../format'
import { isActive, useJobs } from '../queries/jobs'
import { ErrorPanel } from '../widgets/ProblemList'
import { JudgeCalls } from './JudgeCalls'
import { JudgeServer } from './JudgeServer'
import { useJudge } from './useJudge'

interface JudgeDrawerProps {
  readonly opened: boolean
  readonly onClose: () => void
  readonly datasetId: string | null
  readonly current: string | null
  /** Ids shown in the queue, and those of them with a step no judge has seen. */
  readonly shown: readonly string[]
  readonly unjudged: readonly string[]
}

type Scope = 'current' | 'unjudged' | 'shown'

/** A judge: where it runs, how many calls that is, and only then the button that sends. */
export function JudgeDrawer({ opened, onClose, datasetId, current, shown, unjudged }: JudgeDrawerProps) {
  const [scope, setScope] = useState<Scope>('current')
  const ids = scope === 'current' ? (current === null ? [] : [current]) : scope === 'shown' ? shown : unjudged
  const judge = useJudge(datasetId, ids)
  return (
    <Drawer opened={opened} onClose={onClose} title="Ask a judge" size="min(440px, 100%)" closeButtonProps={{ 'aria-label': 'Close' }}>
      <Stack
        gap={12}
        component="form"
        {...{ autoComplete: 'off' }}
        onSubmit={(event: React.SyntheticEvent) => {
          event.preventDefault()
        }}
      >
        <Text size="xs" c="dimmed">
          A judge reads steps and suggests labels. Its opinions stand beside yours and never replace them. You can label while it works.
        </Text>
        <JudgeServer judge={judge} />
        <div>
          <Text size="xs" c="dimmed" mb={4}>
            Which trajectories
          </Text>
          <SegmentedControl
            fullWidth
            size="xs"
            aria-label="Which trajectories"
            value={scope}
            onChange={(value) => {
              setScope(value)
              judge.forgetCount()
            }}
            data={[
              { value: 'current', label: 'This one' },
              { value: 'unjudged', label: `No judge yet (${formatCount(unjudged.length)})` },
              { value: 'shown', label: `All shown (${formatCount(shown.length)})` },
            ]}
          />
        </div>
        <Button onClick={judge.count} disabled={!judge.canCount} data-testid="judge-count">
          Count the calls
        </Button>
        {judge.error !== null && <ErrorPanel title="Nothing was sent." details={judge.error} />}
        <JudgeCalls judge={judge} />
        <JudgeProgress />
      </Stack>
    </Drawer>
  )
}

function JudgeProgress() {
  const judging = useJobs().findLast((job) => job.kind === 'judge')
  if (!judging) return null
  return (
    <Text size="xs" role="status" data-testid="judge-progress" data-job={judging.job_id}>
      {isActive(judging) ? `Judging: ${judging.done} of ${judging.total}` : `Judge ${judging.state}: ${judging.done} of ${judging.total}`}
      {judging.error !== null && ` — ${judging.error}`}
    </Text>
  )
}
