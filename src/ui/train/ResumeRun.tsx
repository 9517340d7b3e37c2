import { Button } from '@mantine/core'
import type { RunRecord } from '../../records/run'
import { useActiveJob } from '../queries/jobs'
import type { RunCommands } from './useRunCommands'

/** Resumes a run that ended before its time, from its newest checkpoint. */
export function ResumeRun({ run, commands }: { readonly run: RunRecord; readonly commands: RunCommands }) {
  const busy = useActiveJob() !== null
  if (!run.checkpoint || run.status === 'finished' || run.status === 'running' || run.status === 'paused') return null
  const { step, of } = run.checkpoint
  return (
    <Button
      data-testid="run-resume"
      disabled={busy || commands.isResuming}
      title={`From its checkpoint after step ${step} of ${of}, to the same end`}
      onClick={commands.resume}
    >
      {commands.isResuming ? 'Resuming…' : step === 0 ? 'Start again' : `Resume after step ${step}`}
    </Button>
  )
}
