/** Goes on with a run that ended before its time, from its newest checkpoint. */
import { Button } from '@mantine/core'
import { useState } from 'react'
import type { RunRecord } from '../../records/run'
import { rememberJob, useActiveJob } from '../stores/jobs'
import { useStudio } from '../stores/studio'

export function ResumeRun({ run, onProblem }: { readonly run: RunRecord; readonly onProblem: (sentence: string | null) => void }) {
  const studio = useStudio()
  const busy = useActiveJob() !== null
  const [starting, setStarting] = useState(false)
  if (!run.checkpoint || run.status === 'finished' || run.status === 'running' || run.status === 'paused') return null
  const { step, of } = run.checkpoint
  const resume = async (): Promise<void> => {
    setStarting(true)
    const reply = await studio.runs.resume(run.run_id)
    setStarting(false)
    onProblem(reply.ok ? null : reply.message)
    if (reply.ok) rememberJob(reply.value)
  }
  return (
    <Button
      data-testid="run-resume"
      disabled={busy || starting}
      title={`From its checkpoint after step ${step} of ${of}, to the same end`}
      onClick={() => {
        void resume()
      }}
    >
      {starting ? 'Resuming…' : step === 0 ? 'Start again' : `Resume after step ${step}`}
    </Button>
  )
}
