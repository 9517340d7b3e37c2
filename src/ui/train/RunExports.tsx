/** What a finished run leaves, as files: its adapter, the one that did best, or the base with it merged in. */
import { Button } from '@mantine/core'
import { Link } from 'wouter'
import type { RunRecord } from '../../records/run'
import { hrefs } from '../stores/hrefs'
import { rememberJob, useActiveJob } from '../stores/jobs'
import { useGpu, useRecording, useStudio } from '../stores/studio'
import { downloadBytes } from '../story/exportFiles'

export function RunExports({ run, onProblem }: { readonly run: RunRecord; readonly onProblem: (sentence: string | null) => void }) {
  const studio = useStudio()
  const busy = useActiveJob() !== null
  const gpu = useGpu()
  const recording = useRecording()
  const exportAdapter = async (which: 'last' | 'best'): Promise<void> => {
    const reply = await studio.runs.exportAdapter(run.run_id, which)
    onProblem(reply.ok ? null : reply.message)
    if (reply.ok) for (const [name, bytes] of Object.entries(reply.value)) downloadBytes(name, [bytes], 'application/octet-stream')
  }
  const merge = async (): Promise<void> => {
    const reply = await studio.jobs.start({ kind: 'merge', run_id: run.run_id, which: 'last' })
    onProblem(reply.ok ? null : reply.message)
    if (reply.ok) rememberJob(reply.value)
  }
  const isFinished = run.status === 'finished' && run.algorithm !== null
  return (
    <>
      {isFinished && (
        <Button
          onClick={() => {
            void exportAdapter('last')
          }}
        >
          Export the adapter
        </Button>
      )}
      {run.best && (
        <Button
          title={`${run.best.metric} ${run.best.value}, after ${run.best.step} steps`}
          onClick={() => {
            void exportAdapter('best')
          }}
        >
          Export the best
        </Button>
      )}
      {isFinished && recording === null && run.config.trainable !== 'all' && (
        <Button
          component={Link}
          href={hrefs.newRun({ model: run.model.id, algorithm: run.algorithm, start: `run:${run.run_id}` })}
          title="A new run that begins from this adapter"
        >
          Train it further
        </Button>
      )}
      {isFinished && recording === null && (
        <Button
          data-testid="run-merge"
          title="The base model with this adapter in its weights, in 16 bits, for programs that know no adapters"
          disabled={busy || gpu?.state !== 'ready'}
          onClick={() => {
            void merge()
          }}
        >
          Export merged
        </Button>
      )}
    </>
  )
}
