import { Button, Group, Text } from '@mantine/core'
import { Link } from 'wouter'
import type { RunRecord } from '../../../records/run'
import type { JobSnapshot } from '../../../worker/protocol'
import { visibleText } from '../../format'
import { JobControls } from '../../layout/JobControls'
import { progressText } from '../../layout/jobProgress'
import { hrefs } from '../../navigation/hrefs'
import { isActive } from '../../queries/jobs'
import { ResumeRun } from '../../train/ResumeRun'
import { RunExports } from '../../train/RunExports'
import { useRunAbout } from '../../train/useRunAbout'
import { useRunCommands } from '../../train/useRunCommands'
import { PageHead } from '../../widgets/Panel'

interface RunHeadProps {
  readonly run: RunRecord | null
  readonly job: JobSnapshot | null
}

/** The run's title, how far it is, and what can be done with it. */
export function RunHead({ run, job }: RunHeadProps) {
  const about = useRunAbout(run)
  const commands = useRunCommands({ run_id: run?.run_id ?? '' })
  const isRunning = job !== null && isActive(job)
  return (
    <>
      <PageHead
        title={visibleText(run?.title ?? job?.title ?? 'Run')}
        about={about}
        actions={
          <>
            {isRunning && (
              <Group gap={8}>
                <Text c="dimmed" data-testid="run-progress">
                  {progressText(job)}
                </Text>
                <JobControls job={job} />
              </Group>
            )}
            {run && !isRunning && <ResumeRun run={run} commands={commands} />}
            {run?.kind === 'story' && (
              <Button component={Link} href={hrefs.story(run.run_id)}>
                Open the story
              </Button>
            )}
            {run && <RunExports run={run} commands={commands} />}
          </>
        }
      />
      {commands.error !== null && (
        <Text c="var(--hone-unsolved)" role="alert">
          {commands.error}
        </Text>
      )}
    </>
  )
}
