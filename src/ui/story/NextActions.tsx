import { Button, Group, Text } from '@mantine/core'
import { Link } from 'wouter'
import { practiceSourceId } from '../../records/dataSource'
import type { RunRecord } from '../../records/run'
import { hrefs } from '../navigation/hrefs'
import { useRecording } from '../stores/studio'
import { useRunCommands } from '../train/useRunCommands'
import { CopyText } from '../widgets/CopyText'

/** What to do with a finished story. */
export function NextActions({ run }: { readonly run: RunRecord }) {
  const recording = useRecording()
  const { saveAdapter, error } = useRunCommands(run)
  return (
    <div>
      <Group gap={8}>
        <Button component={Link} href={hrefs.newRun({ from: run.run_id, data: practiceSourceId(run.run_id) })}>
          Try another method on the same practice
        </Button>
        <Button component={Link} href={hrefs.label(undefined, { run: run.run_id })}>
          Label it yourself
        </Button>
        {!recording && (
          <Button
            onClick={() => {
              saveAdapter('last')
            }}
          >
            Export the adapter
          </Button>
        )}
        <Button component={Link} href={hrefs.evaluate({ run: run.run_id })}>
          Numbers in full
        </Button>
        <CopyText text={location.href} label="Copy the link" />
      </Group>
      {error !== null && (
        <Text c="var(--hone-unsolved)" mt={4} role="alert">
          {error}
        </Text>
      )}
    </div>
  )
}
