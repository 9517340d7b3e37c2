import { Button, Group, Text } from '@mantine/core'
import { useState } from 'react'
import { Link } from 'wouter'
import type { RunRecord } from '../../records/run'
import { hrefs } from '../stores/hrefs'
import { useRecording, useStudio } from '../stores/studio'
import { CopyText } from '../widgets/CopyText'
import { downloadBytes } from './exportFiles'

/** What to do with a finished story. */
export function NextActions({ run }: { readonly run: RunRecord }) {
  const studio = useStudio()
  const recording = useRecording()
  const [problem, setProblem] = useState<string | null>(null)
  const exportAdapter = async (): Promise<void> => {
    const reply = await studio.runs.exportAdapter(run.run_id)
    setProblem(reply.ok ? null : reply.message)
    if (reply.ok) for (const [name, bytes] of Object.entries(reply.value)) downloadBytes(name, [bytes], 'application/octet-stream')
  }
  return (
    <div>
      <Group gap={8}>
        <Button component={Link} href={hrefs.newRun({ from: run.run_id })}>
          Try another method on the same practice
        </Button>
        <Button component={Link} href={hrefs.label(undefined, { run: run.run_id })}>
          Label it yourself
        </Button>
        {!recording && (
          <Button
            onClick={() => {
              void exportAdapter()
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
      {problem !== null && (
        <Text c="var(--hone-unsolved)" mt={4} role="alert">
          {problem}
        </Text>
      )}
    </div>
  )
}
